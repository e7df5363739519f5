"""Reports: results that raise as tests do, declared exceptions, and smallest inputs."""

import unittest
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import CATALOG, BadInput, Inconclusive, LayerCase, LossCase, Violation, conformance, law, obeys
from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.report import EVERYTHING, LawResult, Outcome, Report, merged

Array = NDArray[Any]


@obeys("N C -> N C")
class Wrong:
    """y = 2x with dx = dy."""

    def forward(self, x: Array) -> Array:
        return 2 * x

    def backward(self, dy: Array) -> Array:
        return dy


@obeys("N C -> N C")
class Correct(Wrong):
    """y = 2x."""

    def backward(self, dy: Array) -> Array:
        return 2 * dy


@pytest.mark.parametrize("result", conformance(Correct), ids=str)
def test_a_report_can_parametrize_a_test(result: LawResult) -> None:
    """A law that passes returns, one that is not applicable is a skip."""
    try:
        result.check()
    except unittest.SkipTest as skipped:
        assert result.outcome == "n.a." and str(skipped).startswith("n.a.: ")


def test_a_result_raises_its_violation() -> None:
    """Or Inconclusive."""
    with pytest.raises(Violation):
        next(row for row in conformance(Wrong) if row.law == "gradient").check()
    with pytest.raises(Inconclusive, match="kinks"):
        LawResult("gradient", "inconclusive", "kinks").check()


def test_a_report_without_results_is_not_checked() -> None:
    """With a reason it is an error."""
    assert Report("a", "layer").outcome == "not checked"
    assert Report("a", "layer", reason="it hangs").outcome == "error"


def test_merged_reports_have_the_worst_result_per_law() -> None:
    """In any order."""
    good, bad = (Report("a", "layer", [LawResult("x", word), LawResult("y", "pass")]) for word in ("pass", "fail"))
    assert [(row.law, row.outcome) for row in merged([good, bad, good])] == [("x", "fail"), ("y", "pass")]


def test_a_law_has_three_attempts_before_it_is_inconclusive() -> None:
    """With new inputs each time, and no more often than needed."""
    seen: list[Array] = []
    needed = 0

    def undecided(case: LayerCase) -> None:
        seen.append(case.x)
        if len(seen) < needed:
            raise Inconclusive("not yet")

    fixed = LayerCase("a", Correct(), np.ones((5, 4), np.float32))
    try:
        law("slow", kind="layer", family="shape", statement="It is slow.")(undecided)
        for subject, needed, outcome, attempts, inputs in (  # noqa: B007  # the law reads `needed`
            (Correct, 1, "passed", 1, 1),
            (Correct, 3, "passed", 3, 3),
            (Correct, 4, "not checked", 3, 3),
            (fixed, 2, "passed", 2, 1),
        ):
            seen.clear()
            assert conformance(subject, ["slow"]).outcome == outcome and len(seen) == attempts
            assert len({x.tobytes() for x in seen}) == inputs
    finally:
        CATALOG.pop(("layer", "slow"))


def test_a_declared_exception_is_checked_too() -> None:
    """It excuses a law that fails; for a law that passes it is out of date."""
    report = conformance(Wrong, expected={"gradient": "a straight-through estimator"})
    row = next(row for row in report if row.law == "gradient")
    assert report.outcome == "passed" and not report.violations
    assert row.outcome == "fail" and "dx of Wrong.backward" in row.reason
    assert row.exception == DeclaredException("gradient", "a straight-through estimator")
    with pytest.raises(unittest.SkipTest, match="declared exception: a straight-through estimator"):
        row.check()
    (stale,) = conformance(Correct, expected={"gradient": "a straight-through estimator"}).violations
    assert stale.law == "gradient" and "out of date (a straight-through estimator)" in stale.message


def test_a_declared_exception_switches_no_other_law_off() -> None:
    """Laws that depend on the excepted one are checked, and may fail."""
    failing, excepted = conformance(Wrong), conformance(Wrong, expected={"gradient": "a straight-through estimator"})
    skipped = [row.law for row in failing if row.outcome == "skipped"]
    assert len(skipped) > 5 and not [row.law for row in excepted if row.outcome == "skipped"]
    assert [row.outcome for row in excepted if row.law in skipped].count("pass") > 5

    class Nondeterministic(Wrong):
        def backward(self, dy: Array) -> Array:
            self.calls = getattr(self, "calls", 0) + 1
            return dy * self.calls

    report = conformance(Nondeterministic, expected={"gradient": "a straight-through estimator"})
    assert report.outcome == "failed" and "repeatable-backward" in {row.law for row in report.violations}


def test_a_declared_exception_of_a_call_law_does_not_end_the_calls() -> None:
    """Other laws of calls are checked, and may fail."""

    @obeys("N C -> N C")
    class Wide(Correct):
        """Returns float64."""

        def forward(self, x: Array) -> Array:
            return 2 * x.astype(np.float64)

    @obeys("N C -> N C")
    class OutOfRange(Wide):
        range = (-1e-6, 1e-6)

    expected = {"dtype": "float64 is meant here"}
    report = conformance(Wide, expected=expected)
    assert report.outcome == "passed" and [row.law for row in report.exceptions] == ["dtype"]
    assert [row.law for row in conformance(OutOfRange, expected=expected).violations] == ["range"]


def test_an_exception_covers_what_is_inconclusive() -> None:
    """The unit stays partly checked, with the reason, and is excused."""

    @obeys("N C -> N C")
    class Hinge(Correct):
        def forward(self, x: Array) -> Array:
            self.x = x
            return np.maximum(x, 0)

        def backward(self, dy: Array) -> Array:
            return dy * (self.x > 0)

    case = LayerCase("a", Hinge(), np.zeros((5, 4), np.float32))
    strict, excepted = conformance(case), conformance(case, expected={"gradient": "only kinks"})
    assert strict.outcome == excepted.outcome == "partly checked"
    assert not strict.is_excused and excepted.is_excused


def test_what_is_missing_makes_a_report_partly_checked() -> None:
    """Without a law that passes, it is not checked; only an exception of `unchecked` excuses it."""
    passes = [LawResult("gradient", Outcome.PASS)]
    report = Report("a", "layer", passes, missing={"b": "its gradient is not returned"})
    assert report.outcome == "partly checked" and not report.is_excused
    report.exception = DeclaredException("unchecked", "b is constant")
    assert report.outcome == "partly checked" and report.is_excused
    assert Report("a", "layer", missing={EVERYTHING: "its arguments are unknown"}).outcome == "not checked"
    assert Report("a", "layer", passes, calls="f(x)").outcome == "not checked"
    assert Report("a", "layer", passes, calls="f(x)", compared=["x (5, 4)"]).outcome == "passed"


def test_an_exception_for_a_law_that_is_not_applicable() -> None:
    """It changes nothing."""
    row = next(row for row in conformance(Correct, expected={"range": "no range"}) if row.law == "range")
    assert row.outcome == "n.a."


@pytest.mark.parametrize("expected", [{"gradeint": "why"}, {"gradient": " "}, {"gradient": None}])
def test_an_exception_needs_a_law_and_a_reason(expected: Any) -> None:
    """Otherwise it is refused."""
    with pytest.raises(BadInput, match="the value a reason"):
        conformance(Correct, expected=expected)


@obeys("N C -> N C")
class Coupled(Correct):
    """Subtracts the mean of the batch, which it does not declare."""

    def forward(self, x: Array) -> Array:
        return x - x.mean(axis=0)

    backward = forward


@obeys("N C -> N C")
class DeclaresCoupling(Coupled):
    """The same with its declaration, and a wrong gradient."""

    couples_samples = True

    def backward(self, dy: Array) -> Array:
        return dy


def smallest(subject: Any) -> dict[str, Any]:
    """The input of the only violation."""
    (found,) = conformance(subject, explain=True).violations
    assert found.input is not None and found.to_dict()["input"] == found.input
    return found.input


def test_the_smallest_input_has_as_few_rows_as_possible() -> None:
    """One for a wrong gradient, two if rows are mixed, four if samples are coupled; short numbers."""
    assert smallest(Wrong)["x"] == [[0, 0, 0, 0]]
    assert len(smallest(Coupled)["x"]) == 2
    assert len(smallest(DeclaresCoupling)["x"]) == 4


def test_the_smallest_input_is_inside_the_domain() -> None:
    """As declared."""
    x = np.array(smallest(type("Far", (Wrong,), {"domain": (2.0, 3.0)}))["x"])
    assert ((x >= 2) & (x <= 3)).all()


def test_a_large_input_is_not_shown() -> None:
    """It is too long to read."""
    (found,) = conformance(LayerCase("a", Wrong(), np.ones((3, 99), np.float32)), explain=True).violations
    assert found.input is None


def test_a_loss_is_shown_with_its_target() -> None:
    """Prediction and target have the same number of rows."""

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
