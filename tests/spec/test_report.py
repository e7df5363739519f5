"""Verdicts that raise as tests do, draws before a law is inconclusive, declared exceptions, and smallest inputs."""

import unittest
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import CATALOG, BadInput, Inconclusive, LayerCase, LossCase, Violation, conformance, law, obeys
from nnlaw.spec.report import LawResult, Report, merged

Array = NDArray[Any]


@obeys("N C -> N C")
class Wrong:
    """y = 2x with dx = dy."""

    def forward(self, x: Array) -> Array:
        return 2 * x

    def backward(self, dy: Array) -> Array:
        return dy


@obeys("N C -> N C")
class Right(Wrong):
    """y = 2x."""

    def backward(self, dy: Array) -> Array:
        return 2 * dy


@pytest.mark.parametrize("verdict", conformance(Right), ids=str)
def test_a_report_parametrizes(verdict: LawResult) -> None:
    """What holds is silent, what does not apply is a skip."""
    try:
        verdict.check()
    except unittest.SkipTest as skipped:
        assert verdict.outcome == "n.a." and str(skipped).startswith("n.a.: ")


def test_a_verdict_raises_what_was_found() -> None:
    """A violation, or that nothing could be concluded."""
    with pytest.raises(Violation):
        next(row for row in conformance(Wrong) if row.law == "gradient").check()
    with pytest.raises(Inconclusive, match="kinks"):
        LawResult("gradient", "inconclusive", "kinks").check()


def test_nothing_judged_is_nothing_concluded() -> None:
    """A report without a law that held is inconclusive; one with a reason is an error."""
    assert Report("a", "layer").outcome == "inconclusive"
    assert Report("a", "layer", reason="it hangs").outcome == "error"


def test_of_several_reports_the_worst_verdict_counts() -> None:
    """Law by law."""
    good, bad = (Report("a", "layer", [LawResult("x", word), LawResult("y", "pass")]) for word in ("pass", "fail"))
    assert [(row.law, row.outcome) for row in merged([good, bad, good])] == [("x", "fail"), ("y", "pass")]


def test_a_law_is_drawn_three_times_before_it_is_inconclusive() -> None:
    """On fresh inputs each time, and no more often than needed."""
    seen: list[Array] = []
    needed = 0

    def undecided(case: LayerCase) -> None:
        seen.append(case.x)
        if len(seen) < needed:
            raise Inconclusive("not yet")

    fixed = LayerCase("a", Right(), np.ones((5, 4), np.float32))
    try:
        law("patience", kind="layer", family="shape", statement="It takes time.")(undecided)
        for subject, needed, verdict, draws, inputs in (  # noqa: B007  # the law reads `needed`
            (Right, 1, "passed", 1, 1),
            (Right, 3, "passed", 3, 3),
            (Right, 4, "inconclusive", 3, 3),
            (fixed, 2, "passed", 2, 1),
        ):
            seen.clear()
            assert conformance(subject, ["patience"]).outcome == verdict and len(seen) == draws
            assert len({x.tobytes() for x in seen}) == inputs
    finally:
        CATALOG.pop(("layer", "patience"))


def test_a_declared_exception_is_judged_all_the_same() -> None:
    """It excuses what it names, and nothing that is not broken."""
    report = conformance(Wrong, expected={"gradient": "a straight-through estimator"})
    row = next(row for row in report if row.law == "gradient")
    assert report.outcome == "passed" and not report.violations
    assert row.outcome == "n.a." and "dx of Wrong.backward" in row.reason
    assert row.reason.startswith("declared exception: a straight-through estimator; found: ")
    (stale,) = conformance(Right, expected={"gradient": "a straight-through estimator"}).violations
    assert stale.law == "gradient" and "out of date (a straight-through estimator)" in stale.message


def test_an_exception_that_does_not_apply_changes_nothing() -> None:
    """Nor does it break."""
    row = next(row for row in conformance(Right, expected={"range": "no claim"}) if row.law == "range")
    assert row.outcome == "n.a."


@pytest.mark.parametrize("expected", [{"gradeint": "why"}, {"gradient": " "}, {"gradient": None}])
def test_an_exception_needs_a_law_and_a_reason(expected: Any) -> None:
    """Else it is refused."""
    with pytest.raises(BadInput, match="the value a reason"):
        conformance(Right, expected=expected)


@obeys("N C -> N C")
class Coupled(Right):
    """Less the mean of the batch, without saying so."""

    def forward(self, x: Array) -> Array:
        return x - x.mean(axis=0)

    backward = forward


@obeys("N C -> N C")
class Centered(Coupled):
    """The same as it claims, with its gradient forgotten."""

    couples_samples = True

    def backward(self, dy: Array) -> Array:
        return dy


def smallest(subject: Any) -> dict[str, Any]:
    """The input of the one violation."""
    (found,) = conformance(subject, explain=True).violations
    assert found.input is not None and found.to_dict()["input"] == found.input
    return found.input


def test_the_smallest_input_has_as_few_rows_as_will_do() -> None:
    """One for a wrong gradient, two where rows are mixed, four where samples may be coupled; plain numbers."""
    assert smallest(Wrong)["x"] == [[0, 0, 0, 0]]
    assert len(smallest(Coupled)["x"]) == 2
    assert len(smallest(Centered)["x"]) == 4


def test_the_smallest_input_stays_within_the_domain() -> None:
    """As claimed."""
    x = np.array(smallest(type("Far", (Wrong,), {"domain": (2.0, 3.0)}))["x"])
    assert ((x >= 2) & (x <= 3)).all()


def test_a_large_input_is_not_shown() -> None:
    """It tells a reader nothing."""
    (found,) = conformance(LayerCase("a", Wrong(), np.ones((3, 99), np.float32)), explain=True).violations
    assert found.input is None


def test_a_loss_is_shown_with_its_target() -> None:
    """Prediction and target together."""

    class Sum:
        targets = "real"

        def forward(self, prediction: Array, target: Array) -> float:
            self.off = prediction - target
            return 0.5 * float((self.off**2).sum())

        def backward(self) -> Array:
            return self.off

    rng = np.random.default_rng(0)
    case = LossCase("a", Sum(), rng.normal(size=(5, 3)).astype("f4"), rng.normal(size=(5, 3)).astype("f4"))
    (found,) = conformance(case, ["loss-mean"], explain=True).violations
    assert found.input is not None and 1 <= len(found.input["prediction"]) == len(found.input["target"]) <= 2
