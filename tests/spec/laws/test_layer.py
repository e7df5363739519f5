"""Laws of layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import LayerCase, conformance, obeys

Check = Callable[[Any, str], tuple[str, list[str]]]

X = np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32)


@obeys("N C -> N C")
class SkipsDx:
    """tanh, which computes dx only if needs_dx is true."""

    needs_dx = False

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = np.float32(scale)

    def forward(self, x: Any) -> Any:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Any) -> Any:
        return dy * (1 - self.y**2) * dy.dtype.type(self.scale) if self.needs_dx else None


@pytest.mark.parametrize(("scale", "outcome"), [(1.0, "passed"), (2.0, "failed")])
def test_dx_is_checked_even_if_needs_dx_is_false(scale: float, outcome: str) -> None:
    """The laws set needs_dx to true."""
    assert conformance(LayerCase("mine", SkipsDx(scale), X)).outcome == outcome


class Normal:
    """Layer normalization with a gain, and a shift of the given name that does not start at 0."""

    def __init__(self, shift: str) -> None:
        self.shift = shift
        self.params = {"weight": np.ones(4, np.float32), shift: np.full(4, 0.5, np.float32)}
        self.grads = {name: np.zeros(4, np.float32) for name in self.params}

    def forward(self, x: Any) -> Any:
        d = x - x.mean(axis=1, keepdims=True)
        self.root = np.sqrt((d * d).mean(axis=1, keepdims=True) + x.dtype.type(1e-5))
        self.z = d / self.root
        return self.z * self.params["weight"] + self.params[self.shift]

    def backward(self, dy: Any) -> Any:
        self.grads["weight"], self.grads[self.shift] = (dy * self.z).sum(axis=0), dy.sum(axis=0)
        dz = dy * self.params["weight"]
        d = dz - dz.mean(axis=1, keepdims=True) - self.z * (dz * self.z).mean(axis=1, keepdims=True)
        return d / self.root


@pytest.mark.parametrize("shift", ["beta", "bias", "shift", "offset", "b"])
def test_the_shift_of_a_normalization_is_found_by_its_name(shift: str) -> None:
    """Law normalized subtracts it first."""
    assert conformance(LayerCase("mine", Normal(shift), X, "N C -> N C", name="layernorm")).outcome == "passed"


class EvalDropout:
    """Dropout in evaluation mode: `scale` times x."""

    training, rate = False, 0.3

    def __init__(self, scale: float) -> None:
        self.scaled = lambda x: np.asarray(scale, x.dtype) * x  # not an attribute: it could be the keep rate

    def forward(self, x: Any) -> Any:
        return self.scaled(x)

    def backward(self, dy: Any) -> Any:
        return self.scaled(dy)


@pytest.mark.parametrize(("scale", "outcome"), [(1, "pass"), (0.7, "pass"), (2, "fail"), (0.6, "fail")])
def test_dropout_in_eval_mode_returns_x_or_the_kept_share(check: Check, scale: float, outcome: str) -> None:
    """And nothing else."""
    case = LayerCase("dropout", EvalDropout(scale), X, "N ... -> N ...", name="dropout")
    assert check(case, "definition")[0] == outcome


class RunningNorm:
    """Batchnorm without gain and shift, whose running statistics move by `momentum` per step."""

    couples_samples = True

    def __init__(self, momentum: float) -> None:
        self.momentum, self.training = momentum, True
        self.state = {"mean": np.zeros(4), "var": np.ones(4)}

    def forward(self, x: Any) -> Any:
        mean, var = (x.mean(axis=0), x.var(axis=0)) if self.training else (self.state["mean"], self.state["var"])
        if self.training:
            for name, value in (("mean", mean), ("var", var)):
                self.state[name] = (1 - self.momentum) * self.state[name] + self.momentum * value
        self.scale, self.batch = 1 / np.sqrt(var + 1e-5), self.training
        self.y = ((x - mean) * self.scale).astype(x.dtype)
        return self.y

    def backward(self, dy: Any) -> Any:
        if not self.batch:
            return (dy * self.scale).astype(dy.dtype)
        inner = dy - dy.mean(axis=0) - self.y * (dy * self.y).mean(axis=0)
        return (inner * self.scale).astype(dy.dtype)


@pytest.mark.parametrize(("momentum", "outcome"), [(0.1, "pass"), (0.001, "pass"), (0.0, "fail")])
def test_running_statistics_may_be_slow_but_must_move(check: Check, momentum: float, outcome: str) -> None:
    """They pass if they still approach the true ones after many steps, and fail if they stay."""
    case = LayerCase("mine", RunningNorm(momentum), X, "N n -> N n", name="batchnorm")
    assert check(case, "normalized")[0] == outcome
