"""The implementations that `nn bench` measures. Each does the same work, one epoch at a time, in the same process.

The work: 784-128-64-10 with ReLU, softmax cross-entropy, SGD without momentum, batch 32, float32, shuffled each epoch.
MatrixProducts computes only its matrix products: no network that trains this way in NumPy can be faster.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.arrays import Array
from nnlaw.spec.guards.check_log import CheckLog

BATCH, RATE = 32, 0.01
MODES = {"": "nn", "calls": "nn, call laws alone", "strict": "nn --strict"}
WIDTHS = (784, 128, 64, 10)


class Implementation(Protocol):
    """One way to do the work. `epoch` returns its seconds and its mean loss, or nan without a loss."""

    name: str

    def epoch(self) -> tuple[float, float]: ...
    def predict(self, x: Array) -> Any: ...


class MatrixProducts:
    """The eight matrix products of each step, on the batches of the epoch as contiguous views.

    forward: x W₁, h₁ W₂, h₂ W₃; backward: h₂ᵀ d₃, d₃ W₃ᵀ, h₁ᵀ d₂, d₂ W₂ᵀ, xᵀ d₁. The first layer computes no dx.
    """

    name = "bare products"

    def __init__(self, x: Array) -> None:
        rng = np.random.default_rng(0)
        self.batches = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
        shapes = list(pairwise(WIDTHS))
        self.w = [rng.standard_normal(shape, np.float32) * np.float32(0.05) for shape in shapes]
        self.dw = [np.empty(shape, np.float32) for shape in shapes]
        self.h = [rng.standard_normal((BATCH, n), np.float32) for n in WIDTHS[1:]]
        self.out = [np.empty((BATCH, n), np.float32) for n in WIDTHS[1:]]

    def epoch(self) -> tuple[float, float]:
        """The products of one epoch."""
        (w1, w2, w3), (dw1, dw2, dw3), product = self.w, self.dw, np.matmul
        start = time.perf_counter()
        for x in self.batches:
            n = len(x)
            h1, h2, d3 = (array[:n] for array in self.h)
            o1, o2, o3 = (array[:n] for array in self.out)
            product(x, w1, out=o1)
            product(h1, w2, out=o2)
            product(h2, w3, out=o3)
            product(h2.T, d3, out=dw3)
            product(d3, w3.T, out=o2)
            product(h1.T, h2, out=dw2)
            product(h2, w2.T, out=o1)
            product(x.T, h1, out=dw1)
        return time.perf_counter() - start, float("nan")

    def predict(self, x: Array) -> Array:
        """The three products of a forward pass."""
        y: Array = x @ self.w[0] @ self.w[1] @ self.w[2]
        return y


class OurNetwork:
    """`nn train`, epoch by epoch: batches, steps, metrics.jsonl, and with --strict the guards and the epoch's audit.

    `mode` is "" for no laws, "calls" for the guards alone, or "strict" for all laws.
    """

    def __init__(self, data: Path, epochs: int, folder: Path, mode: str = "") -> None:
        self.name = MODES[mode]
        start = time.perf_counter()
        settings = Settings(data=str(data), epochs=epochs, batch_size=BATCH, lr=RATE, strict=mode == "strict")
        self.session: Session = prepare(settings)
        if mode == "calls":
            self.session.model.arm(CheckLog())
        self.loading = time.perf_counter() - start
        self.run = Run.create(folder)
        with np.errstate(all="ignore"):
            self.session.start(self.run, SilentReporter())
        self.audited = self.session.check_seconds

    def epoch(self) -> tuple[float, float]:
        """One epoch, without the evaluation after it."""
        with np.errstate(all="ignore"):
            self.session.train_epoch(len(self.session.epochs) + 1, self.run, SilentReporter())
        row = self.session.epochs[-1]
        return row["seconds"], row["loss"]

    def predict(self, x: Array) -> Array:
        """Probabilities."""
        p: Array = self.session.model.predict(x)
        return p
