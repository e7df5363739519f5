"""nn/grade/score.py: points."""

from typing import Any

import pytest

from nnlaw.nn.grade.check import CheckedSubmission
from nnlaw.nn.grade.rubric import Requirement, Rubric
from nnlaw.nn.grade.score import graded, points_of
from nnlaw.nn.grade.statistics import failures, summary
from nnlaw.nn.grade.submissions import Submission
from nnlaw.nn.grade.training import TrainingResult


def report(
    name: str = "Dense", kind: str = "layer", outcome: str = "", reason: str = "", **laws: str
) -> dict[str, Any]:
    """A report with these outcomes of laws; `_` is written for `-`."""
    rows = [{"law": law.replace("_", "-"), "outcome": each, "reason": ""} for law, each in laws.items()]
    found = "failed" if "fail" in laws.values() else "passed"
    return {
        "name": name, "kind": kind, "outcome": outcome or ("error" if reason else found), "reason": reason,
        "laws": rows, "compared": ["x", "W"], "missing": {}, "violations": [], "calls": "",
    }  # fmt: skip


DENSE = Requirement("dense", 10, ("layer",), ("*dense*",), {"gradient": 6})


def grade_of(reports: list[dict[str, Any]], *requirements: Requirement, **trained: TrainingResult) -> Any:
    """The grade of a submission with these reports."""
    checked = CheckedSubmission(Submission("ann"), [("hw.py", row) for row in reports], trained=trained)
    return graded(checked, Rubric(requirements or (DENSE,)))


@pytest.mark.parametrize(
    ("laws", "points"),
    [
        ({"gradient": "pass", "definition": "pass", "stale_gradient": "pass"}, 10),
        ({"gradient": "fail", "definition": "pass", "stale_gradient": "pass"}, 4),
        ({"gradient": "fail", "input_untouched": "pass", "definition": "skipped", "stale_gradient": "skipped"}, 4),
        ({"gradient": "pass", "definition": "fail", "stale_gradient": "pass"}, 8),
        ({"gradient": "pass", "definition": "fail", "stale_gradient": "skipped"}, 8),
        ({"gradient": "inconclusive", "definition": "pass"}, 4),
        ({"gradient": "pass", "train_eval": "n.a."}, 10),
        ({"shape": "fail"}, 0),
        ({}, 0),
    ],
)
def test_points_of_a_unit(laws: dict[str, str], points: float) -> None:
    """A law that fails costs its points, the rest is shared by the other laws, and what is skipped costs nothing."""
    assert points_of(DENSE, report(**laws)) == pytest.approx(points)


def test_what_could_not_be_compared_gives_no_points() -> None:
    """The share of the compared arrays counts, and a person should look at it."""
    partly = report(outcome="partly checked", gradient="pass") | {"missing": {"b": "no gradient was found"}}
    (row,) = grade_of([partly]).rows
    assert row.points == pytest.approx(6.67) and row.review and "b not checked: no gradient" in row.reason


def test_too_few_arrays_give_their_share() -> None:
    """A layer without weights is not all of a dense layer; registered units have no list of arrays."""
    three = Requirement("dense", 9, ("layer",), arrays=3)
    assert points_of(three, report(gradient="pass")) == pytest.approx(6)
    assert points_of(three, report(gradient="pass") | {"compared": []}) == 9
    (row,) = grade_of([report(gradient="pass")], three).rows
    assert row.reason == "compared x, W; 3 arrays are required"


def test_an_error_gives_no_points_and_its_reason() -> None:
    """So does a unit that hung before its kind was known, if its name is required."""
    hung = report("Dense", kind="file", reason="hw.py:3: timed out after 5 s")
    (row,) = grade_of([hung]).rows
    assert (row.points, row.reason) == (0, "hw.py:3: timed out after 5 s")


def test_a_missing_unit_names_what_is_there_instead() -> None:
    """If another name may mean it, a person should look at it."""
    other, nothing = grade_of([report("FullyConnected", gradient="pass")]), grade_of([])
    assert other.rows[0].reason == "no layer named *dense* found; found FullyConnected" and other.review
    assert nothing.rows[0].reason == "no layer named *dense* found" and not nothing.review and nothing.score == 0


def test_the_best_units_count_and_each_once() -> None:
    """Two requirements of one kind need two units, in any order of the file."""
    layers = Requirement("any layer", 10, ("layer",)), DENSE
    good, wrong = report("Dense", gradient="pass"), report("Dense2", gradient="fail", definition="pass")
    assert [row.report["name"] for row in grade_of([wrong, good]).rows] == ["Dense"]
    assert [row.points for row in grade_of([good], *layers).rows] in ([10, 0], [0, 10])
    both = grade_of([report("ReLU", gradient="pass"), good], *layers)
    assert both.score == 20 and [row.report["name"] for row in both.rows] == ["ReLU", "Dense"]


def test_points_for_training() -> None:
    """By accuracy; without one, the reason."""
    learns = Requirement("learns", 20, train="f()", predict="g()", accuracy=0.95)
    assert grade_of([], learns, learns=TrainingResult(0.97, seconds=3)).score == 20
    low = grade_of([], learns, learns=TrainingResult(0.5, seconds=3)).rows[0]
    assert (low.points, low.reason) == (0, "accuracy 50.00% in 3 s, required 95.00%")
    slow = grade_of([], learns, learns=TrainingResult(reason="timed out after 9 s")).rows[0]
    assert (slow.points, slow.reason) == (0, "timed out after 9 s")
    assert grade_of([], learns).rows[0].reason == "nothing to train"


def test_statistics_of_a_class() -> None:
    """The law that most students fail comes first; each student counts once."""
    wrong = report(gradient="fail", definition="fail")
    better = report(gradient="fail", definition="pass")
    grades = [grade_of([each]) for each in (wrong, better, report(gradient="pass"))]
    assert failures(grades) == [("gradient", 2), ("definition", 1)]
    found = summary(grades)
    assert found == {"students": 3, "mean": pytest.approx(14 / 3), "median": 4, "full": 1, "zero": 1, "review": 0}
    assert summary([])["mean"] == 0
