"""Functions that nothing registers get causes and fixes as classes do."""

from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.violation import Violation

FUNCTIONS = """import numpy as np


def relu(x):
    return np.maximum(0, x)


def relu_prime(x):
    return 1 * (x > 0)


def mse(y, t):
    return np.mean((y - t) ** 2)


def mse_prime(y, t):
    return 2 * (y - t) / y.size


class MSE:
    def forward(self, pred, target):
        self.pred, self.target = pred, target
        return np.mean((pred - target) ** 2)

    def backward(self):
        return 2 * (self.pred - self.target) / self.pred.size


def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "name", "after"),
    [
        ("x > 0", "x < 0", "relu", "x > 0"),
        ("2 * (y - t)", "(y - t)", "mse", "2 * (y - t)"),
        ("(self.pred - self.target) /", "(self.target - self.pred) /", "MSE", "self.pred - self.target"),
        ("x.T @ dout", "x.T @ dout / len(x)", "affine", "x.T @ dout"),
        ("dout.sum(axis=0)", "dout.mean(axis=0)", "affine", "dout.sum(axis=0)"),
    ],
)
def test_a_wrong_function_gets_the_edit_that_fixes_it(
    right: str, wrong: str, name: str, after: str, tmp_path: Path
) -> None:
    """An activation, a loss in two functions and in a class, a pair with a cache."""
    (tmp_path / "functions.py").write_text(FUNCTIONS.replace(right, wrong))
    loaded = load(tmp_path / "functions.py")
    units = {unit.name: unit for unit in find(loaded.module, list(loaded.names)) if unit.kind}
    (violation,) = conformance(units.pop(name), explain=True).violations
    assert isinstance(violation, Violation) and violation.law == "gradient" and violation.suggestion is not None
    assert [edit.after for edit in violation.suggestion.edits] == [after] and not violation.suggestion.note
    assert all(conformance(unit).outcome == "passed" for unit in units.values())
