"""Wrong layers and losses: each fails its own law, and no other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, conformance, obeys

Array = NDArray[Any]


@obeys("N C -> N C")
class Tanh:
    """A correct layer without parameters: y = tanh x."""

    training = True
    name = ""

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.rng = np.random.default_rng(0)

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (1 - self.y**2)


class Identity(Tanh):
    """A correct layer: y = x."""

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy


@obeys("N C -> N 3")
class Dense(Tanh):
    """A correct layer with parameters: y = xW + b."""

    def __init__(self) -> None:
        super().__init__()
        self.params = {"W": self.rng.standard_normal((4, 3)).astype(np.float32), "b": np.full(3, 0.5, np.float32)}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy: Array) -> Array:
        self.grads.update(W=self.x.T @ dy, b=dy.sum(axis=0))
        return dy @ self.params["W"].T


class Batch(Tanh):
    """A right batch normalization without gain."""

    couples_samples = True
    name = "batchnorm"
    axis = 0

    def __init__(self) -> None:
        super().__init__()
        self.state = {"mean": np.zeros(4, np.float32), "var": np.ones(4, np.float32)}

    def keep(self, mean: Array, var: Array) -> None:
        self.state["mean"] = (0.9 * self.state["mean"] + 0.1 * mean).astype(np.float32)
        self.state["var"] = (0.9 * self.state["var"] + 0.1 * var).astype(np.float32)

    def forward(self, x: Array) -> Array:
        self.live = self.training
        mean, var = (x.mean(axis=0), x.var(axis=0)) if self.live else (self.state["mean"], self.state["var"])
        if self.live:
            self.keep(mean, var)
        self.root = np.sqrt(var + x.dtype.type(1e-5)).astype(x.dtype)
        self.z = ((x - mean) / self.root).astype(x.dtype)
        return self.z

    def backward(self, dy: Array) -> Array:
        if self.live:
            dy = dy - dy.mean(axis=0) - self.z * (dy * self.z).mean(axis=0)
        return dy / self.root


class Dropout(Tanh):
    """A correct dropout of 0.3."""

    def mask_of(self, x: Array) -> Array:
        return (self.rng.random(x.shape) < 0.7) / 0.7

    def forward(self, x: Array) -> Array:
        self.mask = (self.mask_of(x) if self.training else np.ones(x.shape)).astype(x.dtype)
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class ExtraGradient(Dense):
    def backward(self, dy: Array) -> Array:
        self.grads["c"] = dy.sum(axis=0)
        return super().backward(dy)


class SharedParams(Dense):
    params: dict[str, Array] = dict(W=np.ones((4, 3), np.float32), b=np.zeros(3, np.float32))  # noqa: C408, RUF012  # as people write them

    def __init__(self) -> None:
        super().__init__()
        del self.params


class SharedGrads(Dense):
    grads: dict[str, Array] = {}  # noqa: RUF012  # the mistake

    def __init__(self) -> None:
        super().__init__()
        del self.grads


class CopiedWeights(Dense):
    seen: Array | None = None

    def forward(self, x: Array) -> Array:
        if self.seen is not self.params["W"]:
            self.seen, self.copy = self.params["W"], self.params["W"].copy()
        self.x = x
        return x @ self.copy + self.params["b"]


class OwnRandomness(Dropout):
    def mask_of(self, x: Array) -> Array:
        return (np.random.default_rng().random(x.shape) < 0.7) / 0.7


class EvalMoves(Batch):
    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        if not self.training:
            self.keep(x.mean(axis=0), x.var(axis=0))
        return y


class BatchInEval(Batch):
    def forward(self, x: Array) -> Array:
        was, self.training = self.training, True
        kept = dict(self.state)
        y = super().forward(x)
        self.training = was
        if not was:
            self.state = kept
        return y


class DropoutInEval(Dropout):
    def forward(self, x: Array) -> Array:
        self.mask = self.mask_of(x).astype(x.dtype)
        return x * self.mask


class Counting(Identity):
    calls = 0

    def forward(self, x: Array) -> Array:
        self.calls += not self.training
        return x * x.dtype.type(1 + self.calls // 2)

    def backward(self, dy: Array) -> Array:
        return dy * dy.dtype.type(1 + self.calls // 2)


class MemoryOrder(Identity):
    def backward(self, dy: Array) -> Array:
        return dy.ravel("K").reshape(dy.shape)


class TrainingFormula(Batch):
    def backward(self, dy: Array) -> Array:
        self.live = True
        return super().backward(dy)


class ConstantStatistics(Batch):
    def backward(self, dy: Array) -> Array:
        return dy / self.root


class ClippedNorm(Tanh):
    def backward(self, dy: Array) -> Array:
        return super().backward(dy / max(1, np.linalg.norm(dy) / 100)).astype(dy.dtype)


class UsedUp(Tanh):
    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.y = np.zeros_like(self.y)
        return dx


class InPlace(Dropout):
    def backward(self, dy: Array) -> Array:
        self.mask *= dy
        return self.mask.copy()


class FirstForever(Tanh):
    first: Array | None = None

    def forward(self, x: Array) -> Array:
        if self.first is None or self.first.shape != x.shape:
            self.first = np.tanh(x)
        return np.tanh(x)

    def backward(self, dy: Array) -> Array:
        assert self.first is not None
        return dy * (1 - self.first**2)


CACHE: dict[str, Array] = {}


class ModuleCache(Tanh):
    def forward(self, x: Array) -> Array:
        CACHE["y"] = np.tanh(x)
        return CACHE["y"].copy()

    def backward(self, dy: Array) -> Array:
        return dy * (1 - CACHE["y"] ** 2)


class Cumulative(Identity):
    def forward(self, x: Array) -> Array:
        return np.cumsum(x, axis=0)

    def backward(self, dy: Array) -> Array:
        return np.cumsum(dy[::-1], axis=0)[::-1]


class WrongAxis(Identity):
    def forward(self, x: Array) -> Array:
        e = np.exp(x - x.max(axis=0))
        self.p = e / e.sum(axis=0)
        return self.p

    def backward(self, dy: Array) -> Array:
        return self.p * (dy - (dy * self.p).sum(axis=0))


class OneIsSpecial(Dense):
    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        if len(dy) == 1:
            self.grads["b"] = np.full(3, dy.mean(), dy.dtype)
        return dx


class FeatureMask(Dropout):
    def mask_of(self, x: Array) -> Array:
        return np.broadcast_to((self.rng.random(x.shape[1:]) < 0.7) / 0.7, x.shape)


class OneMask(Dropout):
    kept: Array | None = None

    def mask_of(self, x: Array) -> Array:
        if self.kept is None or self.kept.shape != x.shape:
            self.kept = super().mask_of(x)
        return self.kept


class Complement(Dropout):
    def mask_of(self, x: Array) -> Array:
        return (self.rng.random(x.shape) < 0.7) / 0.3


class Layer(Tanh):
    """A correct layer normalization."""

    name = "layernorm"
    eps = 1e-5

    def forward(self, x: Array) -> Array:
        d = x - x.mean(axis=1, keepdims=True)
        self.root = np.sqrt((d * d).mean(axis=1, keepdims=True) + x.dtype.type(self.eps))
        self.z = d / self.root
        return self.z

    def backward(self, dy: Array) -> Array:
        d = dy - dy.mean(axis=1, keepdims=True) - self.z * (dy * self.z).mean(axis=1, keepdims=True)
        return d / self.root


class NamedBatch(Layer):
    name = "batchnorm"


class NotCentered(Layer):
    def forward(self, x: Array) -> Array:
        self.root = np.sqrt((x * x).mean(axis=1, keepdims=True) + x.dtype.type(self.eps))
        self.z = x / self.root
        return self.z

    def backward(self, dy: Array) -> Array:
        return (dy - self.z * (dy * self.z).mean(axis=1, keepdims=True)) / self.root


class NoEpsilon(Layer):
    eps = 0.0


class VarianceForgotten(Batch):
    def keep(self, mean: Array, var: Array) -> None:
        self.state["mean"] = (0.9 * self.state["mean"] + 0.1 * mean).astype(np.float32)


class MixedUp(Batch):
    def keep(self, mean: Array, var: Array) -> None:
        super().keep(mean, np.sqrt(var))


class NaiveSigmoid(Tanh):
    name = "sigmoid"

    def forward(self, x: Array) -> Array:
        self.y = np.exp(x) / (1 + np.exp(x))
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * self.y * (1 - self.y)


class Hidden(Identity):
    def __init__(self) -> None:
        super().__init__()
        self.scale = np.float32(1)

    def forward(self, x: Array) -> Array:
        self.used = x.dtype.type(self.scale)
        if self.training:
            self.scale = self.scale * np.float32(0.9)
        return x * self.used

    def backward(self, dy: Array) -> Array:
        return dy * self.used


class SteepSwish(Tanh):
    name = "swish"

    def forward(self, x: Array) -> Array:
        self.x, self.s = x, 0.5 * (1 + np.tanh(x))
        return x * self.s

    def backward(self, dy: Array) -> Array:
        return dy * self.s * (1 + 2 * self.x * (1 - self.s))


class NoBias(Dense):
    name = "linear"

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["W"]

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.grads["b"] = np.zeros_like(self.params["b"])
        return dx


class Half(Identity):
    name = "dropout"

    def forward(self, x: Array) -> Array:
        return x * x.dtype.type(0.25)

    def backward(self, dy: Array) -> Array:
        return dy * dy.dtype.type(0.25)


class FalseRange(Tanh):
    range = (0, 1)


class FalseLike(Tanh):
    like = "sigmoid"


LAYERS: dict[Callable[[], Any], str] = {
    ExtraGradient: "registered", SharedParams: "registered", SharedGrads: "registered", CopiedWeights: "registered",
    OwnRandomness: "seeded", EvalMoves: "train-eval", BatchInEval: "train-eval", DropoutInEval: "train-eval",
    Counting: "pure", MemoryOrder: "layout", TrainingFormula: "gradient", ConstantStatistics: "gradient",
    ClippedNorm: "linear-backward", UsedUp: "repeatable-backward", InPlace: "repeatable-backward",
    FirstForever: "stale-gradient", ModuleCache: "stale-gradient", Cumulative: "batch-permutation",
    WrongAxis: "independent-samples", OneIsSpecial: "batch-additive", FeatureMask: "dropout-mean",
    OneMask: "dropout-mean", Complement: "dropout-mean", NamedBatch: "normalized", NotCentered: "normalized",
    VarianceForgotten: "normalized", MixedUp: "normalized", NoEpsilon: "stable", NaiveSigmoid: "stable",
    Hidden: "round-trip", SteepSwish: "definition", NoBias: "definition", Half: "definition", FalseRange: "range",
    FalseLike: "definition",
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_a_wrong_layer_fails_one_law(layer: Callable[[], Any]) -> None:
    """Its own law, for several seeds."""
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((5, 4), dtype=np.float32)
        wrong = layer()
        report = conformance(LayerCase("wrong", wrong, x, seed=seed, name=wrong.name))
        assert [found.law for found in report.violations] == [LAYERS[layer]], [f.message for f in report.violations]
        assert report.violations[0].expected != "no exception"  # raised in the law


@pytest.mark.parametrize("layer", [Tanh, Identity, Dense, Batch, Dropout, Layer])
def test_the_base_classes_pass(layer: Callable[[], Any]) -> None:
    """The same layers without the mistake."""
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((5, 4), dtype=np.float32)
        right = layer()
        assert conformance(LayerCase("right", right, x, seed=seed, name=right.name)).outcome == "passed"


class Entropy:
    """A correct loss: cross-entropy of logits and labels."""

    name, targets = "", "labels"
    floor = 0.0

    def forward(self, prediction: Array, target: Array) -> float:
        z = prediction - prediction.max(axis=1, keepdims=True)
        self.log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.hot = np.eye(z.shape[1], dtype=z.dtype)[target]
        return float(self.mean((-self.log_p * self.hot).sum(axis=1)))

    def mean(self, each: Array) -> Any:
        return each.mean()

    def backward(self) -> Array:
        return (np.exp(self.log_p) - self.hot) / self.hot.dtype.type(len(self.hot))


class Clipped(Entropy):
    """Clips the probability before the logarithm; backward ignores that."""

    def forward(self, prediction: Array, target: Array) -> float:
        super().forward(prediction, target)
        p = np.exp(self.log_p)
        return float((-np.log(np.maximum((p * self.hot).sum(axis=1), 1e-12))).mean())


class OverClasses(Entropy):
    """Divides by C, in loss and gradient."""

    def mean(self, each: Array) -> Any:
        return each.sum() / self.hot.shape[1]

    def backward(self) -> Array:
        return (np.exp(self.log_p) - self.hot) / self.hot.dtype.type(self.hot.shape[1])


class Twice(Entropy):
    """Divides by N twice, in loss and gradient."""

    def mean(self, each: Array) -> Any:
        return each.mean() / len(each)

    def backward(self) -> Array:
        return super().backward() / self.hot.dtype.type(len(self.hot))


class Remembers(Entropy):
    """backward returns the gradient of the first forward."""

    def forward(self, prediction: Array, target: Array) -> float:
        value = super().forward(prediction, target)
        self.gradient = getattr(self, "gradient", None) if hasattr(self, "gradient") else Entropy.backward(self)
        return value

    def backward(self) -> Array:
        found: Array = self.gradient
        return found


class Negative(Entropy):
    """Declares a minimum of 1."""

    minimum = 1.0


class Base2(Entropy):
    """Bits in place of nats."""

    name = "softmax_cross_entropy"

    def mean(self, each: Array) -> Any:
        return each.mean() / np.log(2)

    def backward(self) -> Array:
        return super().backward() / self.hot.dtype.type(np.log(2))


class Quadratic:
    """A correct loss: half the mean squared error."""

    name, targets = "mse", "real"
    power = 2

    def forward(self, prediction: Array, target: Array) -> float:
        self.off = self.less(prediction, target.astype(prediction.dtype))
        return float((self.off**self.power).sum() / self.power / len(prediction))

    def less(self, prediction: Array, target: Array) -> Array:
        return prediction - target

    def backward(self) -> Array:
        return self.off ** (self.power - 1) / self.off.dtype.type(len(self.off))


class Quartic(Quadratic):
    """The fourth power."""

    power = 4


class Squeezed(Quadratic):
    """(N, 1) becomes (N,) on one side, and broadcasts to N² differences."""

    def less(self, prediction: Array, target: Array) -> Array:
        return prediction - target if target.shape[1] > 1 else prediction - target[:, 0]


class Wide(Entropy):
    """Returns float64 for float32."""

    def backward(self) -> Array:
        return super().backward().astype(np.float64)


class Above(Entropy):
    """A correct gradient whose rows do not sum to 0, because of a penalty on logits."""

    shift_invariant = True

    def forward(self, prediction: Array, target: Array) -> float:
        self.z = prediction
        return super().forward(prediction, target) + float(0.1 * prediction.sum() / len(prediction))

    def backward(self) -> Array:
        return super().backward() + self.z.dtype.type(0.1 / len(self.z))


LOSSES: dict[Callable[[], Any], str] = {
    Wide: "dtype", Above: "shift-invariant", Clipped: "gradient", OverClasses: "loss-mean", Twice: "loss-mean",
    Remembers: "repeatable-backward", Negative: "loss-minimum", Base2: "definition", Quartic: "definition",
    Squeezed: "loss-mean",
}  # fmt: skip


def loss_case(loss: Any, seed: int) -> LossCase:
    """Five small rows with labels or Gaussian targets; four rows of four if the seed is odd."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((5 - seed % 2, 4), dtype=np.float32)
    target: Array = rng.integers(0, 4, len(z)) if loss.targets == "labels" else rng.standard_normal(z.shape)
    return LossCase("wrong", loss, z, target, seed=seed, name=loss.name)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_wrong_loss_fails_one_law(loss: Callable[[], Any]) -> None:
    """Its own law, also with N = C."""
    for seed in range(4):
        report = conformance(loss_case(loss(), seed))
        assert [found.law for found in report.violations] == [LOSSES[loss]], [f.message for f in report.violations]
        assert report.violations[0].expected != "no exception"  # raised in the law


@pytest.mark.parametrize("loss", [Entropy, Quadratic])
def test_the_base_losses_pass(loss: Callable[[], Any]) -> None:
    """The same losses without the mistake."""
    assert all(conformance(loss_case(loss(), seed)).outcome == "passed" for seed in range(4))
