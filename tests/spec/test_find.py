"""Tests of spec.discovery.find: units in files that never used a decorator, and their reports."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import Report, UnitOutcome

CORPUS = Path(__file__).parents[2] / "fixtures" / "untouched"
FAMILIES = ("layer class", "container", "activation", "pair with a cache", "a layer that divides")
WORST_FIRST = (UnitOutcome.FAILED, UnitOutcome.NOT_CHECKED, UnitOutcome.PARTLY_CHECKED, UnitOutcome.PASSED)


def header(path: Path, key: str) -> str:
    """A line of the header of a file of the corpus."""
    found = re.search(rf"^# {key}: (.*)$", path.read_text(), re.M)
    return found[1].strip() if found else ""


FILES = [
    path for folder in ("right", "wrong") for path in sorted((CORPUS / folder).glob("*.py"))
    if header(path, "style").startswith(FAMILIES)
]  # fmt: skip


def reports(path: Path) -> list[Report]:
    """The reports on the units of a file."""
    with contextlib.redirect_stdout(io.StringIO()):
        loaded = load(path)
        return [conformance(unit) for unit in find(loaded.module, loaded.names) if unit.is_unit]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_file_has_the_outcome_of_its_header(path: Path) -> None:
    """Correct files pass, wrong ones fail by the law and in the unit that the header names."""
    found = reports(path)
    outcomes = [report.outcome for report in found]
    assert min(outcomes, key=WORST_FIRST.index) == header(path, "expect"), [str(r.violations) for r in found]
    if header(path, "expect") == "failed":
        failed = [report for report in found if report.outcome is UnitOutcome.FAILED]
        law, names = header(path, "law"), re.split(r",\s*", header(path, "unit"))
        assert [report.results for report in failed if law in {v.law for v in report.violations}]
        assert all(any(name.startswith(report.name) for name in names) for report in failed), names


def test_a_report_shows_what_was_compared() -> None:
    """The call, and every array with its shape."""
    (report,) = reports(CORPUS / "right" / "columns_batch_layer.py")
    assert "samples are columns" in report.calls and report.compared[0] == "x (5, 4)" and len(report.compared) == 3


def test_a_layer_whose_forward_takes_no_input_is_not_checked(tmp_path: Path) -> None:
    """It is named with the reason, not listed as nothing to check."""
    file = tmp_path / "bend.py"
    file.write_text("class Bend:\n    def forward(self):\n        return x ** 2\n"
                    "    def backward(self, dy):\n        return 2 * dy\n")  # fmt: skip
    (report,) = reports(file)
    assert (report.kind, report.outcome) == ("layer", UnitOutcome.NOT_CHECKED)
