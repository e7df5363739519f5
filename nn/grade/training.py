"""A requirement that trains: the code under test trains a network, and its accuracy is computed here.

    train(requirement, "net.py", TrainingData.load(None)).accuracy

Only images go to the process of that code, and the labels of the training images; it returns labels.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnlaw.nn.data.load import load
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.nn.grade.rubric import Requirement
from nnlaw.nn.verify.process import SubjectProcess
from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.remote_error import RemoteError, RemoteExit
from nnlaw.spec.subjects.remote_subject import SubjectEnded
from nnlaw.spec.violation import BadInput

STARTUP = 30.0  # seconds for the process to start, not counted
SYNTHETIC = (6000, 1000)  # training and test images


@dataclass(frozen=True)
class TrainingData:
    """Images (N, H, W) of bytes and labels (N,)."""

    images: Array
    labels: Array
    test_images: Array
    test_labels: Array

    @classmethod
    def load(cls, folder: Path | None) -> TrainingData:
        """Those of a folder, or synthetic digits. Raises BadInput if the folder has no data set."""
        data = load(folder) if folder else generate_digits(0, *SYNTHETIC)
        return cls(data.train_images, data.train_labels, data.test_images, data.test_labels)


@dataclass(frozen=True)
class TrainingResult:
    """The accuracy on the test images, or the reason why there is none, and the time that it took."""

    accuracy: float | None = None
    reason: str = ""
    seconds: float = 0.0


def train(requirement: Requirement, file: str, data: TrainingData) -> TrainingResult:
    """Train in a process of its own, with the time limit of the requirement."""
    start = time.monotonic()
    request = {
        "file": os.fsencode(os.path.abspath(file)), "train": requirement.train, "predict": requirement.predict,
        "images": data.images, "labels": data.labels, "test_images": data.test_images,
    }  # fmt: skip
    with SubjectProcess() as process:
        try:
            process.allow(STARTUP)
            process.connection.request("open", None, {})
            process.allow(requirement.seconds)
            found = process.connection.request("open", None, request)
            accuracy = _accuracy(found, data.test_labels)
            return TrainingResult(accuracy, seconds=time.monotonic() - start)
        except SubjectEnded as error:
            reason = f"{process.place}: {error}" if process.place else str(error)
        except BadInput as error:
            reason = str(error)
        except (RemoteExit, RemoteError) as error:
            reason = f"{type(error).__name__}: {error}"
    return TrainingResult(reason=reason, seconds=time.monotonic() - start)


def _accuracy(found: object, labels: Array) -> float:
    if not isinstance(found, np.ndarray) or found.shape != labels.shape or found.dtype.kind not in "iu":
        raise SubjectEnded("it sent something else than labels")
    return float(np.mean(found == labels))
