"""The same work as nn/bench/baselines.py in other libraries, where they are installed: PyTorch eager, scikit-learn."""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from nnlaw.nn.bench.baselines import BATCH, RATE, WIDTHS, Contestant
from nnlaw.spec.arrays import Array

PEERS = {"torch": "PyTorch eager", "sklearn": "scikit-learn MLPClassifier"}


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
