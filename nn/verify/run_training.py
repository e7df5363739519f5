"""Train a network of the code under test and return what it predicts; this runs in the process of that code.

    run_training({"file": "net.py", "train": "net = Network(784, 10); net.fit(x, y)", "predict": "net.predict(x)",
                  "images": ..., "labels": ..., "test_images": ...})

`train` is executed, and `predict` evaluated, with the definitions of the file, `np`, and x (N, H·W) in [0, 1]. `train`
also has the labels y (N,) and one_hot (N, C). `predict` returns labels (N,), scores (N, C) or (C, N).
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.load import load
from nnlaw.spec.violation import BadInput


def run_training(target: dict[str, Any]) -> Array:
    """The predicted label of each test image. Raises BadInput if `predict` returns something else."""
    random.seed(0)
    np.random.seed(0)
    labels, classes = target["labels"], int(target["labels"].max()) + 1
    names: dict[str, Any] = {"np": np, **vars(load(Path(target["file"])).module)}
    names |= {"x": _inputs(target["images"]), "y": labels.astype(np.int64), "one_hot": np.eye(classes)[labels]}
    exec(target["train"], names)
    names["x"] = _inputs(target["test_images"])
    return _labels(eval(target["predict"], names), len(names["x"]), classes)


def _inputs(images: Array) -> Array:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _labels(found: Any, count: int, classes: int) -> Array:
    array = np.asarray(found)
    if array.shape in ((count, classes), (classes, count)):
        array = array.argmax(axis=array.shape.index(classes) if count != classes else 1)
    if array.size != count or array.dtype.kind not in "iufb":
        raise BadInput(f"predict returned shape {array.shape}, expected {count} labels or scores of {classes} classes")
    return array.reshape(count).astype(np.int64)
