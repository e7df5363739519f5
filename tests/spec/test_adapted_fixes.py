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
    assert [edit.after for edit in violation.suggestion.edits] == [after]
    assert all(conformance(unit).outcome == "passed" for unit in units.values())


SHARE = """import numpy as np


class Share:
    def __init__(self):
        self.count = None

    def forward(self, x):
        if self.count is None:
            self.count = len(x)
        return x / len(x)

    def backward(self, dy):
        return dy
"""


def test_a_fix_passes_after_batches_of_other_sizes(tmp_path: Path) -> None:
    """The number of samples of the first batch is not the one to divide by, although it is nearer to the source."""
    (tmp_path / "share.py").write_text(SHARE)
    (unit,) = find(load(tmp_path / "share.py").module, ["Share"])
    (violation,) = conformance(unit, explain=True).violations
    assert violation.suggestion is not None
    assert [edit.after for edit in violation.suggestion.edits] == ["dy / len(dy)"]


STEP = """import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x.dot(self.w) + self.b

    def backward(self, grad, lr=0.1):
        self.w = self.w - lr * np.dot(self.x.T, grad)
        self.b -= lr * np.sum(grad, axis=0)

        dx = np.dot(grad, self.w.T)
        return dx
"""


@pytest.mark.parametrize("last", ["dx = np.dot(grad, self.w.T)\n        return dx", "return np.dot(grad, self.w.T)"])
def test_a_gradient_computed_after_the_step_is_moved_before_it(last: str, tmp_path: Path) -> None:
    """The weights that forward used are needed, whether the value has a name or is returned."""
    path = tmp_path / "step.py"
    path.write_text(STEP.replace("dx = np.dot(grad, self.w.T)\n        return dx", last))
    (unit,) = find(load(path).module, ["Dense"])
    (violation,) = conformance(unit, explain=True).violations
    assert violation.suggestion is not None and violation.cause_code == "statements-swapped"
    (edit,) = violation.suggestion.edits
    before, _, after = edit.apply(path.read_text()).partition("self.w = self.w")
    assert before.endswith("dx = np.dot(grad, self.w.T)\n        ")
    assert after.split()[-2:] == ["return", "dx"] and "self.w.T" not in after


KEPT = """import numpy as np


class ReLU:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        TEST
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask
"""


@pytest.mark.parametrize("test", [
    "if self.mask is None or self.mask.shape != x.shape:\n            self.mask = x > 0",
    "self.mask = x > 0 if self.mask is None or self.mask.shape != x.shape else self.mask",
])  # fmt: skip
def test_a_condition_that_is_always_true_does_not_fix_a_kept_mask(test: str, tmp_path: Path) -> None:
    """What is wrong is that the mask is kept; a statement and an expression."""
    (tmp_path / "kept.py").write_text(KEPT.replace("TEST", test))
    (unit,) = find(load(tmp_path / "kept.py").module, ["ReLU"])
    (violation,) = conformance(unit, explain=True).violations
    assert violation.law == "stale-gradient" and violation.suggestion is None


UNTOUCHED = Path(__file__).parents[2] / "fixtures" / "untouched" / "wrong"


@pytest.mark.parametrize(
    "name",
    [
        "mean_in_the_layer",  # len(self.X) in two lines, which is not the length of the bias, nor 1 in other words
        "name_schedule_decay_steps",  # its arguments have one value each, at which other curves fit
    ],
)
def test_no_fix_is_better_than_one_that_no_author_means(name: str) -> None:
    """A size is not replaced by what happens to be 1, and no schedule by one that has the same values by chance."""
    module = load(UNTOUCHED / f"{name}.py")
    reports = [conformance(unit, explain=True) for unit in find(module.module, module.names) if unit.is_unit]
    assert [each.suggestion for report in reports for each in report.violations] == [None]


def test_the_gradient_of_two_inputs_is_not_called_shifted() -> None:
    """If the gradient of the second input has the wrong sign, it is not that of the first, moved along the axis."""
    module = load(UNTOUCHED / "joint_loss_functions.py")
    (violation,) = next(conformance(unit, explain=True) for unit in find(module.module, module.names)).violations
    assert violation.cause_code == "wrong-sign"
