"""Every file format that nn reads: how to make valid files, and how to read them as nn does.

    FORMATS["idx"].make(folder, variant)    fill an empty folder with valid files
    FORMATS["idx"].read(folder, name)       read them as nn does, after `name` was damaged
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import read_glyphs
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.bundle import write_bundle
from nnlaw.nn.runs.listing import describe_run
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.runs.reproduce import Reproduction, compare
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.stress.fuzzing import seed_files
from nnlaw.nn.stress.fuzzing.seed_files import idx_files, scratch, small_settings
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import Violation


@dataclass(frozen=True)
class Format:
    """One format. Files that match `files` are damaged. `writes`: a successful reading changes the folder."""

    name: str
    make: Callable[[Path, int], None]
    read: Callable[[Path, str], Any]
    files: str = "*"
    writes: bool = False


class InvalidResult(Exception):
    """The file was read, not refused, but the result is not valid."""


def read_data(folder: Path, name: str) -> None:
    """Prepare a training on the data, up to the first step."""
    place = folder / name if name.endswith(".npz") else folder
    session = prepare(replace(small_settings(place), layers="dense:2 dense:10"))
    _expect(session.split.x_train.size > 0 and bool(np.isfinite(session.split.x_train).all()), "inputs not finite")


def read_image(folder: Path, name: str) -> None:
    """Find the digit in the image; a refusal because it shows no digit is a valid result."""
    try:
        (found,) = read_glyphs(folder / name, Frame())
    except PictureRefused:
        return
    _expect(found.shape == (28, 28) and found.dtype == np.uint8, f"{found.dtype} of shape {found.shape}")


def read_settings_file(folder: Path, name: str) -> None:
    """Read settings, and prepare a training with them."""
    settings = Settings().with_changes(read_settings(folder / name))
    with scratch() as place:
        if not settings.data:  # the synthetic digits take seconds to generate
            idx_files(place, 0)
            settings = replace(settings, data=str(place))
        prepare(settings)


def read_run(folder: Path, name: str) -> None:
    """Describe a run, predict with its last and best weights, compare it, bundle it."""
    run = Run(folder)
    describe_run(run)
    read_weights(folder, name)
    compare(run, Run(folder.parent / "valid-0"))
    with scratch() as place:
        write_bundle(run, place / "bundle.zip")


def read_weights(folder: Path, name: str) -> None:
    """Predict with the last and with the best weights of a run."""
    for which in ("last", "best"):
        reader = Predictor(Run(folder), which)
        p = reader.probabilities(np.arange(784, dtype=np.uint8).reshape(28, 28))
        _expect(abs(float(p.sum()) - 1) < 1e-3, f"probabilities {p} do not sum to 1")
        _expect(all(isinstance(name, str) for name in reader.classes), f"classes {reader.classes}")


def resume_run(folder: Path, name: str) -> None:
    """Resume a run and train to its end."""
    run = Run(folder)
    with run.locked():
        session = resume(run, {})
        try:
            session.train(run, SilentReporter())
        except Violation:
            return  # a valid result: training started, and a law failed


def read_bundle(folder: Path, name: str) -> None:
    """Unpack a bundle; if it is valid, train with its settings and compare."""
    with Reproduction(folder / name, str(folder.parent / "data-0")) as reproduction:
        reproduction.prepare()
        try:
            reproduction.train(SilentReporter())
        except Violation:
            return


def replay_failure(folder: Path, name: str) -> None:
    """Replay a recorded failure."""
    replay(folder)


def _expect(valid: bool, otherwise: str) -> None:
    if not valid:
        raise InvalidResult(otherwise)


ROWS = (
    Format("idx", seed_files.idx_files, read_data, "*-ubyte"),
    Format("idx-gz", seed_files.zipped_idx_files, read_data, "*.gz"),
    Format("npz", seed_files.npz_file, read_data, "*.npz"),
    Format("pictures", seed_files.image_files, read_image),
    Format("settings", seed_files.settings_file, read_settings_file),
    Format("run", seed_files.finished_run, read_run),
    Format("weights", seed_files.finished_run, read_weights, "[bw]*.safetensors"),
    Format("checkpoint", seed_files.stopped_run, resume_run, "checkpoint.*", writes=True),
    Format("resume", seed_files.stopped_run, resume_run, writes=True),
    Format("bundle", seed_files.bundle, read_bundle),
    Format("failure", seed_files.failure_folder, replay_failure),
)
FORMATS = {row.name: row for row in ROWS}
