"""A subject in another process gives what one in this process gives: outcome, laws, arrays, indices, causes, fixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback

from nnlaw.nn.verify.supervisor import check_target
from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec import Report, conformance
from nnlaw.spec.law_docs import load
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.subject import Subject

pytestmark = [pytest.mark.slow, pytest.mark.sampled]

FIXTURES = Path(__file__).parents[3] / "fixtures"
FILES = sorted([*FIXTURES.glob("faults/*.py"), *FIXTURES.glob("correct/*.py")])[::6]  # of all kinds
CASES = sorted([*FIXTURES.glob("laws/*/*.py"), *FIXTURES.glob("units/*/*.py")])[::6]
FixtureReport = Callable[..., Report]


UNSEEDED = ("layer_generator_without_a_seed", "layer_dropout_own_generator")
"""Whose random numbers differ in each run, so that another index may be the largest error."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search ends early on a busy machine."""
    for module in ("dropped_terms", "minimize", "search"):
        monkeypatch.setattr(f"nnlaw.spec.fixes.{module}.MAX_SECONDS", 1e9)


def name(path: Path) -> str:
    """The name of a test."""
    return str(path.relative_to(FIXTURES).with_suffix(""))


def compared(report: Report, index: bool = True) -> Any:
    """What must be the same."""
    rows = [(row.law, row.outcome) for row in report.results]
    found = [(v.law, v.array, v.index if index else None, v.cause_code, str(v.suggestion)) for v in report.violations]
    return str(report.outcome), rows, found


def remote(case: Case) -> Case:
    """A case with the same inputs, whose subject is behind a connection."""
    changed: dict[str, Any] = {}
    for row in fields(case):
        value = getattr(case, row.name)
        if isinstance(value, Subject):
            changed[row.name] = Loopback().subject(value)
        elif row.name.startswith("make") and callable(value):
            changed[row.name] = lambda *args, make=value: Loopback().subject(make(*args))
    return replace(case, **changed) if changed else case


LAYERS = [path for path in FILES if path.stem.startswith("layer_")]
ROWS = [(path, False) for path in FILES] + [(path, True) for path in LAYERS[::4]]


@pytest.mark.parametrize(("path", "explain"), ROWS, ids=[f"{explain}-{name(path)}" for path, explain in ROWS])
def test_files_give_the_same(path: Path, explain: bool, fixture_report: FixtureReport) -> None:
    """The classes and functions of faults/ and correct/."""
    (unit,) = units_in_file(path)
    found = conformance(replace(unit, thing=Loopback().subject(unit.thing)), explain=explain)
    index = path.stem not in UNSEEDED
    assert compared(found, index) == compared(fixture_report(path, explain=explain), index)


@pytest.mark.parametrize("path", CASES, ids=map(name, CASES))
def test_cases_give_the_same(path: Path) -> None:
    """The cases of laws/ and units/."""
    module = load(path)
    case, twin = (module.case(0), module.case(0)) if "units" in path.parts else (module.case(), module.case())
    index = path.stem not in UNSEEDED
    assert compared(conformance(remote(twin)), index) == compared(conformance(case), index)


@pytest.mark.parametrize("path", FILES[::9], ids=map(name, FILES[::9]))
def test_a_process_gives_the_same(path: Path, fixture_report: FixtureReport) -> None:
    """Some of the files in a process of their own."""
    (report,) = check_target({"file": str(path)}).reports
    expected = fixture_report(path, explain=True).to_dict()
    for row in (report, expected):
        row.pop("name")
    assert report["outcome"] == expected["outcome"] and report["laws"] == expected["laws"]
