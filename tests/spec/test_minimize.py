"""The smallest failing input, and the case during the search for a fix."""

from typing import Any

import numpy as np
import pytest

from nnlaw.spec import (
    LayerCase,
    LossCase,
    conformance,
)

X = np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32)


class Displaced:
    """Named tanh, but larger by 0.25; its inputs must be near 2.5."""

    domain = (2.26, 2.74)

    def forward(self, x: Any) -> Any:
        self.y = np.tanh(x)
        return self.y + x.dtype.type(0.25)

    def backward(self, dy: Any) -> Any:
        return dy * (1 - self.y**2)


def test_the_smallest_input_is_inside_the_domain() -> None:
    """Zeros and rounded numbers outside of the domain are not tried."""
    case = LayerCase("mine", Displaced(), np.clip(X, -0.2, 0.2) + np.float32(2.5), "N C -> N C", name="tanh")
    (found,) = conformance(case, ["definition"], explain=True).violations
    assert found.law == "definition" and found.input is not None
    assert all(2.25 < number < 2.75 for row in found.input["x"] for number in row)


class Tripled:
    """Three times half the squared error; some edits of its source write into its inputs."""

    targets = "real"

    def forward(self, prediction: Any, target: Any) -> float:
        prediction = prediction * 1
        target = target * 1
        self.off = prediction - target
        return float(3 * (self.off**2).sum() / 2 / len(prediction))

    def backward(self) -> Any:
        return 3 * self.off / len(self.off)


@pytest.mark.slow
def test_the_search_for_a_fix_keeps_the_case_unchanged() -> None:
    """Even if an edit writes into its arrays."""
    case = LossCase("mine", Tripled(), X.copy(), X[::-1] + 1, name="mse")
    kept = case.prediction.copy(), case.target.copy()
    (found,) = conformance(case, ["definition"], explain=True).violations
    assert found.law == "definition"
    assert np.array_equal(case.prediction, kept[0]) and np.array_equal(case.target, kept[1])
