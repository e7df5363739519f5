"""The checks of a file, a class or an instance as pytest tests: one per unit and law.

    pytest --nn-plugin layers.py                     layers.py::layer-Dense::gradient, as Suite collects it
    @parametrize_with_laws(Dense)                    the laws of a class, in a test file of your own
    def test_dense(law): law.check()

A skipped law is a skipped test with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.report import LawResult, Outcome, UnitOutcome
from nnlaw.spec.violation import Violation

CheckFile = Callable[[Path], tuple[list[dict[str, Any]], str]]
FAILING = (Outcome.FAIL, Outcome.INCONCLUSIVE, UnitOutcome.ERROR, UnitOutcome.NOT_CHECKED)
NO_LAW = "outcome"  # the name of the test of a unit that no law could check
WORKER_INPUT = "nnlaw"  # the key of the results that pytest-xdist sends to its workers


def parametrize_with_laws(*subjects: Any, laws: Iterable[str] | None = None, seed: int = 0) -> pytest.MarkDecorator:
    """A decorator that runs a test once per law, with its result as the argument `law`.

        @parametrize_with_laws(Dense, ReLU)
        def test_layers(law):
            law.check()

    `subjects` are what `conformance` takes, such as classes or instances. They are checked when pytest collects the
    test, not when its module is imported.
    """
    return pytest.mark.parametrize("law", _Laws(subjects, laws, seed), ids=str)


@dataclass(frozen=True)
class _Row(LawResult):
    """The result of a law, and the unit that it belongs to."""

    unit: str = ""

    def __str__(self) -> str:
        return f"{self.unit}-{self.law}"


class _Laws(Collection[LawResult]):
    """The results for the subjects, computed when they are first read."""

    def __init__(self, subjects: tuple[Any, ...], laws: Iterable[str] | None, seed: int) -> None:
        self.subjects, self.laws, self.seed = subjects, laws, seed

    @cached_property
    def rows(self) -> list[LawResult]:
        found: list[LawResult] = []
        for subject in self.subjects:
            report = conformance(subject, self.laws, seed=self.seed, explain=True)
            missing = [LawResult(name, Outcome.INCONCLUSIVE, text) for name, text in report.missing.items()]
            rows = [*report, *missing] or [LawResult(NO_LAW, Outcome.INCONCLUSIVE, report.reason or report.outcome)]
            found += [_Row(**vars(row), unit=_word(report.name)) for row in rows]
        return found

    def __iter__(self) -> Iterator[LawResult]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, row: object) -> bool:
        return row in self.rows


class Suite:
    """Collects the tests of `files` as pytest collects those of a test file.

    `check(file)` returns the reports, as `Report.to_dict` makes them, and what the file printed. With pytest-xdist
    it is called once, before the workers start.
    """

    def __init__(self, files: list[Path], check: CheckFile) -> None:
        self.files, self.check = files, check
        self.known: dict[str, tuple[list[dict[str, Any]], str]] = {}

    def results(self, file: Path) -> tuple[list[dict[str, Any]], str]:
        """The reports of a file and what it printed; it is checked once."""
        key = str(file)
        if key not in self.known:
            self.known[key] = self.check(file)
        return self.known[key]

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The tests of a file, if it is one of `files`."""
        if file_path not in self.files:
            return None
        found: _File = _File.from_parent(parent, path=file_path)
        found.suite = self
        return found

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send the results to a worker of pytest-xdist, so that all of them collect the same tests."""
        node.workerinput[WORKER_INPUT] = json.dumps({str(file): self.results(file) for file in self.files})

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Read the results that pytest-xdist sent to this worker."""
        sent = getattr(session.config, "workerinput", {}).get(WORKER_INPUT)
        if sent is not None:
            self.known = {file: (reports, printed) for file, (reports, printed) in json.loads(sent).items()}


class _File(pytest.File):
    suite: Suite

    def collect(self) -> Iterator[pytest.Collector]:
        reports, printed = self.suite.results(self.path)
        names: set[str] = set()
        for report in reports:
            unit: _Unit = _Unit.from_parent(self, name=_new_name(f"{report['kind']}-{report['name']}", names))
            unit.report, unit.printed = report, printed
            yield unit


class _Unit(pytest.Collector):
    report: dict[str, Any]
    printed: str

    def collect(self) -> Iterator[pytest.Item]:
        report = self.report
        violations = {data["law"]: Violation.from_dict(data) for data in report["violations"]}
        rows = report["laws"] + [
            {"law": what, "outcome": UnitOutcome.NOT_CHECKED, "reason": reason, "exception": report["exception"]}
            for what, reason in report["missing"].items()
        ]
        if not rows:
            rows = [{"law": NO_LAW, "outcome": report["outcome"], "reason": report["reason"], "exception": None}]
        names: set[str] = set()
        for row in rows:
            test: _Test = _Test.from_parent(self, name=_new_name(row["law"], names))
            test.row, test.violation, test.printed = row, violations.get(row["law"]), self.printed
            test.unchecked = report["exception"]
            yield test


def _word(text: str) -> str:
    """The text as a part of a node id: no space, colon or bracket, which would not select it on a command line."""
    return re.sub(r"[^\w.=,-]+", "-", text).strip("-") or "unnamed"


def _new_name(text: str, names: set[str]) -> str:
    """The text as a part of a node id that none of its siblings has."""
    word, count = _word(text), 1
    name = word
    while name in names:
        count += 1
        name = f"{word}-{count}"
    names.add(name)
    return name


class _Failed(Exception):
    """A diagnostic, to show without a traceback."""


class _Test(pytest.Item):
    row: dict[str, Any]
    violation: Violation | None
    printed: str
    unchecked: dict[str, str] | None
    """The declared exception that covers what was not checked."""

    def runtest(self) -> None:
        """Fail or skip according to the result of this law."""
        outcome, reason, exception = self.row["outcome"], self.row["reason"], self.row["exception"]
        if outcome == Outcome.INCONCLUSIVE:
            exception = exception or self.unchecked
        if exception:
            pytest.skip(f"declared exception: {exception['reason']}")
        if outcome in FAILING:
            if self.printed:
                self.add_report_section("call", "output", self.printed)
            raise _Failed(str(self.violation) if self.violation else f"{outcome}: {reason}")
        if outcome != Outcome.PASS:
            pytest.skip(f"{outcome}: {reason}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Only the diagnostic."""
        return str(excinfo.value) if isinstance(excinfo.value, _Failed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The test's name in pytest's report."""
        assert self.parent is not None
        return self.path, None, f"{self.parent.name}::{self.name}"
