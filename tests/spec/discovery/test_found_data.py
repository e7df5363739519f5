"""spec/discovery/found_data.py: what was found, as data, and the cases that are made from it."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.verify.supervisor import check_target
from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.found_data import from_data, to_data
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import UnitOutcome
from nnlaw.spec.subjects.remote_subject import SubjectEnded

DENSE = """import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.{db}
        return dy @ self.W.T
"""


def module(tmp_path: Path, db: str) -> ModuleType:
    file = tmp_path / "mine.py"
    file.write_text(DENSE.replace("{db}", db), encoding="utf-8")
    return load(file).module


def test_a_fix_of_code_that_declares_nothing_is_an_edit_of_its_file(tmp_path: Path) -> None:
    """At the place in the author's class, not in the adapter around it."""
    (unit,) = find(module(tmp_path, "mean(axis=0)"))
    (violation,) = conformance(unit, explain=True).violations
    assert violation.suggestion is not None and str(violation.suggestion) == "dy.mean(axis=0) -> dy.sum(axis=0)"
    assert Path(violation.suggestion.edits[0].path).name == "mine.py" and violation.suggestion.edits[0].line == 14


def data(tmp_path: Path) -> list[Any]:
    (unit,) = find(module(tmp_path, "sum(axis=0)"))
    return to_data(unit)


def test_data_names_what_was_found(tmp_path: Path) -> None:
    """Kind, name, place, and how each reading calls it; its cases live where the code is."""
    kind, name, _, location, reason, _, rows = data(tmp_path)
    assert (kind, name, reason) == ("layer", "Dense", "") and Path(location[2]).name == "mine.py"
    assert "forward(x)" in rows[0][0] and any(text.startswith("W") for text in rows[0][1])


@pytest.mark.parametrize("position", range(7))
def test_data_of_another_shape_is_refused(tmp_path: Path, position: int) -> None:
    """Each field has one type."""
    changed = data(tmp_path)
    changed[position] = np.zeros(2)
    with pytest.raises(SubjectEnded):
        from_data(changed)


@pytest.mark.parametrize("changed", [None, [], "Dense", [1] * 7, ["lair", "Dense", "", [], "", [], []]])
def test_anything_else_is_refused(changed: Any) -> None:
    """No units are made of it."""
    with pytest.raises(SubjectEnded):
        from_data(changed)


def test_a_unit_without_readings_is_not_checked() -> None:
    """The reason is part of the report."""
    found = from_data(["layer", "Dense", "", ["", "", "mine.py", 3, 1], "no input was found", [], []])
    assert isinstance(found, Found) and conformance(found).outcome is UnitOutcome.NOT_CHECKED


@pytest.mark.slow
def test_a_call_that_fails_while_cases_are_made_is_a_violation(tmp_path: Path) -> None:
    """A product whose shapes never fit is a law that fails at its line, not an error."""
    file = tmp_path / "mine.py"
    file.write_text(DENSE.replace("{db}", "sum(axis=0)").replace("self.W.T", "self.W[:0]"), encoding="utf-8")
    (report,) = check_target({"file": str(file)}).reports
    (violation,) = report["violations"]
    assert (report["outcome"], violation["law"], violation["location"]["line"]) == (UnitOutcome.FAILED, "shape", 15)
    assert "raised ValueError" in violation["actual"]


@pytest.mark.slow
def test_a_missing_transpose_is_a_violation_with_its_fix(tmp_path: Path) -> None:
    """It is found by calling the code with the transpose, and reported at its line of the code as it is."""
    file = tmp_path / "mine.py"
    file.write_text(DENSE.replace("{db}", "sum(axis=0)").replace("self.W.T", "self.W"), encoding="utf-8")
    (report,) = check_target({"file": str(file)}).reports
    (violation,) = report["violations"]
    assert (report["outcome"], violation["law"], violation["location"]["line"]) == (UnitOutcome.FAILED, "gradient", 15)
    (edit,) = violation["suggestion"]["edits"]
    assert (edit["before"], edit["after"]) == ("self.W", "self.W.T")
