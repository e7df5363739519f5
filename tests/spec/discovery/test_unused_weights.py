"""Weights that the output does not depend on at the inputs that were tried: they are named, and nothing passes."""

from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import UnitOutcome

LAYER = """import numpy as np

class Gated:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.U = np.random.randn(n_in, n_out)
        self.velocity = np.zeros((n_in, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W.T
"""

NETWORK = """import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W = np.random.randn(n_in, n_hidden)
        self.skip = np.random.randn(n_in, n_out)
        self.V = np.random.randn(n_hidden, n_out)

    def forward(self, X):
        self.h = np.tanh(X @ self.W)
        return self.h @ self.V

    def loss(self, X, y):
        return 0.5 * np.sum((self.forward(X) - y) ** 2)

    def train_step(self, X, y, lr=0.1):
        d = self.forward(X) - y
        dh = d @ self.V.T * (1 - self.h ** 2)
        self.V -= lr * self.h.T @ d
        self.W -= lr * X.T @ dh
"""


@pytest.mark.parametrize(("source", "unused"), [(LAYER, "U"), (NETWORK, "skip")])
def test_unused_weights_leave_a_unit_partly_checked(tmp_path: Path, source: str, unused: str) -> None:
    """They are named; a buffer of zeros is not."""
    file = tmp_path / "mine.py"
    file.write_text(source, encoding="utf-8")
    (unit,) = find(load(file).module)
    report = conformance(unit)
    assert report.outcome is UnitOutcome.PARTLY_CHECKED and set(report.missing) == {unused}


ZEROS = """import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W = np.zeros((n_in, n_hidden))
        self.V = np.zeros((n_hidden, n_out))
        self.b = np.zeros(n_out)

    def forward(self, X):
        self.h = np.tanh(X @ self.W)
        return self.h @ self.V + self.b

    def backward(self, X, Y):
        d = (self.forward(X) - Y) / len(X)
        self.dV, self.db = self.h.T @ d, d.sum(axis=0)
"""


def test_weights_of_zero_behind_zeros_are_never_dropped(tmp_path: Path) -> None:
    """A matrix of zeros behind another one is compared, and one without a gradient is missing."""
    file = tmp_path / "mine.py"
    file.write_text(ZEROS, encoding="utf-8")
    (unit,) = find(load(file).module)
    report = conformance(unit)
    assert report.outcome is UnitOutcome.PARTLY_CHECKED and set(report.missing) == {"W"}
    assert {text.split()[0] for text in report.compared} == {"V", "b"}
