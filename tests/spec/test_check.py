"""Gradient checks for functions and classes in the usual styles: correct ones pass, wrong ones are named."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, Violation, check_backward, check_loss, check_object, check_weights

Array = NDArray[Any]
RNG = np.random.default_rng
X, W, B = RNG(0).normal(size=(5, 4)), RNG(1).normal(size=(4, 3)), RNG(2).normal(size=3)


def forward(x: Array, w: Array, b: Array) -> Any:
    """The affine map."""
    return x @ w + b, (x, w)


def backward(dout: Array, cache: Any) -> Any:
    """Its gradients."""
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def test_a_correct_pair_passes_for_twenty_seeds() -> None:
    """Also in float32."""
    for seed in range(20):
        check_backward(forward, backward, X.astype(np.float32), W, B, rng=RNG(seed))


@pytest.mark.parametrize(
    ("change", "array", "cause"),
    [
        (lambda dx, dw, db: (dx, dw / 5, db), "dw", "batch size N"),
        (lambda dx, dw, db: (-dx, dw, db), "dx", "sign"),
        (lambda dx, dw, db: (dx, dw, 2 * db), "db", "2 times too large"),
        (lambda dx, dw, db: (dx, dw.T, db), "dw", "transposed"),
        (lambda dx, dw, db: (dx, dw * np.nan, db), "dw", ""),
    ],
)
def test_a_wrong_gradient_is_reported_with_its_cause(change: Callable[..., Any], array: str, cause: str) -> None:
    """By the name of the argument, at the line of backward."""
    def wrong(dout: Array, cache: Any) -> Any:
        return change(*backward(dout, cache))

    with pytest.raises(Violation) as found:
        check_backward(forward, wrong, X, W, B)
    assert found.value.array == array and cause in found.value.cause and found.value.location.file == "test_check.py"


def test_other_arguments_are_passed_unchanged() -> None:
    """Such as settings with state, and arguments that have no gradient."""
    def scale(x: Array, settings: dict[str, Any]) -> Any:
        settings["calls"] = settings.get("calls", 0) + 1
        return 2.0 * x * settings["calls"], settings

    settings: dict[str, Any] = {}
    check_backward(scale, lambda dout, cache: (2 * dout, None), X, settings)
    check_backward(scale, lambda dout, cache: 2 * dout, X, settings)
    assert settings == {}


def test_a_number_in_an_array_is_a_batch_of_one() -> None:
    """Such as a scale before the inputs, or an input without axes."""
    def scaled(k: Array, x: Array) -> Any:
        return k * x, (k, x)

    scale = np.array(1.5)
    check_backward(scaled, lambda dout, cache: (np.sum(dout * cache[1]), dout * cache[0]), scale, X)
    with pytest.raises(Violation, match=r"dk\b.*(?s:.*)sign"):
        check_backward(scaled, lambda dout, cache: (-np.sum(dout * cache[1]), dout * cache[0]), scale, X)
    doubling = type("Doubling", (), {"forward": lambda self, x: 2 * x, "backward": lambda self, dy: 2 * dy})()
    check_object(doubling, scale)


def test_without_a_float_array_there_is_nothing_to_check() -> None:
    """No input has a gradient, and backward returns none of them."""
    check_backward(lambda n: (np.ones(n), n), lambda dout, cache: None, 3)


class Linear:
    """Keeps its weights as attributes."""

    style = "returned"

    def __init__(self) -> None:
        self.W, self.b = W.copy(), B.copy()
        self.dW = np.zeros_like(W)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy: Array) -> Any:
        dx, dw, db = dy @ self.W.T, self.x.T @ dy, self.wrong * dy.sum(axis=0)
        if self.style == "returned":
            return dx, dw, db
        if self.style == "by name":
            return dx, {"dW": dw, "b": db}
        if self.style == "kept":
            self.dW, self.grad_b = dw, db
        else:
            self.grads = {"W": dw, "b": db}
        return dx

    wrong = 1.0


class WithParams(Linear):
    """Keeps them in params."""

    def __init__(self) -> None:
        self.params = {"W": W.copy(), "b": B.copy()}

    @property
    def W(self) -> Array:  # type: ignore[override]  # a property in place of the attribute, on purpose
        return self.params["W"]

    @property
    def b(self) -> Array:  # type: ignore[override]  # a property in place of the attribute, on purpose
        return self.params["b"]


@pytest.mark.parametrize("base", [Linear, WithParams])
@pytest.mark.parametrize("style", ["returned", "by name", "kept", "grads"])
def test_a_class_may_return_its_gradients_in_any_style(style: str, base: type[Any]) -> None:
    """Correct ones pass; of a wrong one the parameter is named."""
    layer = type("Mine", (base,), {"style": style})()
    check_object(layer, X)
    layer.wrong = 0.5
    with pytest.raises(Violation, match=r"db of Mine.backward is wrong\n  db\[.*(?s:.*)factor 2"):
        check_object(layer, X)


class Averaging(Linear):
    """Keeps a running mean besides its weights, which only forward writes, and has no gradient of it."""

    style = "by name"
    extra: ClassVar[dict[str, Any]] = {}
    left_out = ""

    def __init__(self) -> None:
        super().__init__()
        self.running = np.zeros(3)

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        self.running = 0.9 * self.running + 0.1 * y.mean(axis=0)
        return y

    def backward(self, dy: Array) -> Any:
        dx, grads = super().backward(dy)
        return dx, {name: g for name, g in grads.items() if name != self.left_out} | self.extra


@pytest.mark.parametrize("extra", [{}, {"running": None}])
def test_an_array_that_is_not_a_parameter_needs_no_gradient(extra: dict[str, Any]) -> None:
    """Whether backward leaves it out of its dict or has None there; a parameter that is left out is missing."""
    layer = type("Mine", (Averaging,), {"extra": extra})()
    check_object(layer, X)
    layer.left_out = "b"
    with pytest.raises(Violation, match="db is missing"):
        check_object(layer, X)


def test_a_missing_gradient_is_reported() -> None:
    """But only of a parameter that the output depends on."""
    forgetful = type("Forgetful", (Linear,), {"backward": lambda self, dy: dy @ self.W.T})()
    del forgetful.dW
    forgetful.unused = np.ones(3)
    with pytest.raises(Violation, match="dW is missing"):
        check_object(forgetful, X)
    idle = type("Idle", (), {"forward": lambda self, x: 2 * x, "backward": lambda self, dy: 2 * dy, "unused": 0})()
    idle.table = np.ones(3)
    check_object(idle, X)


def run(x: Array, weights: Any) -> Any:
    """Tanh layers under a softmax."""
    kept, a = [], x
    for i, (w, b) in enumerate(weights):
        kept.append(a)
        z = a @ w + b
        a = np.tanh(z) if i < len(weights) - 1 else np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return a, (kept, a)


def back(y: Array, cache: Any, weights: Any) -> Any:
    """Their gradients."""
    kept, a = cache
    d, grads = (a - y) / len(y), []
    for i in reversed(range(len(weights))):
        grads.append((kept[i].T @ d, d.sum(axis=0)))
        d = (d @ weights[i][0].T) * (1 - kept[i] ** 2)
    return grads[::-1]


WEIGHTS = [(RNG(3).normal(size=(4, 6)), np.zeros(6)), (RNG(4).normal(size=(6, 3)), np.zeros(3))]
Y = np.eye(3)[[0, 2, 1, 1, 0]]


def test_a_list_of_weights_is_checked() -> None:
    """The layer and the array are named."""
    check_weights(run, back, WEIGHTS, X, Y)
    with pytest.raises(Violation, match=r"d weights\[0\]\[0\]\[.*(?s:.*)batch size N"):
        check_weights(run, lambda *args: [(5 * dw, db) for dw, db in back(*args)], WEIGHTS, X, Y)


def columns(x: Array, weights: Any) -> Any:
    """Samples are columns, and the output is a sigmoid."""
    ((w, b),) = weights
    a = 1 / (1 + np.exp(-(w @ x + b)))
    return a, (x, a)


@pytest.mark.parametrize("y", [np.array([[0, 1, 1, 0, 1]]), np.eye(3)[[0, 2, 1, 1, 0]].T])
def test_samples_may_be_columns(y: Array) -> None:
    """Under a sigmoid, the loss is the binary cross-entropy."""
    weights = [(RNG(5).normal(size=(len(y), 4)), np.zeros((len(y), 1)))]

    def slopes(y: Array, cache: Any, weights: Any) -> Any:
        x, a = cache
        return [((a - y) @ x.T / 5, (a - y).sum(axis=1, keepdims=True) / 5)]

    check_weights(columns, slopes, weights, X.T, y)


def test_another_loss_can_be_passed() -> None:
    """The default for an output that is not probabilities is half the mean squared error."""
    def affine(x: Array, weights: Any) -> Any:
        return x @ weights[0][0], x

    y = RNG(6).normal(size=(5, 3))
    check_weights(affine, lambda y, x, w: [(x.T @ (x @ w[0][0] - y) / 5,)], [(W,)], X, y)
    total = lambda a, y: float(a.sum())  # noqa: E731  # as users write them
    check_weights(affine, lambda y, x, w: [(x.T @ np.ones((5, 3)),)], [(W,)], X, y, loss=total)


def ridge(params: Any, x: Array, y: Array) -> Any:
    """Least squares."""
    off = x @ params["w"] - y
    return 0.5 * (off @ off) / len(x), {"w": x.T @ off / len(x)}


def test_a_loss_with_gradients_is_checked() -> None:
    """With dicts, with a flat array, and without data."""
    y = RNG(7).normal(size=5)
    check_loss(ridge, {"w": np.ones(4)}, X, y)
    check_loss(lambda w: (float(w @ w), 2 * w), B)
    with pytest.raises(Violation, match=r"d params\['w'\]\[.*(?s:.*)batch size N"):
        check_loss(lambda p, x, y: (ridge(p, x, y)[0], {"w": 5 * ridge(p, x, y)[1]["w"]}), {"w": np.ones(4)}, X, y)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check_backward(forward, lambda dout, _: (dout, dout), X, W, B), "2 gradients, expected 3: x, w, b"),
        (lambda: check_backward(lambda x: x, backward, X), "expected (out, cache)"),
        (lambda: check_object(type("T", (Linear,), {"backward": lambda s, dy: (dy, dy)})(), X), "1 gradient after dx"),
        (lambda: check_weights(run, lambda *_: [(W,)], WEIGHTS, X, Y), "no gradient for weights[0][1]"),
        (lambda: check_weights(run, back, WEIGHTS, X, np.array([0, 2, 1, 1, 0])), "make y one-hot"),
        (lambda: check_loss(lambda w: 3.0, B), "expected (loss, grads)"),
    ],
)
def test_functions_that_do_not_fit_the_call_are_refused(call: Callable[[], None], words: str) -> None:
    """In one sentence with counts and names."""
    with pytest.raises(BadInput, match=re.escape(words)):
        call()


def test_a_penalty_on_a_bias_of_zero_is_compared_away_from_zero() -> None:
    """At the start value and slope of its penalty are 0."""

    def loss(p: Any, x: Array, y: Array, forgotten: bool = False) -> Any:
        off = x @ p["w"] + p["b"] - y[:, None]
        value = 0.5 * float((off**2).sum()) / len(x) + 0.1 * float((p["b"] ** 2).sum())
        db = off.sum(axis=0) / len(x) + (0.0 if forgotten else 0.2 * p["b"])
        return value, {"w": x.T @ off / len(x), "b": db}

    y = RNG(7).normal(size=5)
    check_loss(loss, {"w": W, "b": np.zeros(3)}, X, y)
    with pytest.raises(Violation, match=r"d params\['b'\]"):
        check_loss(lambda p, x, t: loss(p, x, t, True), {"w": W, "b": np.zeros(3)}, X, y)


def test_weights_that_begin_at_one_are_moved() -> None:
    """A gain of 1 that is missing on the way back shows only elsewhere."""
    gain = np.ones(4)

    def scaled(x: Array, g: Array) -> Any:
        return g * np.tanh(x), (np.tanh(x), g)

    def right(dout: Array, cache: Any) -> Any:
        h, g = cache
        return dout * g * (1 - h**2), (dout * h).sum(axis=0)

    check_backward(scaled, right, X, gain)
    with pytest.raises(Violation, match="dx"):
        check_backward(scaled, lambda d, c: (d * (1 - c[0] ** 2), (d * c[0]).sum(axis=0)), X, gain)


def test_constants_stay_if_the_function_refuses_others() -> None:
    """A mask of ones that must be 0 or 1 is passed as it is."""

    def masked(x: Array, mask: Array) -> Any:
        if not np.isin(mask, (0, 1)).all():
            raise ValueError("a mask is 0 or 1")
        return x * mask, (x, mask)

    with pytest.raises(ValueError, match="a mask is 0 or 1"):  # from the slopes of the mask itself
        check_backward(masked, lambda d, c: (d * c[1], d * c[0]), X, np.ones((5, 4)))


def test_outputs_that_meet_the_targets_of_all_samples_fail() -> None:
    """(N, 1) minus (N,) is (N, N), and the gradient may agree."""
    y = RNG(7).normal(size=5)

    def loss(p: Any, x: Array, t: Array) -> Any:
        off = x @ p["w"] - t
        return float(np.mean(off**2)), {"w": 2 * x.T @ off.sum(axis=-1, keepdims=True) / off.size}

    def right(p: Any, x: Array, t: Array) -> Any:
        off = x @ p["w"] - t[:, None]
        return float(np.mean(off**2)), {"w": 2 * x.T @ off / off.size}

    check_loss(right, {"w": W[:, :1]}, X, y)
    with pytest.raises(Violation) as found:
        check_loss(loss, {"w": W[:, :1]}, X, y)
    assert found.value.cause_code == "broadcast-targets"


def test_a_row_of_nan_is_reported_at_its_place() -> None:
    """A softmax of a row that is masked as a whole is 0/0; no slope is measured."""
    mask = np.ones((5, 4), bool)
    mask[2] = False

    def attend(x: Array) -> Any:
        s = np.where(mask, x, -np.inf)
        with np.errstate(invalid="ignore"):
            e = np.exp(s - s.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True), mask

    with pytest.raises(Violation, match=r"out\[2, 0\] = nan") as found:
        check_backward(attend, lambda d, c: d, X)
    assert found.value.cause_code == "masked-row"


class TableLookup:
    """Rows of a table, by integers; the gradient of the indices may be None or left out."""

    def __init__(self, returned: Callable[[Array], Any]) -> None:
        self.params: dict[str, Array] = {"W": RNG(3).normal(size=(6, 3))}
        self.grads: dict[str, Array] = {}
        self.returned = returned

    def forward(self, ids: Array) -> Array:
        self.ids = ids
        return self.params["W"][ids]

    def backward(self, dout: Array) -> Any:
        slope = np.zeros_like(self.params["W"])
        np.add.at(slope, self.ids, dout)
        self.grads["W"] = slope
        return self.returned(slope)


@pytest.mark.parametrize("returned", [lambda w: None, lambda w: w, lambda w: (None, w), lambda w: (w,)])
def test_indices_have_no_gradient(returned: Callable[[Array], Any]) -> None:
    """A table of rows passes, in any style of what backward returns."""
    check_object(TableLookup(returned), np.array([1, 4, 1, 0]))


class Rounded:
    """Tanh, computed in float32."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x.astype(np.float32))
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy.astype(np.float32) * (1 - self.y**2)


class Masking:
    """Dropout with numbers of NumPy's global generator."""

    def forward(self, x: Array) -> Array:
        self.mask = (np.random.rand(*x.shape) > 0.3) / 0.7
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class Product:
    """Two inputs, and a gradient for each."""

    def forward(self, a: Array, b: Array) -> Array:
        self.kept = a, b
        return a * b

    def backward(self, dy: Array) -> Any:
        a, b = self.kept
        return dy * b, dy * a


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [(Rounded(), (X,)), (Masking(), (X,)), (Product(), (X, X[::-1])), (Product(), ((X, X[::-1]),))],
)
def test_right_code_in_unusual_forms_passes(layer: Any, inputs: tuple[Any, ...]) -> None:
    """Float32 inside, random masks, two inputs as arguments or in a tuple."""
    check_object(layer, *inputs)
