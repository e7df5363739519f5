"""fixtures/hidden: mistakes that show only away from the author's own values, and right code in the same forms."""

import contextlib
import hashlib
import io
import re
from pathlib import Path

import pytest

from nnlaw.nn.verify.check_unit import check_unit
from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import Report, UnitOutcome

pytestmark = pytest.mark.sampled

FOLDER = Path(__file__).parents[2] / "fixtures" / "hidden"
FILES = sorted(FOLDER.glob("*/*.py"))
RIGHT, WRONG = ([path for path in FILES if path.parent.name == side] for side in ("right", "wrong"))
some_seeds = pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=[pytest.mark.slow, pytest.mark.no_cover]) for seed in (1, 2))]
)


def reports_of(path: Path, seed: int) -> list[Report]:
    """One report per unit of a file."""
    if "from nnlaw import" in path.read_text(encoding="utf-8"):
        return [check_unit(unit, [], seed, explain=False) for unit in units_in_file(path)]
    with contextlib.redirect_stdout(io.StringIO()):
        loaded = load(path)
        return [check_unit(unit, [], seed, explain=False) for unit in find(loaded.module, loaded.names) if unit.is_unit]


@some_seeds
@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_hidden_mistake_fails_the_law_in_its_header(path: Path, seed: int) -> None:
    """Only this law."""
    header = dict(re.findall(r"^# (law|unit): (.*)$", path.read_text(encoding="utf-8"), re.M))
    failed = [row for report in reports_of(path, seed) for row in report.violations]
    assert {row.law for row in failed} == {header["law"]}, [row.message for row in failed]


@some_seeds
@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_right_code_of_the_same_form_passes(path: Path, seed: int) -> None:
    """Each unit of the file, with no law that fails or is inconclusive."""
    reports = reports_of(path, seed)
    assert reports and {report.outcome for report in reports} == {UnitOutcome.PASSED}, [
        (report.name, report.outcome, report.missing, [row.message for row in report.violations]) for report in reports
    ]


def test_the_files_are_frozen() -> None:
    """Every file has its digest in SHA256SUMS, and no file is missing or added."""
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    digests = {str(path.relative_to(FOLDER)): hashlib.sha256(path.read_bytes()).hexdigest() for path in FILES}
    assert dict(reversed(line.split("  ")) for line in lines) == digests
