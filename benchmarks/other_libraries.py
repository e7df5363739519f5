"""Compare the network's speed with PyTorch and scikit-learn, which must be installed.

    python benchmarks/other_libraries.py mnist/ --markdown docs/benchmarks.md      about four minutes

Without a folder of MNIST files, random images of the same size are used.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.cli.bench import THREADS, show_progress, write_report
from nnlaw.nn.bench.bench import ROUNDS, bench, startup, target
from nnlaw.nn.bench.implementations import BATCH, RATE, WIDTHS, Implementation
from nnlaw.nn.bench.report import report
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

TORCH, SKLEARN = "PyTorch eager", "scikit-learn MLPClassifier"
TARGETS = {TORCH: 1.7, SKLEARN: 2.0}  # at least so many times as long as nn
IMPORTS = ("import torch", "import sklearn.neural_network")


class Torch:
    """The usual training loop in PyTorch, eager."""

    name = TORCH

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
        """Shuffle, then take one step per batch."""
        torch, total, steps = self.torch, 0.0, 0
        start = time.perf_counter()
        order = torch.randperm(len(self.x))
        for i in range(0, len(order), BATCH):
            rows = order[i : i + BATCH]
            self.optimizer.zero_grad()
            loss = self.loss(self.net(self.x[rows]), self.labels[rows])
            loss.backward()
            self.optimizer.step()
            total, steps = total + loss.item(), steps + 1
        return time.perf_counter() - start, total / steps

    def predict(self, x: Array) -> Any:
        """Probabilities."""
        with self.torch.no_grad():
            return self.torch.softmax(self.net(self.torch.from_numpy(x)), dim=1)


class Sklearn:
    """scikit-learn's MLPClassifier, one partial_fit per epoch."""

    name = SKLEARN

    def __init__(self, x: Array, labels: Array) -> None:
        self.x, self.labels, self.classes = x, labels, np.unique(labels)
        self.net = import_module("sklearn.neural_network").MLPClassifier(
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
        """One pass over the data, which scikit-learn shuffles and divides into batches."""
        start = time.perf_counter()
        self.net.partial_fit(self.x, self.labels, classes=self.classes)
        return time.perf_counter() - start, float(self.net.loss_)

    def predict(self, x: Array) -> Any:
        """Probabilities."""
        return self.net.predict_proba(x)


def compare(data: Path | None, rounds: int, make: list[Callable[[Array, Array], Implementation]]) -> dict[str, Any]:
    """The results of `nn bench`, and those of the other libraries in the same rounds."""
    results = bench(data, rounds=rounds, progress=show_progress, others=lambda x, labels: [m(x, labels) for m in make])
    for name, limit in TARGETS.items():
        row = results["training"][name]
        row["target"] = target("at least", limit, "nn", row["times_nn"]["median"])
    results["machine"] |= {name: version(name) for name in ("torch", "scikit-learn")}
    results["startup"] |= startup({line: line for line in IMPORTS}, show_progress)
    return results


def main() -> None:
    """Compare, and print or write the report."""
    parser = argparse.ArgumentParser(description="Compare with PyTorch and scikit-learn.")
    parser.add_argument("data", nargs="?", type=Path, help="folder with the MNIST files")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="epochs, the first is a warm-up")
    parser.add_argument("--markdown", type=Path, help="write the report and its plot")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):  # BLAS has read them when NumPy was imported
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))
    command = f"python benchmarks/other_libraries.py{' DATA' if options.data else ''}"
    try:
        results = compare(options.data, options.rounds, [Torch, Sklearn])
    except BadInput as error:
        raise SystemExit(str(error)) from None
    if options.markdown is None:
        print(report(results, command).markdown())
    else:
        write_report(results, f"{command} --markdown {options.markdown}", options.markdown)


if __name__ == "__main__":
    main()
