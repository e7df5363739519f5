"""What another sample of mutants of the kit taught its tests: each test here notices one that no other noticed."""

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import (
    CATALOG,
    BatchesCase,
    CheckLog,
    LayerCase,
    LossCase,
    MetricCase,
    OptimizerCase,
    Violation,
    conformance,
    obeys,
)
from nnlaw.spec.fixes.mutate import edits
from nnlaw.spec.fixes.replace_rules import SWAPS
from nnlaw.spec.guards.strict import arm_loss
from nnlaw.spec.law_references import BY_CODE, BY_KIND, BY_LAW
from nnlaw.spec.reference import INITIALIZERS, LAYERS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES
from nnlaw.spec.reference.names import SYNONYMS, simplified
from nnlaw.spec.subjects.hyperparameters import ALIASES, simplified_name

X = np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32)


def told(case: Any, law: str) -> Any:
    """The one law asked, and what it says."""
    report = conformance(case, [law])
    (verdict,) = [row.outcome for row in report.results if row.law == law]
    return verdict, [violation.message for violation in report.violations]


@obeys("N C -> N C")
class Thrifty:
    """tanh, which works out dx only where it is needed."""

    needs_dx = False

    def __init__(self, slope: float = 1.0) -> None:
        self.slope = np.float32(slope)

    def forward(self, x: Any) -> Any:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Any) -> Any:
        return dy * (1 - self.y**2) * dy.dtype.type(self.slope) if self.needs_dx else None


@pytest.mark.parametrize(("slope", "verdict"), [(1.0, "passed"), (2.0, "failed")])
def test_dx_is_judged_though_a_first_layer_may_skip_it(slope: float, verdict: str) -> None:
    """It is asked for, whatever stands on the instance."""
    assert conformance(LayerCase("mine", Thrifty(slope), X)).outcome == verdict


def test_a_function_is_called_within_its_domain() -> None:
    """Far from zero, too."""

    @obeys("N C -> N C")
    def root(x: Any) -> Any:
        return np.sqrt(x)

    root.domain = (0.0, 100.0)  # type: ignore[attr-defined]  # a claim on a function
    assert conformance(root, kind="function").outcome == "passed"


def test_every_synonym_leads_to_a_definition() -> None:
    """It is written as names are looked up, hides no standard name, and what it stands for is one."""
    tables = (INITIALIZERS, LAYERS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES)
    known = [{simplified(name) for name in table} for table in tables]
    for word, meant in SYNONYMS.items():
        assert word == simplified(word), word
        assert any(meant in names and word not in names for names in known), (word, meant)


def test_any_statement_may_be_left_out_but_a_return() -> None:
    """Each of the others is left out once."""
    source = "def f(x):\n    y = x * 2\n    y += 1\n    return y"
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    found = {ast.unparse(tree) for _ in edits(tree, [])}
    assert {source.replace("y = x * 2", "pass"), source.replace("y += 1", "pass")} <= found
    assert all(text.endswith("return y") or "return" in text.splitlines()[-1] for text in found)
    assert all("return" in text for text in found)


def test_a_sample_lost_in_a_later_epoch_is_told() -> None:
    """One generator is used for several epochs."""

    def batches(x: Any, y: Any, batch_size: int, rng: Any) -> Iterator[tuple[Any, Any]]:
        first = not rng.bit_generator.seed_seq.n_children_spawned
        order = rng.spawn(1)[0].permutation(len(x))[0 if first else 1 :]
        for i in range(0, len(order), batch_size):
            yield x[order[i : i + batch_size]], y[order[i : i + batch_size]]

    assert told(BatchesCase("mine", batches), "once-per-epoch")[0] == "fail"


class Normal:
    """Layer normalization with a gain, and with a shift of that name which does not start at zero."""

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
def test_a_shift_is_known_by_its_name(shift: str) -> None:
    """It is taken away before the mean is judged, whatever it starts at."""
    assert conformance(LayerCase("mine", Normal(shift), X, "N C -> N C", name="layernorm")).outcome == "passed"


class Soft:
    """Cross-entropy of logits with labels or rows; for rows the gradient is `times` the right one."""

    targets, soft_labels = "labels", True

    def __init__(self, times: float) -> None:
        self.times = times

    def forward(self, prediction: Any, target: Any) -> float:
        z = prediction - prediction.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.factor = self.times if target.ndim == 2 else 1
        self.hot = target if target.ndim == 2 else np.eye(z.shape[1])[target]
        self.p = np.exp(log_p)
        return float(-(log_p * self.hot).sum() / len(z))

    def backward(self) -> Any:
        return ((self.p - self.hot) / len(self.p) * self.factor).astype(self.p.dtype)


def test_the_gradient_of_one_hot_rows_is_judged_too() -> None:
    """It is told which entry is another than that of the labels."""
    labels = np.arange(5) % 4
    assert told(LossCase("mine", Soft(1), X, labels), "soft-labels")[0] == "pass"
    verdict, (message,) = told(LossCase("mine", Soft(2), X, labels), "soft-labels")
    assert verdict == "fail" and "Soft.backward" not in message
    assert "d prediction[0, 0] =" in message and "for one-hot rows" in message


class Logistic:
    """Binary cross-entropy of logits; `slope(z, s, t)` is its gradient, s the sigmoid of z."""

    targets = "binary"

    def __init__(self, slope: Any) -> None:
        self.slope = slope

    def forward(self, prediction: Any, target: Any) -> float:
        self.z, self.t = prediction, target
        return float((np.logaddexp(0, prediction) - target * prediction).sum() / len(prediction))

    def backward(self) -> Any:
        found = self.slope(self.z, 1 / (1 + np.exp(-self.z)), self.t) / len(self.z)
        return found.astype(self.z.dtype)


@pytest.mark.parametrize(("slope", "cause"), [
    (lambda z, s, t: s - t, ""),
    (lambda z, s, t: z - t, "a missing sigmoid: logits less target"),
    (lambda z, s, t: s, "the sigmoid alone"),
    (lambda z, s, t: (s - t) * s * (1 - s), "the derivative of the sigmoid multiplied in once more"),
])  # fmt: skip
def test_mistakes_about_the_sigmoid_are_named(slope: Any, cause: str) -> None:
    """In a loss that takes logits."""
    target = (np.random.default_rng(3).random((5, 4)) < 0.5).astype(np.float32)
    verdict, messages = told(LossCase("mine", Logistic(slope), X, target), "gradient")
    assert verdict == ("fail" if cause else "pass") and all(cause in message for message in messages)


class Adadelta:
    """Adadelta, whose ρ bears its own name and which knows no decay of weights."""

    def __init__(self, rho: float = 0.95, eps: float = 1e-6) -> None:
        self.rho, self.eps = rho, eps
        self.state: dict[str, Any] = {}

    def step(self, w: Any, g: Any, lr: float) -> None:
        s = self.state
        s["g"] = self.rho * s.get("g", 0) + (1 - self.rho) * g * g
        d = np.sqrt(s.get("d", 0) + self.eps) / np.sqrt(s["g"] + self.eps) * g
        s["d"] = self.rho * s.get("d", 0) + (1 - self.rho) * d * d
        w -= (lr * d).astype(w.dtype)


def test_adadelta_needs_no_decay_to_be_judged() -> None:
    """It holds to its definition, or is broken, but is not left in doubt."""
    assert told(OptimizerCase("adadelta", Adadelta, name="adadelta"), "definition")[0] == "pass"


class Displaced:
    """Called tanh, and a little more; only numbers near 2.5 may come."""

    domain = (2.26, 2.74)

    def forward(self, x: Any) -> Any:
        self.y = np.tanh(x)
        return self.y + x.dtype.type(0.25)

    def backward(self, dy: Any) -> Any:
        return dy * (1 - self.y**2)


def test_the_smallest_input_is_one_that_the_layer_may_get() -> None:
    """Whatever law it shows to be broken: neither plain nor round numbers outside of the domain are tried."""
    case = LayerCase("mine", Displaced(), np.clip(X, -0.2, 0.2) + np.float32(2.5), "N C -> N C", name="tanh")
    (found,) = conformance(case, ["definition"], explain=True).violations
    assert found.law == "definition" and found.input is not None
    assert all(2.25 < number < 2.75 for row in found.input["x"] for number in row)


def test_what_is_recommended_is_about_laws_that_there_are() -> None:
    """By kind and code, by code, or by kind."""
    codes = {code for _, code in CATALOG}
    assert set(BY_LAW) <= set(CATALOG) and set(BY_CODE) <= codes
    assert set(BY_KIND) == {kind for kind, _ in CATALOG} - {"function"}


def test_what_is_called_in_place_of_another_can_be_called() -> None:
    """Every function that a repair tries, and every one that it replaces, is NumPy's or a generator's."""
    for name in {*SWAPS, *(other for others in SWAPS.values() for other in others)}:
        assert hasattr(np, name) or hasattr(np.random.Generator, name), name


def test_every_name_that_a_setting_may_bear_can_be_read() -> None:
    """Each is written as names are compared."""
    for setting, names in ALIASES.items():
        assert [name for name in names if name != simplified_name(name)] == [], setting


class Tripled:
    """Three times half the squared error, in a source of which some changes write into what came in."""

    targets = "real"

    def forward(self, prediction: Any, target: Any) -> float:
        prediction = prediction * 1
        target = target * 1
        self.off = prediction - target
        return float(3 * (self.off**2).sum() / 2 / len(prediction))

    def backward(self) -> Any:
        return 3 * self.off / len(self.off)


def test_seeking_a_repair_leaves_the_case_as_it_was() -> None:
    """Whatever the changes that are tried do to their arrays."""
    case = LossCase("mine", Tripled(), X.copy(), X[::-1] + 1, name="mse")
    kept = case.prediction.copy(), case.target.copy()
    (found,) = conformance(case, ["definition"], explain=True).violations
    assert found.law == "definition"
    assert np.array_equal(case.prediction, kept[0]) and np.array_equal(case.target, kept[1])


def test_what_is_best_where_it_is_least_is_told_so() -> None:
    """The share of right answers, called the error."""

    def error(probabilities: Any, labels: Any) -> float:
        return float((probabilities.argmax(axis=1) == labels).mean())

    verdict, (message,) = told(MetricCase("mine", error, name="error"), "metric-known")
    assert verdict == "fail" and "error of perfect predictions is 1, expected at most 0." in message


class Long(Adadelta):
    """Its steps are too long by a factor that is no usual mistake."""

    def step(self, w: Any, g: Any, lr: float) -> None:
        super().step(w, g, 1.37 * lr)


def test_a_wrong_adadelta_is_not_left_in_doubt_for_its_decay() -> None:
    """A decay of weights is none of its settings."""
    assert told(OptimizerCase("adadelta", Long, name="adadelta"), "definition")[0] == "fail"


def test_a_loss_of_nothing_is_told() -> None:
    """A mean needs a sample."""
    loss = Soft(1)
    arm_loss(loss, "mine", CheckLog())
    with pytest.raises(Violation, match="the batch is empty, expected at least one sample"):
        loss.forward(X[:0], np.zeros(0, np.int64))
