"""Layers: a backward that is meant for batches, and random masks that are kept."""

from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import Report


def report_of(source: str, folder: Path, *, explain: bool = False) -> Report:
    """The report of the only unit of a file with the source."""
    (folder / "code.py").write_text(f"import numpy as np\n\n{source}", encoding="utf-8")
    loaded = load(folder / "code.py")
    (unit,) = find(loaded.module, list(loaded.names))
    return conformance(unit, explain=explain)


OUTER = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = np.outer(self.x, dy)
        self.db = DB
        return dy @ self.W.T
"""


def test_a_backward_that_sums_over_a_batch_has_to_be_right_for_one(tmp_path: Path) -> None:
    """An outer product takes the batch as one vector; for one row it would be right."""
    (violation,) = report_of(OUTER.replace("DB", "dy.sum(axis=0)"), tmp_path, explain=True).violations
    assert violation.cause_code == "outer-product-of-batch"


def test_a_backward_of_one_row_may_take_the_outer_product(tmp_path: Path) -> None:
    """Nothing in it is meant for a batch."""
    assert report_of(OUTER.replace("DB", "dy"), tmp_path).outcome == "passed"


MASK = """
class Silencer:
    def __init__(self, p=0.4):
        self.p = p
        self.mask = None

    def forward(self, x):
        if TEST:
            self.mask = (np.random.rand(*x.shape) > self.p) / (1 - self.p)
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask
"""


@pytest.mark.parametrize(
    ("test", "outcome"), [("self.mask is None or self.mask.shape != x.shape", "partly checked"), ("True", "passed")]
)
def test_a_random_mask_that_is_kept_does_not_pass(test: str, outcome: str, tmp_path: Path) -> None:
    """One that is drawn in each call does."""
    report = report_of(MASK.replace("TEST", test), tmp_path)
    assert (report.outcome, list(report.missing)) == (outcome, ["mask"] if outcome != "passed" else [])


def test_an_array_made_by_the_first_call_may_be_a_parameter(tmp_path: Path) -> None:
    """It has a gradient."""
    source = MASK.replace("TEST", "self.mask is None").replace("(np.random.rand(*x.shape) > self.p) / (1 - self.p)", (
        "np.random.rand(x.shape[1])"
    )).replace("return x *", "self.x = x\n        return x *")
    source = source.replace("return dy", "self.dmask = (dy * self.x).sum(axis=0)\n        return dy")
    assert report_of(source, tmp_path).outcome == "passed"


NETWORK = """
class Net:
    def __init__(self, n_in=4, n_hidden=6, n_out=3, keep=0.8):
        self.W1 = np.random.randn(n_in, n_hidden) * 0.5
        self.W2 = np.random.randn(n_hidden, n_out) * 0.5
        self.keep = keep

    def forward(self, X):
        self.z = X @ self.W1
        self.mask = (np.random.rand(*self.z.shape) < self.keep) / self.keep
        self.h = np.tanh(self.z) * self.mask
        s = self.h @ self.W2
        e = np.exp(s - s.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def loss(self, X, y):
        p = self.forward(X)
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    def backward(self, X, y):
        d = self.p.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        self.dW2 = self.h.T @ d
        self.dW1 = X.T @ (d @ self.W2.T * MASK(1 - np.tanh(self.z) ** 2))
"""


@pytest.mark.parametrize(("mask", "outcome"), [("self.mask * ", "passed"), ("", "failed")])
def test_a_loss_that_calls_forward_gets_the_same_dropout_mask(mask: str, outcome: str, tmp_path: Path) -> None:
    """As forward did before backward; a mask that backward forgets is a wrong gradient."""
    assert report_of(NETWORK.replace("MASK", mask), tmp_path).outcome == outcome
