"""Reference implementations: a unit with a standard name passes in every accepted variant, and fails otherwise."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nnlaw.spec.reference
from nnlaw.spec import (
    BadInput,
    LayerCase,
    LossCase,
    MetricCase,
    NotApplicable,
    OptimizerCase,
    ScheduleCase,
    conformance,
)
from nnlaw.spec.reference import (
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    Given,
    Rule,
    find_reference,
    numeric_constants,
    standard_name,
    trajectory,
)
from nnlaw.spec.reference.names import SYNONYMS, simplified

Array = NDArray[Any]
X = np.random.default_rng(0).standard_normal((5, 4))


class Elementwise:
    """y = f(x) with its gradient by finite differences, so that only `definition` can fail."""

    def __init__(self, f: Callable[[Array], Array], **declared: Any) -> None:
        self.f = f
        vars(self).update(declared)

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.asarray(self.f(x.astype(np.float64))).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        x, h = self.x.astype(np.float64), 1e-6 * np.maximum(1, np.abs(self.x))
        return (dy * (self.f(x + h) - self.f(x - h)) / (2 * h)).astype(dy.dtype)


def sigmoid(x: Array) -> Array:
    """σ(x)."""
    return 0.5 * (1 + np.tanh(0.5 * x))


VARIANTS: list[tuple[str, Callable[[Array], Array]]] = [
    ("relu", lambda x: (x + np.abs(x)) / 2),
    ("ReLU6", lambda x: np.minimum(np.maximum(x, 0), 6)),
    ("leaky-relu", lambda x: np.maximum(x, 0.02 * x)),
    ("elu", lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)) - 1, x)),
    ("selu", lambda x: np.where(x < 0, 1.7580993408473766 * (np.exp(np.minimum(x, 0)) - 1), 1.0507009873554805 * x)),
    ("gelu", lambda x: x * np.vectorize(lambda t: (1 + math.erf(t / math.sqrt(2))) / 2)(x)),
    ("gelu", lambda x: x / 2 * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))),
    ("gelu", lambda x: x * sigmoid(1.702 * x)),
    ("silu", lambda x: x * sigmoid(x)),
    ("mish", lambda x: x * np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))),
    ("sigmoid", sigmoid),
    ("softplus", lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    ("softsign", lambda x: x / (np.abs(x) + 1)),
    ("hardtanh", lambda x: np.minimum(1, np.maximum(-1, x))),
    ("tanh", lambda x: 2 * sigmoid(2 * x) - 1),
    ("linear", lambda x: x),
]


def outcome(case: Any) -> str:
    """The outcome of law `definition`, the only one that is checked."""
    return next(row.outcome for row in conformance(case, ["definition"]).results if row.law == "definition")


@pytest.mark.parametrize("i", range(len(VARIANTS)))
def test_a_layer_with_a_standard_name(i: int) -> None:
    """Each variant passes, in any notation; 2% more fails."""
    name, f = VARIANTS[i]
    for stretch, expected in ((1.0, "pass"), (1.02, "fail")):
        layer = Elementwise(lambda x, k=stretch: k * f(x))  # type: ignore[misc]  # a lambda whose default carries the loop variable
        assert outcome(LayerCase("p", layer, X, "N ... -> N ...", name=name)) == expected


def test_a_free_number_may_be_an_attribute() -> None:
    """An unusual slope passes if the layer or its class has it as an attribute."""

    def steep(x: Array) -> Array:
        return np.where(x > 0, x, 0.77 * x)

    assert outcome(LayerCase("p", Elementwise(steep), X, "N C -> N C", name="leaky_relu")) == "fail"
    assert outcome(LayerCase("p", Elementwise(steep, alpha=0.77), X, "N C -> N C", name="leaky_relu")) == "pass"
    assert numeric_constants(type("Kind", (), {"rate": 0.5, "on": True})()) == [0.5]


@pytest.mark.parametrize(("low", "high", "laws"), [(0, 1, []), (-0.001, 1.001, []), (0, 2, ["definition"])])
def test_a_standard_name_declares_no_wider_range(low: float, high: float, laws: list[str]) -> None:
    """Except for rounding."""
    layer = Elementwise(sigmoid, like="sigmoid", range=(low, high))
    report = conformance(LayerCase("p", layer, X.astype(np.float32), "N C -> N C"))
    assert [found.law for found in report.violations] == laws


def test_another_name_is_not_checked() -> None:
    """Unless `like` declares a standard one."""
    assert outcome(LayerCase("p", Elementwise(np.sin), X, "N C -> N C", name="mine")) == "n.a."
    assert outcome(LayerCase("p", Elementwise(np.sin, like="tanh"), X, "N C -> N C", name="mine")) == "fail"
    assert standard_name(object(), "Layer Norm", LAYERS) == "layernorm" and standard_name(object(), "x", LOSSES) == ""


class Affine:
    """y = xW + b, with W or its transpose, and perhaps another array."""

    def __init__(self, *, transposed: bool = False, extra: bool = False, bias: bool = True) -> None:
        rng = np.random.default_rng(1)
        self.transposed = transposed
        self.params = {"weight": rng.standard_normal((3, 4) if transposed else (4, 3))}
        self.params |= {"bias": rng.standard_normal((1, 3))} if bias else {}
        self.params |= {"more": np.zeros(2)} if extra else {}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x: Array) -> Array:
        self.x, self.w = x, self.params["weight"].T if self.transposed else self.params["weight"]
        return (x @ self.w + self.params.get("bias", 0)).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        d_w = self.x.T @ dy
        self.grads["weight"] = d_w.T if self.transposed else d_w
        if "bias" in self.params:
            self.grads["bias"] = dy.sum(axis=0, keepdims=True)
        return (dy @ self.w.T).astype(dy.dtype)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, "pass"), ({"transposed": True}, "pass"), ({"bias": False}, "pass"), ({"extra": True}, "n.a.")],
)
def test_an_affine_map_may_keep_its_transpose(settings: dict[str, bool], expected: str) -> None:
    """With W or its transpose, with a bias or without; with another array it is not applicable."""
    assert outcome(LayerCase("p", Affine(**settings), X, "N n -> N 3", name="linear")) == expected


def test_softmaxes_are_known() -> None:
    """Of rows, and their logarithms."""
    for name in ("softmax", "log_softmax"):
        found = [next(variant(Given([X])))[0] for variant in LAYERS[name].variants]
        rows = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
        assert np.allclose(found[0], rows if name == "softmax" else np.log(rows))


class Loss:
    """The mean of f over the batch, with its gradient by finite differences."""

    def __init__(self, f: Callable[[Array, Array], Any], **declared: Any) -> None:
        self.f = f
        vars(self).update(declared)

    def forward(self, prediction: Array, target: Array) -> float:
        self.z, self.t = prediction, target
        return float(np.sum(self.f(prediction.astype(np.float64), target)) / len(prediction))

    def backward(self) -> Array:
        gradient, z = np.empty(self.z.shape), self.z.astype(np.float64)
        for at in np.ndindex(z.shape):
            h = 1e-6 * max(1, abs(z[at]))
            row, to = z[at[0] : at[0] + 1].copy(), self.t[at[0] : at[0] + 1]
            row[0, at[1]] += h
            up = np.sum(self.f(row, to))
            row[0, at[1]] -= 2 * h
            gradient[at] = (up - np.sum(self.f(row, to))) / (2 * h) / len(z)
        return gradient.astype(self.z.dtype)


LABELS, BITS, REALS = np.array([0, 1, 2, 3, 1]), (X > 0.3) * 1.0, np.random.default_rng(3).standard_normal((5, 4))


def right_class(z: Array, t: Array) -> Array:
    """The entry of the label, as a column."""
    return z[np.arange(len(z)), t][:, None]


def margins(z: Array, t: Array) -> Array:
    """max(0, 1 + z − z of the label), 0 at the label."""
    return np.maximum(0, 1 + z - right_class(z, t)) * (1 - np.eye(z.shape[1])[t])


LOSS_ROWS: list[tuple[str, Callable[[Array, Array], Any], Array, dict[str, Any]]] = [
    ("softmax_cross_entropy", lambda z, t: np.log(np.exp(z - right_class(z, t)).sum(axis=1)), LABELS, {}),
    ("nll", lambda z, t: -np.log(right_class(z, t)), LABELS, {"domain": (1e-3, 1)}),
    ("bce", lambda z, t: np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))), BITS, {"targets": "binary"}),
    ("binary_cross_entropy", lambda z, t: -(t * np.log(z) + (1 - t) * np.log(1 - z)) / z.shape[1], BITS,
     {"targets": "binary", "domain": (1e-3, 1 - 1e-3)}),
    ("mse", lambda z, t: (z - t) ** 2, REALS, {"targets": "real"}),
    ("mean_squared_error", lambda z, t: (z - t) ** 2 / 2 / z.shape[1], REALS, {"targets": "real"}),
    ("mae", lambda z, t: np.abs(z - t) / z.shape[1], REALS, {"targets": "real"}),
    ("huber", lambda z, t: np.where(np.abs(z - t) < 0.5, (z - t) ** 2 / 2, np.abs(z - t) / 2 - 0.125), REALS,
     {"targets": "real", "delta": 0.5}),
    ("hinge", lambda z, t: np.maximum(0, 1 - (2 * t - 1) * z), BITS, {"targets": "binary"}),
    ("hinge", lambda z, t: margins(z, t), LABELS, {}),
    ("hinge", lambda z, t: margins(z, t).max(axis=1), LABELS, {}),
]  # fmt: skip


@pytest.mark.parametrize("i", range(len(LOSS_ROWS)))
def test_a_loss_with_a_standard_name(i: int) -> None:
    """Sum or mean over outputs, with ½ or without; 2% more fails."""
    name, f, target, declared = LOSS_ROWS[i]
    z = 0.5 + 0.2 * np.tanh(X) if "domain" in declared else X
    for stretch, expected in ((1.0, "pass"), (1.02, "fail")):
        loss = Loss(lambda z, t, k=stretch: k * f(z, t), **declared)  # type: ignore[misc]  # a lambda whose default carries the loop variable
        with np.errstate(all="ignore"):
            assert outcome(LossCase("p", loss, z, target, name=name)) == expected


ONES = np.ones((10, 1))


def final_weight(name: str, rule: Rule | None = None, **settings: float) -> float:
    """The weight after ten steps of 0.1 along a constant gradient of 1, starting at 0."""
    row = OPTIMIZERS[name]
    h = SimpleNamespace(**({"decay": 0.0} | dict(row.defaults) | settings))
    return float(trajectory(rule or row.variants[0], h, np.zeros(1), ONES, 0.1)[-1, 0])


@pytest.mark.parametrize("name", ["sgd", "adam", "amsgrad", "adamax", "lion", "signsgd"])
def test_a_constant_gradient_moves_the_weight_by_the_learning_rate(name: str) -> None:
    """Ten steps of 0.1 are −1."""
    assert np.isclose(final_weight(name), -1, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("momentum", -sum(0.1 * (1 - 0.9**t) / 0.1 for t in range(1, 11))),
        ("rmsprop", -sum(0.1 / np.sqrt(1 - 0.9**t) for t in range(1, 11))),
        ("adagrad", -sum(0.1 / np.sqrt(t) for t in range(1, 11))),
    ],
)
def test_the_final_weight_computed_by_hand(name: str, expected: float) -> None:
    """From closed formulas for a constant gradient."""
    assert np.isclose(final_weight(name), expected, rtol=1e-6)


@pytest.mark.parametrize(("code", "expected"), [("constant-step-count", -1.75), ("missing-bias-correction", -5.53)])
def test_usual_mistakes_of_adam_have_their_numbers(code: str, expected: float) -> None:
    """−1.75 with t always 1, −5.53 without bias correction."""
    (rule,) = [rule for mistake, rule in OPTIMIZERS["adam"].mistakes.items() if mistake.code == code]
    assert np.isclose(final_weight("adam", rule), expected, atol=0.005)


class ConstantStepCount:
    """Adam whose t is always 1."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.beta1, self.beta2, self.state = beta1, beta2, dict[str, Any]()

    def step(self: Any, w: Any, g: Any, lr: float) -> None:
        self.state["m"] = self.beta1 * self.state.get("m", 0) + (1 - self.beta1) * g
        self.state["v"] = self.beta2 * self.state.get("v", 0) + (1 - self.beta2) * g * g
        w -= lr * self.state["m"] / (1 - self.beta1) / (np.sqrt(self.state["v"] / (1 - self.beta2)) + 1e-8)


def test_the_diagnostic_gives_both_numbers_and_the_source() -> None:
    """Actual and expected value, the source of the definition, and the mistake."""
    (found,) = conformance(OptimizerCase("mine", ConstantStepCount, name="Adam")).violations
    assert (found.law, found.actual) == ("definition", "-1.135")
    assert found.expected == "-0.7, as adam is defined (Kingma & Ba 2015)"
    assert found.cause.startswith("t is stuck at 1") and found.location.line


def test_like_has_the_effect_of_a_name() -> None:
    """like="adam" under another name; without either the law is not applicable."""
    declaring = type("Declaring", (ConstantStepCount,), {"like": "adam"})
    (found,) = conformance(OptimizerCase("mine", declaring, name="mine")).violations
    assert found.law == "definition"
    assert outcome(OptimizerCase("mine", ConstantStepCount, name="mine")) == "n.a."


def test_hyperparameters_are_read_from_the_instance() -> None:
    """The same mistake is found at other values."""
    (found,) = conformance(OptimizerCase("mine", lambda: ConstantStepCount(0.5, 0.9), name="adam")).violations
    assert found.cause.startswith("t is stuck at 1")


def test_names_in_any_spelling() -> None:
    """Case, hyphens and synonyms make no difference."""
    assert find_reference(None, "NAG", OPTIMIZERS)[0] == "nesterov"
    assert find_reference(SimpleNamespace(like="Sign-SGD"), "mine", OPTIMIZERS)[0] == "signsgd"
    with pytest.raises(NotApplicable, match="not a standard name"):
        find_reference(None, "mine", OPTIMIZERS)
    with pytest.raises(BadInput, match=r"like = 'adamm' is not a standard name; known: adabelief"):
        find_reference(SimpleNamespace(like="adamm"), "mine", OPTIMIZERS)


def test_metrics_have_known_values() -> None:
    """Four samples of three classes, counted by hand."""
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    y = np.array([0, 1, 1, 2])
    expected = {
        "accuracy": 3 / 4,
        "error": 1 / 4,
        "cross_entropy": -np.log([0.7, 0.8, 0.3, 0.6]).mean(),
        "perplexity": np.exp(-np.log([0.7, 0.8, 0.3, 0.6]).mean()),
        "brier": (0.14 + 0.06 + 0.78 + 0.24) / 4,
        "precision": (1 / 2 + 1 + 1) / 3,
        "recall": (1 + 1 / 2 + 1) / 3,
        "balanced_accuracy": (1 + 1 / 2 + 1) / 3,
        "top_2_accuracy": 1.0,
        "r2": 1 - (0.16 + 0.09 + 0.36) / 2,
        "f1": (2 / 3 + 2 / 3 + 1) / 3,
    }
    found = {name: row.variants[0](p, y) for name, row in METRICS.items()}
    assert np.array_equal(found.pop("confusion_matrix"), [[1, 0, 0], [1, 1, 0], [0, 0, 1]])
    assert {name: pytest.approx(value) for name, value in found.items()} == expected


def test_unknown_settings_are_inconclusive() -> None:
    """A metric with a setting of its own, and a schedule whose setting has an unusual name."""
    share = MetricCase("mine", lambda p, y, *, top=2: float((p.argsort(axis=1)[:, -top:] == y[:, None]).any(1).mean()))
    for case, name in (
        (share, "accuracy"),
        (ScheduleCase("mine", lambda t, *, sharpness=2.0: 1 - t**sharpness), "linear"),
    ):
        case.name = name
        report = conformance(case)
        assert [row.law for row in report.results if row.outcome == "inconclusive"] == ["definition"]


def test_dunder_names_are_not_constants() -> None:
    """Such as __firstlineno__, which Python sets itself."""

    class Layer:
        slope = 0.5

        def __init__(self) -> None:
            self.rate = 2

    assert numeric_constants(Layer()) == [0.5, 2.0]


def test_every_synonym_means_a_standard_name() -> None:
    """It is written in simplified form, and is not itself a standard name in the same table."""
    tables = (INITIALIZERS, LAYERS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES)
    known = [{simplified(name) for name in table} for table in tables]
    for word, meant in SYNONYMS.items():
        assert word == simplified(word), word
        assert any(meant in names and word not in names for names in known), (word, meant)


def test_the_package_exports_its_names() -> None:
    """Every name of `__all__` exists."""
    module = nnlaw.spec.reference
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
