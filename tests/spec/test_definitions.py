"""The textbook's values: known numbers, names, and what is said of them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import BadInput, MetricCase, NotApplicable, OptimizerCase, ScheduleCase, conformance
from nnlaw.spec.reference import METRICS, OPTIMIZERS, Rule, find_reference, trajectory
from nnlaw.spec.reference.names import numeric_constants

ONES = np.ones((10, 1))


def way(name: str, rule: Rule | None = None, **settings: float) -> float:
    """Where ten steps of 0.1 along a constant gradient of 1 lead from 0."""
    row = OPTIMIZERS[name]
    h = SimpleNamespace(**({"decay": 0.0} | dict(row.defaults) | settings))
    return float(trajectory(rule or row.variants[0], h, np.zeros(1), ONES, 0.1)[-1, 0])


@pytest.mark.parametrize("name", ["sgd", "adam", "amsgrad", "adamax", "lion", "signsgd"])
def test_a_constant_gradient_moves_the_rate_a_step(name: str) -> None:
    """Ten steps of 0.1 are −1."""
    assert np.isclose(way(name), -1, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("momentum", -sum(0.1 * (1 - 0.9**t) / 0.1 for t in range(1, 11))),
        ("rmsprop", -sum(0.1 / np.sqrt(1 - 0.9**t) for t in range(1, 11))),
        ("adagrad", -sum(0.1 / np.sqrt(t) for t in range(1, 11))),
    ],
)
def test_the_way_is_the_one_computed_by_hand(name: str, expected: float) -> None:
    """By closed formulas on a constant gradient."""
    assert np.isclose(way(name), expected, rtol=1e-6)


@pytest.mark.parametrize(("code", "expected"), [("constant-step-count", -1.75), ("missing-bias-correction", -5.53)])
def test_usual_mistakes_of_adam_have_their_numbers(code: str, expected: float) -> None:
    """−1.75 with t stuck at 1, −5.53 without correction."""
    (rule,) = [rule for mistake, rule in OPTIMIZERS["adam"].mistakes.items() if mistake.code == code]
    assert np.isclose(way("adam", rule), expected, atol=0.005)


class Stuck:
    """Adam whose t is 1."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.beta1, self.beta2, self.state = beta1, beta2, dict[str, Any]()

    def step(self: Any, w: Any, g: Any, lr: float) -> None:
        self.state["m"] = self.beta1 * self.state.get("m", 0) + (1 - self.beta1) * g
        self.state["v"] = self.beta2 * self.state.get("v", 0) + (1 - self.beta2) * g * g
        w -= lr * self.state["m"] / (1 - self.beta1) / (np.sqrt(self.state["v"] / (1 - self.beta2)) + 1e-8)


def test_the_diagnostic_gives_both_numbers_and_the_source() -> None:
    """Found, expected, where that is written, and the mistake."""
    (found,) = conformance(OptimizerCase("mine", Stuck, name="Adam")).violations
    assert (found.law, found.actual) == ("definition", "-1.135")
    assert found.expected == "-0.7, as adam is defined (Kingma & Ba 2015)"
    assert found.cause.startswith("t is stuck at 1") and found.location.line


def test_a_claim_holds_like_a_name() -> None:
    """like="adam" under another name; without either the law does not apply."""
    claiming = type("Claiming", (Stuck,), {"like": "adam"})
    assert [found.law for found in conformance(OptimizerCase("mine", claiming, name="mine")).violations] == [
        "definition"
    ]
    verdicts = {row.law: row.outcome for row in conformance(OptimizerCase("mine", Stuck, name="mine")).results}
    assert verdicts["definition"] == "n.a."


def test_the_settings_of_the_instance_count() -> None:
    """The same mistake is found at other hyperparameters, which are read from the instance."""
    (found,) = conformance(OptimizerCase("mine", lambda: Stuck(0.5, 0.9), name="adam")).violations
    assert found.cause.startswith("t is stuck at 1")


def test_names_are_read_as_people_write_them() -> None:
    """Case, hyphens and synonyms make no difference."""
    assert find_reference(None, "NAG", OPTIMIZERS)[0] == "nesterov"
    assert find_reference(SimpleNamespace(like="Sign-SGD"), "mine", OPTIMIZERS)[0] == "signsgd"
    with pytest.raises(NotApplicable, match="not a standard name"):
        find_reference(None, "mine", OPTIMIZERS)
    with pytest.raises(BadInput, match=r"like = 'adamm' is not a standard name; known: adadelta"):
        find_reference(SimpleNamespace(like="adamm"), "mine", OPTIMIZERS)


def test_metrics_have_known_values() -> None:
    """Four samples of three classes, counted by hand."""
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    y = np.array([0, 1, 1, 2])
    expected = {
        "accuracy": 3 / 4,
        "error": 1 / 4,
        "cross_entropy": -np.log([0.7, 0.8, 0.3, 0.6]).mean(),
        "brier": (0.14 + 0.06 + 0.78 + 0.24) / 4,
        "precision": (1 / 2 + 1 + 1) / 3,
        "recall": (1 + 1 / 2 + 1) / 3,
        "balanced_accuracy": (1 + 1 / 2 + 1) / 3,
        "f1": (2 / 3 + 2 / 3 + 1) / 3,
    }
    assert {name: pytest.approx(row.variants[0](p, y)) for name, row in METRICS.items()} == expected


def test_what_cannot_be_told_is_not_accused() -> None:
    """A metric with settings of its own, and a schedule with settings under unusual names, are inconclusive."""
    share = MetricCase("mine", lambda p, y, *, top=2: float((p.argsort(axis=1)[:, -top:] == y[:, None]).any(1).mean()))
    for case, name in (
        (share, "accuracy"),
        (ScheduleCase("mine", lambda t, *, sharpness=2.0: 1 - t**sharpness), "linear"),
    ):
        case.name = name
        report = conformance(case)
        assert [row.law for row in report.results if row.outcome == "inconclusive"] == ["definition"]


def test_only_numbers_of_the_author_are_settings() -> None:
    """What Python itself notes in a class, as the line where it begins, is no slope and no rate."""

    class Kept:
        slope = 0.5

        def __init__(self) -> None:
            self.rate = 2

    assert numeric_constants(Kept()) == [0.5, 2.0]
