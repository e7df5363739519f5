"""fixtures/untouched: code that is not registered is checked as its header expects."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from nnlaw.spec.conformance import conformance, passes
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import Report, UnitOutcome
from nnlaw.spec.violation import BadInput

CORPUS = Path(__file__).parents[3] / "fixtures" / "untouched"
KNOWN = {
    "right/nothing_hidden_markov": "by its name, backward may be a gradient, so it is not checked instead of nothing",
    "wrong/pair_conv_channels_last": "backward raises for most sizes, which is law shape instead of gradient",
}
"""Files whose outcome differs from their header, each with the reason; if it agrees, the test fails."""

CHECKED_SINCE = {"right/nothing_preprocessing": "passed"}
"""The outcome of files whose units were not recognized when the files were frozen."""

SLOW = ("recurrent_lstm_network",)
"""Files that take seconds, although they are the smallest of their style."""
UNTRACED = frozenset(Path(__file__).with_name("untraced.txt").read_text(encoding="utf-8").split())
"""Files that reach no code that others do not: they are checked without measuring coverage, which doubles the time."""


def header(path: Path) -> dict[str, str]:
    """The fields of a file's header, also that of a notebook, whose lines are JSON strings."""
    return dict(re.findall(r"^[ \"]*# (style|expect|unit|law): (.*?)(?:\\n\",?)?$", path.read_text("utf-8"), re.M))


def style(path: Path) -> str:
    """The first word of the style: layer, functions, optimizer, ..."""
    return re.split(r"\W", header(path)["style"])[0]


def with_marks() -> list[Any]:
    """Every file with a header; the smallest of each style on each side is quick, the others and SLOW are slow."""
    seen: set[tuple[str, str]] = set()
    found = []
    for side in ("right", "wrong"):
        files = [path for path in (CORPUS / side).rglob("*") if path.suffix in (".py", ".ipynb")]
        for path in sorted((path for path in files if "expect" in header(path)), key=lambda path: path.stat().st_size):
            marks = [pytest.mark.slow] if (side, style(path)) in seen or path.stem in SLOW else []
            seen.add((side, style(path)))
            name = str(path.relative_to(CORPUS).with_suffix(""))
            marks += [pytest.mark.no_cover] if name in UNTRACED else []
            marks += [pytest.mark.xfail(reason=KNOWN[name], strict=True)] if name in KNOWN else []
            found.append(pytest.param(path, marks=marks, id=name))
    return found


def reports_of(path: Path) -> list[Report]:
    """One report per unit of a file, or of the package that it begins, which are loaded with all their names."""
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    reports = []
    with contextlib.redirect_stdout(io.StringIO()):
        for file in files:
            loaded = load(file)
            assert not loaded.unavailable
            reports += [conformance(unit) for unit in find(loaded.module, loaded.names, passes) if unit.is_unit]
    return reports


@pytest.mark.parametrize("path", with_marks())
def test_each_file_has_the_outcome_of_its_header(path: Path) -> None:
    """A wrong file fails by the law of its header; units that fail are named there, or are networks that use these."""
    expected = header(path)
    expected["expect"] = CHECKED_SINCE.get(str(path.relative_to(CORPUS).with_suffix("")), expected["expect"])
    if expected["expect"] == "error":
        with pytest.raises(BadInput, match=path.name):
            load(path)
        return
    reports = reports_of(path)
    outcomes = {report.name: str(report.outcome) for report in reports}
    if expected["expect"] == "nothing":
        assert not outcomes
    elif expected["expect"] == "failed":
        failed = [report for report in reports if report.outcome is UnitOutcome.FAILED]
        assert expected["law"] in {violation.law for report in failed for violation in report.violations}, outcomes
        names = [name.strip() for name in expected["unit"].split(",")]
        unnamed = [each for each in failed if not any(name.startswith(each.name) for name in names)]
        assert len(unnamed) < len(failed) and {report.kind for report in unnamed} <= {"model"}, outcomes
    else:
        assert set(outcomes.values()) == {expected["expect"]}, outcomes


def test_a_second_batch_that_is_refused_is_noted() -> None:
    """A layer that must be cleared after each batch passes, and its report has a note that one batch was compared."""
    (report,) = reports_of(CORPUS / "right" / "layer_cleared_after_each_batch.py")
    assert report.outcome == "passed" and any("second batch" in note for note in report.notes)
