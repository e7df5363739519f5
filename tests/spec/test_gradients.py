"""The gradient check: correct gradients pass, wrong ones fail with a likely cause."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import Inconclusive, LayerCase, Violation, check_gradient, check_layer, check_model, conformance
from nnlaw.spec.gradcheck.finite_differences import at_points
from nnlaw.spec.gradcheck.gradients import check_along

Array = NDArray[Any]
Pair = tuple[Callable[[Array], Array], Callable[[Array], Array]]

RIGHT: dict[str, Pair] = {
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "relu, 1 at zero": (lambda x: np.maximum(x, 0), lambda x: (x >= 0) * 1.0),
    "abs": (np.abs, np.sign),
    "exp": (np.exp, np.exp),
    "sine of 30x": (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x)),
    "constant": (lambda x: 0 * x + 3, lambda x: 0 * x),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_correct_gradient_passes(name: str) -> None:
    """Over many seeds, also with one entry at a kink and one just next to it."""
    f, slope = RIGHT[name]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, dy = rng.standard_normal((2, 4, 6))
        x[0, 0], x[1, 1] = 0.0, 3e-6
        check_gradient(lambda at, dy=dy: float((dy * f(at)).sum()), x, dy * slope(x), rng=rng)  # type: ignore[misc]  # a lambda whose default carries the loop variable


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda g: -g, "wrong-sign"),
        (lambda g: 2 * g, "factor-2-too-large"),
        (lambda g: g / 5, "batch-mean-instead-of-sum"),
        (lambda g: 5 * g, "batch-sum-instead-of-mean"),
        (lambda g: 0 * g, "gradient-not-computed"),
        (lambda g: g.T, "transposed-product"),
        (lambda g: g * np.linspace(1, 1.2, 5)[:, None], ""),
    ],
)
def test_a_wrong_gradient_is_found_and_explained(wrong: Callable[[Array], Array], code: str) -> None:
    """A common mistake has a cause; an unusual one fails without."""
    x = np.random.default_rng(3).standard_normal((5, 5))
    with pytest.raises(Violation) as found:
        check_gradient(lambda at: float((at**3).sum()), x, wrong(3 * x**2 + np.eye(5, k=1) * 0))
    assert found.value.law == "gradient" and found.value.index is not None
    assert found.value.cause_code == code


def test_a_wrong_shape_fails() -> None:
    """A transposed gradient of a matrix that is not square has a cause, another shape has no cause."""
    x = np.ones((2, 3))
    with pytest.raises(Violation, match="the product is transposed"):
        check_gradient(lambda at: float(at.sum()), x, np.ones((3, 2)))
    with pytest.raises(Violation) as found:
        check_gradient(lambda at: float(at.sum()), x, np.ones(3))
    assert (found.value.cause, found.value.actual) == ("", "of shape (3,)")


def test_nan_in_a_gradient_is_reported_with_its_index() -> None:
    """The first entry that is not finite."""
    with pytest.raises(Violation) as found:
        check_gradient(lambda at: float(at.sum()), np.ones((2, 3)), np.array([[1, 1, 1], [1, np.nan, 1]]))
    assert found.value.index == (1, 1)


@pytest.mark.parametrize("seed", range(10))
def test_one_entry_that_is_10_percent_off_is_found(seed: int) -> None:
    """In an array that is checked at every coordinate."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((10, 40))
    gradient = np.cos(x)
    at = (int(rng.integers(10)), int(rng.integers(40)))
    gradient[at] *= 1.1
    with pytest.raises(Violation) as found:
        check_gradient(lambda point: float(np.sin(point).sum()), x, gradient)
    assert found.value.index == at


def test_a_large_array_is_checked_along_directions() -> None:
    """The correct gradient of 5000 entries passes; one wrong row of 50, which the samples may miss, fails."""
    x = np.random.default_rng(0).standard_normal((100, 50))
    check_gradient(lambda at: float(np.sin(at).sum()), x, np.cos(x))
    gradient = np.cos(x)
    gradient[7] *= -1
    with pytest.raises(Violation):
        check_gradient(lambda at: float(np.sin(at).sum()), x, gradient)


def test_a_mistake_found_only_along_a_direction_has_no_index() -> None:
    """If no sampled coordinate is wrong."""
    x = np.zeros((100, 50))
    gradient = np.ones((100, 50))
    gradient[7, 3] += 5.0
    rng = np.random.default_rng(0)
    with pytest.raises(Violation, match="along a random direction") as found:
        check_gradient(lambda at: float(at.sum()), x, gradient, rng=rng)
    assert found.value.index is None


def test_mostly_kinks_are_inconclusive() -> None:
    """More than a tenth of kinks is inconclusive; a value outside both slopes is wrong."""
    x = np.zeros((4, 3))
    with pytest.raises(Inconclusive, match="12 of 12 slopes"):
        check_gradient(lambda at: float(np.abs(at).sum()), x, np.full((4, 3), 0.5))
    with pytest.raises(Violation):
        check_gradient(lambda at: float(np.abs(at).sum()), x, np.full((4, 3), 1.5))


def test_an_array_that_is_not_contiguous_is_refused() -> None:
    """A transposed view has no flat form that shares its memory."""
    x = np.ones((2, 3)).T
    with pytest.raises(ValueError, match="contiguous"):
        at_points(lambda: 0.0, x)


class Dense:
    """y = xW + b in float32."""

    def __init__(self, *, transposed: bool = False) -> None:
        rng = np.random.default_rng(0)
        weights = rng.standard_normal((3, 4), dtype=np.float32)
        self.params = {"W": rng.standard_normal((4, 3), dtype=np.float32).T if transposed else weights,
                       "b": np.zeros(4, np.float32)}
        self.grads: dict[str, Any] = {}
        self.narrow = False

    def forward(self, x: Array) -> Array:
        self.x = x
        y: Array = x @ self.params["W"] + self.params["b"]
        return y.astype(np.float32) if self.narrow else y

    def backward(self, dy: Array) -> Array:
        self.grads = {"W": self.x.T @ dy, "b": dy.sum(axis=0)}
        return dy @ self.params["W"].T


@pytest.mark.parametrize("transposed", [False, True])
def test_float32_parameters_are_checked_in_float64(transposed: bool) -> None:
    """A correct layer passes with any memory layout, and is not changed."""
    layer = Dense(transposed=transposed)
    before = layer.params["W"].copy()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        check_layer(layer, rng.standard_normal((3, 4)).astype(np.float32).T, rng)
    assert layer.params["W"].dtype == np.float32 and np.array_equal(layer.params["W"], before)
    assert not layer.grads


@pytest.mark.parametrize(
    ("grads", "array", "words"),
    [(lambda s, dy: {"W": s.x.T @ dy}, "grads['b']", "missing"),
     (lambda s, dy: {"W": dy.T @ s.x, "b": dy.sum(axis=0)}, "dW", "transposed"),
     (lambda s, dy: {"W": s.x.T @ dy, "b": dy.mean(axis=0)}, "db", "one time too many")],
)
def test_a_wrong_parameter_gradient(grads: Any, array: str, words: str) -> None:
    """The array and the cause are reported."""

    class Wrong(Dense):
        def backward(self, dy: Array) -> Array:
            self.grads = grads(self, dy)
            return dy @ self.params["W"].T

    with pytest.raises(Violation) as found:
        check_layer(Wrong(), np.ones((5, 3)), np.random.default_rng(0))
    assert found.value.array == array and words in str(found.value)


def test_a_layer_that_computes_in_float32_is_checked_with_larger_steps() -> None:
    """Correct passes over many seeds, also if the output is float64 again; wrong fails with a cause."""

    class Back(Dense):
        def forward(self, x: Array) -> Array:
            return super().forward(x.astype(np.float32)).astype(np.float64)

    for seed in range(20):
        rng = np.random.default_rng(seed)
        for layer in (Dense(), Back()):
            layer.narrow = True
            check_layer(layer, rng.standard_normal((5, 3)), rng)
    wrong = type("Wrong", (Dense,), {"backward": lambda self, dy: 2 * Dense.backward(self, dy)})()
    wrong.narrow = True
    with pytest.raises(Violation, match="2 times too large"):
        check_layer(wrong, np.ones((5, 3)), np.random.default_rng(0))


class Noisy:
    """Dropout with a new mask in each forward."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(5)

    def forward(self, x: Array) -> Array:
        self.mask = self.rng.random(x.shape) < 0.5
        return 2 * x * self.mask

    def backward(self, dy: Array) -> Array:
        return 2 * dy * self.mask


def test_a_random_layer_is_checked_on_copies() -> None:
    """Each copy draws the same mask."""
    check_layer(Noisy(), np.random.default_rng(0).standard_normal((4, 5)), np.random.default_rng(1))


class Softmax:
    """Softmax regression, with `factor`, a number or a function of N, on its gradient."""

    def __init__(self, factor: Any = 1.0, *, noisy: bool = False) -> None:
        rng = np.random.default_rng(0)
        self.params = {"W": rng.standard_normal((6, 3)), "b": np.zeros(3)}
        self.factor = factor
        self.rng = np.random.default_rng(9) if noisy else None
        self.forgets = ""

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        x = x if self.rng is None else x * (self.rng.random(x.shape) < 0.5)
        z = x @ self.params["W"] + self.params["b"]
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        rows = np.arange(len(x))
        slope = p.copy()
        slope[rows, labels] -= 1
        slope *= self.factor(len(x)) / len(x) if callable(self.factor) else self.factor / len(x)
        grads = {"W": x.T @ slope, "b": slope.sum(axis=0)}
        grads.pop(self.forgets, None)
        return float(-np.log(p[rows, labels]).mean()), grads


X = np.random.default_rng(4).standard_normal((5, 6)).astype(np.float32)
LABELS = np.array([0, 1, 2, 1, 0])


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("check", [check_model, check_along])
def test_a_correct_model_passes(check: Callable[..., None], noisy: bool) -> None:
    """Over many seeds, with noise and without."""
    for seed in range(10):
        check(Softmax(noisy=noisy), X, LABELS, np.random.default_rng(seed))


@pytest.mark.parametrize("check", [check_model, check_along])
def test_a_wrong_model_fails(check: Callable[..., None]) -> None:
    """A gradient that is not divided by N has that cause; a constant factor of the same size does not."""
    for factor, code in (
        (lambda n: n, "batch-sum-instead-of-mean"),
        (7.0, "constant-factor" if check is check_model else ""),
        (5.0, "constant-factor" if check is check_model else ""),
    ):
        with pytest.raises(Violation) as found:
            check(Softmax(factor), X, LABELS, np.random.default_rng(0))
        assert found.value.cause_code == code


def test_a_model_without_one_of_its_gradients_fails() -> None:
    """The missing gradient is reported."""
    model = Softmax()
    model.forgets = "b"
    for check in (check_model, check_along):
        with pytest.raises(Violation, match="gradient of b is missing"):
            check(model, X, LABELS, np.random.default_rng(0))


def _nan_near_one(beside: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: np.where(beside(x), np.nan, x)


def test_a_function_without_a_slope_is_reported() -> None:
    """If it is nan on both sides of a point; the gradient is not checked there."""
    f = _nan_near_one(lambda x: (x != 1) & (np.abs(x - 1) < 1e-3))
    with pytest.raises(Violation) as found:
        check_gradient(lambda x: float(f(x).sum()), np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4))
    assert found.value.array == "the value whose slope is gradient[0]"
    assert found.value.actual == "nan next to the point"
    assert found.value.cause_code == "undefined-slope"


def test_a_gradient_at_the_edge_of_the_domain_passes() -> None:
    """Such as a root at 0; a wrong gradient elsewhere fails with its cause."""

    def f(x: Array) -> float:
        with np.errstate(invalid="ignore"):
            return float((x * np.sqrt(x)).sum())

    x = np.arange(12.0)
    check_gradient(f, x, 1.5 * np.sqrt(x))
    with pytest.raises(Violation, match="2 times too large"):
        check_gradient(f, x, 3 * np.sqrt(x))
    with pytest.raises(Inconclusive, match="kinks or edges"):
        check_gradient(f, np.zeros(3), np.zeros(3))


class _EndsAtOne:
    """y = x, and nan for some x, as an array of a given type."""

    def __init__(self, kind: type, far: bool = False) -> None:
        self.kind, self.far = kind, far

    def forward(self, x: Array) -> Array:
        ends = np.abs(x) > 2 if self.far else (x != 1) & (np.abs(x - 1) < 1e-2)
        return np.where(ends, np.nan, x).astype(self.kind)

    def backward(self, dy: Array) -> Array:
        return dy


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_layer_that_is_nan_next_to_its_input_is_reported_in_forward(kind: type) -> None:
    """In either precision."""
    with pytest.raises(Violation) as found:
        check_layer(_EndsAtOne(kind), np.array([[1.0, 2.0, 3.0]] * 2), np.random.default_rng(0))
    assert (found.value.location.method, found.value.array) == ("forward", "the value whose slope is dx[0, 0]")


def test_an_output_that_is_not_finite_is_reported_before_its_gradient() -> None:
    """It is the reason for the gradient."""
    with pytest.raises(Violation) as found:
        check_layer(_EndsAtOne(np.float64, far=True), np.array([[1.0, 5.0]]), np.random.default_rng(0))
    assert (found.value.location.method, found.value.array, found.value.index) == ("forward", "output", (0, 1))


class _Root:
    """y = x √w, with w at the edge of the domain of the root."""

    def __init__(self) -> None:
        self.params, self.grads = {"w": np.zeros(6)}, {"w": np.zeros(6)}

    def forward(self, x: Array) -> Array:
        self.x = x
        with np.errstate(invalid="ignore"):
            return x * np.sqrt(self.params["w"])

    def backward(self, dy: Array) -> Array:
        root = np.sqrt(self.params["w"])
        self.grads["w"] = (dy * self.x).sum(axis=0) / np.where(root == 0, np.inf, 2 * root)
        return dy * root


def test_nan_before_and_after_loading_is_equal() -> None:
    """A parameter that leaves the domain gives nan before saving and after loading: nothing was lost."""
    report = conformance(LayerCase("root", _Root(), np.ones((4, 6)), "N 6 -> N 6"))
    assert "round-trip" not in {row.law for row in report if row.outcome == "fail"}
