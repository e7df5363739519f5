"""If the gradient is that of a nearby function, the value is named as possibly wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import Violation, check_loss
from nnlaw.spec.check import check
from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find_in
from nnlaw.spec.discovery.load import load

COST = """import numpy as np


def cost(p, x, y):
    a = 1 / (1 + np.exp(-(x @ p["w"])))
    value = {value}
    return value, {{"w": x.T @ (a - y) / len(x){penalty}}}
"""
RIGHT = "np.sum(-y * np.log(a) - (1 - y) * np.log(1 - a)) / len(x)"
x = np.random.default_rng(0).normal(size=(6, 3))
y = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., Violation | None]:
    """What check_loss finds in a cost with this value and penalty; None if it passes."""

    def checked(value: str, penalty: str = "") -> Violation | None:
        file = tmp_path / "cost.py"
        file.write_text(COST.format(value=value, penalty=penalty))
        space: dict[str, Any] = {}
        exec(compile(file.read_text(), file, "exec"), space)
        try:
            check_loss(space["cost"], {"w": np.array([0.3, -0.7, 0.5])}, x, y)
        except Violation as violation:
            return violation
        return None

    return checked


def test_a_wrong_sign_in_the_value(found: Callable[..., Violation | None]) -> None:
    """Brackets are missing: the gradient is that of the cross-entropy, the value is another function."""
    assert found(RIGHT) is None
    violation = found(RIGHT.replace("- (1 - y)", "+ (1 - y)"))
    assert violation is not None and violation.cause_code == "wrong-value" and violation.suggestion is None
    assert violation.cause.startswith("possibly the value is wrong and the gradient right")
    assert "- (1 - y) * np.log(1 - a)` in place of" in violation.cause and violation.cause.endswith("(line 6)")


def test_a_penalty_in_one_of_the_two(found: Callable[..., Violation | None]) -> None:
    """With the number: 0.2 w is the gradient of 0.1 w²."""
    both = found(RIGHT + ' + 0.1 * p["w"] @ p["w"]', ' + 0.2 * p["w"]')
    gradient, value = found(RIGHT, ' + 0.2 * p["w"]'), found(RIGHT + ' + 0.1 * p["w"] @ p["w"]')
    assert both is None and gradient is not None and value is not None
    assert gradient.cause.startswith("0.2 times the parameter is added, as by weight decay that the value lacks")
    assert value.cause == "0.2 times the parameter is missing, as the gradient of a penalty that the value has"


@pytest.mark.slow
def test_a_wrong_gradient_is_not_called_a_wrong_value(found: Callable[..., Violation | None]) -> None:
    """The gradient belongs to no function near the value."""
    violation = found(RIGHT, ' + np.arange(3) * p["w"] ** 3')
    assert violation is not None and violation.cause_code != "wrong-value"


IN_PLACE = """import numpy as np


class Block:
    def __init__(self, n):
        self.W = np.random.randn(n, n)

    def forward(self, x):
        self.x = x
        h = x @ self.W
        {relu}
        self.a = a
        return h + a

    def backward(self, dout):
        dh = dout + dout * (self.a > 0)
        self.dW = self.x.T @ dh
        return dh @ self.W.T
"""


@pytest.mark.parametrize(
    ("wrong", "right", "code"),
    [
        ("a = h; a[a < 0] = 0", "a = h.copy(); a[a < 0] = 0", "missing-copy"),
        ("a = np.maximum(h, 0, out=h)", "a = np.maximum(h, 0)", "changed-in-place"),
        ("a = h; a *= a > 0", "a = h; a = a * (a > 0)", "changed-in-place|missing-copy"),
    ],
)
def test_a_relu_in_place_in_a_residual_block(wrong: str, right: str, code: str, tmp_path: Path) -> None:
    """The pre-activation changes, too: that is the cause, not a gradient that does not expect it."""
    file = tmp_path / "block.py"
    for relu in (right, wrong):
        file.write_text(IN_PLACE.format(relu=relu))
        unit = load(file).module.Block
        if relu is right:
            assert check(unit).outcome == "passed"  # type: ignore[union-attr]  # one unit has one report
    (violation,) = conformance(unit, explain=True).violations
    assert violation.law == "gradient" and violation.cause_code in code.split("|") and violation.suggestion is not None


STALE = """import numpy as np


class Scale:
    def __init__(self, n):
        self.W = np.random.randn(n, n)
        self.transposed = self.W.T.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.transposed
"""


def test_no_change_in_place_is_named_if_the_gradient_is_right_at_first(tmp_path: Path) -> None:
    """A copy of the weights is out of date only once they have moved."""
    (tmp_path / "scale.py").write_text(STALE)
    (violation,) = conformance(find_in(load(tmp_path / "scale.py").module.Scale)[0], explain=True).violations
    assert violation.cause_code not in ("missing-copy", "changed-in-place", "wrong-value")
