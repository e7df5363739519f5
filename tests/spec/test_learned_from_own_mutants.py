"""What mutants of the kit itself taught its tests: each test here notices one that no other noticed."""

import ast
import importlib
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import (
    BadInput,
    BatchesCase,
    CheckLog,
    LayerCase,
    LossCase,
    ModelCase,
    OptimizerCase,
    ScheduleCase,
    Violation,
    conformance,
    obeys,
    strict,
)
from nnlaw.spec.fixes.mutate import edits
from nnlaw.spec.gradcheck.mistakes import Clues, rows
from nnlaw.spec.guards.strict import arm_loss
from nnlaw.spec.strategies import HOSTILE
from nnlaw.spec.subjects.hyperparameters import infer_hyperparameters
from nnlaw.spec.violation import Cause

X = np.random.default_rng(0).standard_normal((5, 4))


def told(case: Any, law: str) -> Any:
    """The one law asked, and what it says."""
    report = conformance(case, [law])
    (verdict,) = [row.outcome for row in report.results if row.law == law]
    return verdict, [violation.message for violation in report.violations]


@pytest.mark.parametrize("package", ["nnlaw.spec", "nnlaw.spec.reference"])
def test_a_package_has_what_it_promises(package: str) -> None:
    """Every name of `__all__` can be had of it."""
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def cycle(ramp: Any, phases: int) -> Any:
    """Up from start to 1, and down to 0: at once, or as long as it went up to start, and the rest."""

    def one_cycle(t: float, *, warmup: float = 0.3, start: float = 0.1) -> float:
        corners = [(0.0, start), (warmup, 1.0), (2 * warmup, start), (1.0, 0.0)]
        corners = [corner for i, corner in enumerate(corners) if phases == 3 or i != 2]
        return float(np.interp(t, *_drawn(corners, ramp)))

    return one_cycle


def _drawn(corners: Any, ramp: Any) -> Any:
    s = np.linspace(0, 1, 2001)
    pairs = list(pairwise(corners))
    x = np.concatenate([a + (b - a) * s for (a, _), (b, _) in pairs])
    return x, np.concatenate([low + (high - low) * ramp(s) for (_, low), (_, high) in pairs])


RAMPS = {"line": lambda s: s, "cosine": lambda s: (1 - np.cos(np.pi * s)) / 2, "square": lambda s: s**2}


@pytest.mark.parametrize(("ramp", "verdict"), [("line", "pass"), ("cosine", "pass"), ("square", "fail")])
@pytest.mark.parametrize("phases", [2, 3])
def test_a_cycle_may_come_down_at_once_or_by_way_of_its_start(ramp: str, phases: int, verdict: str) -> None:
    """Along a line or a cosine, and along nothing else."""
    case = ScheduleCase("one_cycle", cycle(RAMPS[ramp], phases), name="one_cycle")
    assert told(case, "definition")[0] == verdict


class Scheduled:
    """Nadam with the momentum of each step, μₜ = β₁·(1 − 0.5·0.96^(t/250)), and the product of all of them."""

    beta1, beta2, eps = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"t": 0, "product": 1.0}

    def step(self, w: Any, g: Any, lr: float) -> None:
        s, b1, b2 = self.state, self.beta1, self.beta2
        s["t"] += 1
        now, then = (b1 * (1 - 0.5 * 0.96 ** (i / 250)) for i in (s["t"], s["t"] + 1))
        s["product"] *= now
        s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
        m = then * s["m"] / (1 - s["product"] * then) + (1 - now) * g / (1 - s["product"])
        w -= lr * m / (np.sqrt(s["v"] / (1 - b2 ** s["t"])) + self.eps)


class Swapped:
    """Adam with β₁ and β₂ in each other's place."""

    beta1, beta2, eps = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"t": 0}

    def step(self, w: Any, g: Any, lr: float) -> None:
        s, b1, b2 = self.state, self.beta2, self.beta1
        s["t"] += 1
        s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
        w -= lr * s["m"] / (1 - b1 ** s["t"]) / (np.sqrt(s["v"] / (1 - b2 ** s["t"])) + self.eps)


def test_nadam_may_have_the_momentum_of_each_step() -> None:
    """As it is in PyTorch."""
    assert told(OptimizerCase("nadam", Scheduled, name="nadam"), "definition")[0] == "pass"


def test_swapped_betas_are_named() -> None:
    """The mistake that accounts for every step is the cause."""
    verdict, (message,) = told(OptimizerCase("adam", Swapped, name="adam"), "definition")
    assert verdict == "fail" and "β₁ and β₂ are swapped" in message


class Dropping:
    """What dropout does in eval: `scale` times x."""

    training, rate = False, 0.3

    def __init__(self, scale: float) -> None:
        self.scaled = lambda x: np.asarray(scale, x.dtype) * x  # a number that it showed might be the share kept

    def forward(self, x: Any) -> Any:
        return self.scaled(x)

    def backward(self, dy: Any) -> Any:
        return self.scaled(dy)


@pytest.mark.parametrize(("scale", "verdict"), [(1, "pass"), (0.7, "pass"), (2, "fail"), (0.6, "fail")])
def test_dropout_gives_in_eval_x_or_the_share_kept(scale: float, verdict: str) -> None:
    """And nothing else."""
    assert told(LayerCase("dropout", Dropping(scale), X, "N ... -> N ...", name="dropout"), "definition")[0] == verdict


def test_calls_are_judged_without_a_warning() -> None:
    """What overflows on its way to a right answer is no news."""

    class Overflowing:
        def forward(self, x: Any) -> Any:
            self.y = 1 / (1 + np.exp(-x))
            return self.y

        def backward(self, dy: Any) -> Any:
            return dy * self.y * (1 - self.y)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert conformance(LayerCase("mine", Overflowing(), 200 * X, "N C -> N C"), ["finite"]).violations == []


def test_what_is_called_is_not_edited() -> None:
    """An edit puts no other expression in the place of a function's name."""
    tree = ast.parse("def f(a, b):\n    return g(a) + b").body[0]
    assert isinstance(tree, ast.FunctionDef)
    called = {
        ast.unparse(node.func)
        for _ in edits(tree, [ast.parse("b", mode="eval").body])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert "g" in called and "b" not in called


def test_one_wrong_label_of_the_first_sample_is_told() -> None:
    """Sample 0 is judged like any other."""

    def batches(x: Any, y: Any, batch_size: int, rng: Any) -> Iterator[tuple[Any, Any]]:
        wrong = y.copy()
        wrong[0] = (wrong[0] + 1) % (y.max() + 1)
        for i in range(0, len(x), batch_size):
            yield x[i : i + batch_size], wrong[i : i + batch_size]

    assert told(BatchesCase("mine", batches), "paired")[0] == "fail"


class Affine:
    """Softmax of x W + b; `relabel` is done to the labels on their way into the loss."""

    def __init__(self, relabel: Any = lambda labels: labels) -> None:
        rng = np.random.default_rng(3)
        self.params = {"W": rng.normal(0, 0.1, (6, 3)).astype(np.float32), "b": np.zeros(3, np.float32)}
        self.relabel = relabel

    def predict(self, x: Any) -> Any:
        z = x @ self.params["W"] + self.params["b"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x: Any, labels: Any) -> Any:
        p, at = self.predict(x), (np.arange(len(x)), self.relabel(labels))
        loss = -float(np.log(p[at]).mean())
        p[at] -= 1
        return loss, {"W": x.T @ p / len(x), "b": p.mean(axis=0)}


def model_case(model: Affine, **more: Any) -> ModelCase:
    """The model on thirty samples."""
    x = np.random.default_rng(1).standard_normal((30, 6)).astype(np.float32)
    return ModelCase("mine", model, lambda rng: Affine(), x, np.arange(30) % 3, **more)


def test_a_model_in_training_is_judged_along_one_line_and_not_by_its_calls() -> None:
    """They are judged as they come; and of a large batch twenty samples are taken, with their labels."""
    report = conformance(model_case(Affine(), quick=True), ["gradient"])
    assert [(row.law, row.outcome) for row in report.results if row.outcome != "skipped"] == [("gradient", "pass")]
    assert "finite" in [row.law for row in conformance(model_case(Affine())).results]
    assert "finite" not in [row.law for row in conformance(model_case(Affine(), quick=True)).results]


def test_a_saved_model_that_answers_otherwise_is_told() -> None:
    """Its first other probability, and what it was before saving."""

    def reloaded() -> Affine:
        model = Affine()
        model.params["b"] += 1 + np.arange(3, dtype=np.float32)
        return model

    assert told(model_case(Affine(), reload=Affine), "round-trip")[0] == "pass"
    verdict, (message,) = told(model_case(Affine(), reload=reloaded), "round-trip")
    assert verdict == "fail" and "probabilities after reloading[0, 0]" in message


def test_the_last_class_is_taught_too() -> None:
    """A model that takes the last class for the first is told, though all other labels are used as given."""
    verdict, _ = told(model_case(Affine(lambda labels: np.where(labels == 2, 0, labels))), "labels")
    assert verdict == "fail"


class Normalizing:
    """Batchnorm without gain and shift, whose running statistics move by `momentum` a step."""

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


@pytest.mark.parametrize(("momentum", "verdict"), [(0.1, "pass"), (0.001, "pass"), (0.0, "fail")])
def test_running_statistics_may_be_slow_but_must_move(momentum: float, verdict: str) -> None:
    """What is still getting nearer after many steps is right; what stays where it began is not."""
    case = LayerCase("mine", Normalizing(momentum), X.astype(np.float32), "N n -> N n", name="batchnorm")
    assert told(case, "normalized")[0] == verdict


@obeys("N n -> N n")
class WithoutDx:
    """The identity, whose backward returns nothing, and which does not say that it may."""

    def forward(self, x: Any) -> Any:
        return x

    def backward(self, dy: Any) -> Any:
        return None


def test_a_layer_that_does_not_say_so_owes_dx() -> None:
    """Only one that says needs_dx = False may skip it."""
    armed = strict(WithoutDx())
    armed.forward(X)
    with pytest.raises(Violation, match=": shape: WithoutDx"):
        armed.backward(X)


@pytest.mark.parametrize(("due", "given"), [(1, 2), (2, 1), (2, 3)])
def test_as_many_outputs_as_the_contract_has(due: int, given: int) -> None:
    """Neither more nor fewer arrays, or the shape is broken."""
    contract = f"N n -> {', '.join(['N n'] * due)}"
    report = conformance(lambda x: (x,) * given if given > 1 else x, kind="function", contract=contract)
    assert [found.law for found in report.violations] == ["shape"]
    if due > 1:
        assert f"the result is {given} array{'s' * (given > 1)}, expected {due}" in report.violations[0].message


def test_what_goes_forward_alone_is_of_no_kind() -> None:
    """A layer and a loss have both halves."""
    with pytest.raises(BadInput, match="its kind can't be told"):
        conformance(type("Half", (), {"forward": lambda self, x: x})())


def test_greek_names_are_read() -> None:
    """As a Python name may be."""
    greek = type("Greek", (), {"β1": 0.8, "β2": 0.9, "ρ": 0.7})
    told_of = infer_hyperparameters(greek(), {"beta1": 0.5, "beta2": 0.5, "rho": 0.5}).candidates
    assert told_of == {"beta1": (0.8,), "beta2": (0.9,), "rho": (0.7,)}


class Cut:
    """Binary cross-entropy of probabilities, which keeps p, or 1 − p, from 0 by a thousandth too much."""

    targets, domain = "binary", (0.0, 1.0)

    def __init__(self, least: tuple[float, float]) -> None:
        self.least = least

    def forward(self, prediction: Any, target: Any) -> float:
        self.p, self.t = prediction, target.astype(prediction.dtype)
        one, zero = (np.maximum(q, least) for q, least in zip((self.p, 1 - self.p), self.least, strict=True))
        return -float((self.t * np.log(one) + (1 - self.t) * np.log(zero)).sum() / len(self.p))

    def backward(self) -> Any:
        return ((1 - self.t) / (1 - self.p) - self.t / self.p) / self.p.dtype.type(len(self.p))


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize(("least", "verdict"), [((0, 0), "pass"), ((0, 0.5), "fail"), ((0.5, 0), "fail")])
def test_one_output_is_tried_nearly_certain_of_either_answer(turn: int, least: Any, verdict: str) -> None:
    """Whichever of them the targets take turns with."""
    target = ((np.arange(4) + turn) % 2)[:, None].astype(np.float32)
    case = LossCase("mine", Cut(least), np.full((4, 1), 0.5, np.float32), target, name="binary_cross_entropy")
    asked = conformance(case, ["definition"])
    assert [row.outcome for row in asked.results if row.law == "definition"] == [verdict]
    assert all("nearly certain" in found.message for found in asked.violations)


def test_what_is_not_known_leaves_its_rows_out() -> None:
    """Without any one clue, or the right gradient, some mistakes are not told of, and the others are."""
    x = np.random.default_rng(2).standard_normal((3, 3))
    known = {"dy": x + 1, "x": x, "y": np.tanh(x), "array": x, "previous": x + 2, "prediction": x, "target": x - 1,
             "jacobian": lambda: np.diag(np.arange(9.0)), "from_sample": lambda i: x}  # fmt: skip
    right = np.arange(9.0).reshape(3, 3) * known["dy"]

    def causes(right: Any, clues: dict[str, Any]) -> set[Cause]:
        return {cause for cause, _ in rows(right, Clues(**clues), 3)}

    whole = causes(right, known)
    for lost in known:
        assert causes(right, {name: clue for name, clue in known.items() if name != lost}) <= whole
    assert causes(None, known) < whole


@pytest.mark.parametrize("width", [16, 32, 64])
def test_every_width_has_its_hostile_numbers(width: int) -> None:
    """No number, both infinities, what overflows when squared and what is denormal of either sign, and −0."""
    floats = np.finfo(f"float{width}")
    values = np.array(HOSTILE[width], floats.dtype)
    with np.errstate(over="ignore"):
        squared = values * values
    assert np.isnan(values).any() and {np.inf, -np.inf} <= set(values)
    for sign in (1, -1):
        side = np.isfinite(values) & (sign * values > 0)
        assert np.isinf(squared[side]).any() and (np.abs(values[side]) < floats.tiny * 2).any()
    assert ((values == 0) & np.signbit(values)).any()


def test_the_docket_counts_every_call_of_a_loss() -> None:
    """Two there, and two back."""

    class Square:
        targets = "real"

        def forward(self, prediction: Any, target: Any) -> float:
            self.off = prediction - target
            return float((self.off**2).sum() / len(self.off))

        def backward(self) -> Any:
            return 2 * self.off / len(self.off)

    check_log, loss = CheckLog(), Square()
    arm_loss(loss, "mine", check_log)
    for _ in range(2):
        loss.forward(X, X + 1)
        loss.backward()
    assert check_log.checked()["finite"] == 4
