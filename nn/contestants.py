"""Who runs in the benchmark: each does the same work, one epoch at a time, in the same process.

The work: 784-128-64-10 with ReLU, softmax cross-entropy, SGD without momentum, batch 32, float32, shuffled each epoch.
The floor does nothing of it but its matrix products: no network that takes this step in NumPy can be faster.
"""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nn.run import Run
from nn.session import Session, prepare
from nn.settings import Settings
from spec.arrays import Array

BATCH, RATE = 32, 0.01
WIDTHS = (784, 128, 64, 10)
PEERS = {"torch": "PyTorch eager", "sklearn": "scikit-learn MLPClassifier"}


class Contestant(Protocol):
    """One way to do the work. `epoch` returns its seconds and its mean loss, nan where there is none."""

    name: str

    def epoch(self) -> tuple[float, float]: ...
    def predict(self, x: Array) -> Any: ...


class Floor:
    """The eight matrix products of each step, on the epoch's own batches as contiguous views.

    forward: x W₁, h₁ W₂, h₂ W₃; backward: h₂ᵀ d₃, d₃ W₃ᵀ, h₁ᵀ d₂, d₂ W₂ᵀ, xᵀ d₁. No dX of the first layer.
    """

    name = "bare products"

    def __init__(self, x: Array) -> None:
        rng = np.random.default_rng(0)
        self.parts = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
        shapes = list(pairwise(WIDTHS))
        self.w = [rng.standard_normal(shape, np.float32) * np.float32(0.05) for shape in shapes]
        self.dw = [np.empty(shape, np.float32) for shape in shapes]
        self.h = [rng.standard_normal((BATCH, n), np.float32) for n in WIDTHS[1:]]
        self.out = [np.empty((BATCH, n), np.float32) for n in WIDTHS[1:]]

    def epoch(self) -> tuple[float, float]:
        """The products of one epoch."""
        (w1, w2, w3), (dw1, dw2, dw3), product = self.w, self.dw, np.matmul
        begun = time.perf_counter()
        for x in self.parts:
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
        return time.perf_counter() - begun, float("nan")

    def predict(self, x: Array) -> Array:
        """The three products of a forward pass."""
        found: Array = x @ self.w[0] @ self.w[1] @ self.w[2]
        return found


class Quiet:
    """A reporter that says nothing."""

    def stage(self, text: str) -> None: ...
    def advance(self, epoch: int, step: int, loss: float) -> None: ...
    def epoch(self, row: dict[str, Any]) -> None: ...


class Own:
    """`nn train` itself, epoch by epoch: batches, steps, metrics.jsonl, and under strict its guards and epoch audit."""

    def __init__(self, data: Path, epochs: int, folder: Path, *, strict: bool) -> None:
        self.name = "nn --strict" if strict else "nn"
        begun = time.perf_counter()
        settings = Settings(data=str(data), epochs=epochs, batch_size=BATCH, lr=RATE, strict=strict)
        self.session: Session = prepare(settings)
        self.loading = time.perf_counter() - begun
        self.run = Run.create(folder)
        with np.errstate(all="ignore"):
            self.session.begin(self.run, Quiet())
        self.audited = self.session.audited

    def epoch(self) -> tuple[float, float]:
        """One epoch, without the evaluation that follows it."""
        with np.errstate(all="ignore"):
            self.session.learn(len(self.session.epochs) + 1, self.run, Quiet())
        row = self.session.epochs[-1]
        return row["seconds"], row["loss"]

    def predict(self, x: Array) -> Array:
        """Probabilities."""
        found: Array = self.session.model.predict(x)
        return found


class Torch:
    """The textbook loop in PyTorch, eager."""

    name = PEERS["torch"]

    def __init__(self, x: Array, labels: Array) -> None:
        torch: Any = import_module("torch")
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.torch = torch
        self.x, self.labels = torch.from_numpy(x), torch.from_numpy(labels)
        linear, relu = torch.nn.Linear, torch.nn.ReLU
        self.net = torch.nn.Sequential(linear(784, 128), relu(), linear(128, 64), relu(), linear(64, 10))
        self.loss = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=RATE)

    def epoch(self) -> tuple[float, float]:
        """Shuffle, then step through the batches."""
        torch, total, steps = self.torch, 0.0, 0
        begun = time.perf_counter()
        order = torch.randperm(len(self.x))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            self.optimizer.zero_grad()
            loss = self.loss(self.net(self.x[rows]), self.labels[rows])
            loss.backward()
            self.optimizer.step()
            total, steps = total + loss.item(), steps + 1
        return time.perf_counter() - begun, total / steps

    def predict(self, x: Array) -> Any:
        """Probabilities."""
        with self.torch.no_grad():
            return self.torch.softmax(self.net(self.torch.from_numpy(x)), dim=1)


class Sklearn:
    """scikit-learn's MLPClassifier, one partial_fit an epoch."""

    name = PEERS["sklearn"]

    def __init__(self, x: Array, labels: Array) -> None:
        perceptron = import_module("sklearn.neural_network").MLPClassifier
        self.x, self.labels, self.classes = x, labels, np.unique(labels)
        self.net = perceptron(
            hidden_layer_sizes=WIDTHS[1:-1],
            solver="sgd",
            alpha=0.0,
            batch_size=BATCH,
            learning_rate_init=RATE,
            momentum=0.0,
            nesterovs_momentum=False,
            random_state=0,
        )

    def epoch(self) -> tuple[float, float]:
        """One pass over the data, which scikit-learn shuffles and cuts itself."""
        begun = time.perf_counter()
        self.net.partial_fit(self.x, self.labels, classes=self.classes)
        return time.perf_counter() - begun, float(self.net.loss_)

    def predict(self, x: Array) -> Any:
        """Probabilities."""
        return self.net.predict_proba(x)


def peers(x: Array, labels: Array) -> list[Contestant]:
    """Those that are installed."""
    makers: dict[str, Any] = {"torch": Torch, "sklearn": Sklearn}
    return [make(x, labels) for module, make in makers.items() if find_spec(module)]
