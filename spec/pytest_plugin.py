"""The checks of a file as pytest tests: one per unit and law; a skipped law is a skipped test with the reason.

`Suite(files, check)` is registered with pytest if --nn-plugin is used; `check(file)` returns the reports, as
`Report.to_dict` makes them, and what the file printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nnlaw.spec.report import Outcome, UnitOutcome
from nnlaw.spec.violation import Violation

CheckFile = Callable[[Path], tuple[list[dict[str, Any]], str]]
FAILING = (Outcome.FAIL, Outcome.INCONCLUSIVE, UnitOutcome.ERROR, UnitOutcome.NOT_CHECKED)


class Suite:
    """Adds the tests of every file to those that pytest collects itself."""

    def __init__(self, files: list[str], check: CheckFile) -> None:
        self.files, self.check = files, check

    @pytest.hookimpl(tryfirst=True)  # before -k and -m select
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Check each file and append its tests."""
        for name in self.files:
            path = Path(name).absolute()
            file = _File.from_parent(session, path=path)
            reports, printed = self.check(path)
            items.extend(_tests(file, reports, printed))


class _File(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        return iter(())


def _tests(file: _File, reports: list[dict[str, Any]], printed: str) -> Iterator[pytest.Item]:
    for report in reports:
        violations = {data["law"]: Violation.from_dict(data) for data in report["violations"]}
        rows = report["laws"] + [
            {"law": what, "outcome": UnitOutcome.NOT_CHECKED, "reason": reason, "exception": report["exception"]}
            for what, reason in report["missing"].items()
        ]
        if not rows:
            rows = [{"law": "outcome", "outcome": report["outcome"], "reason": report["reason"], "exception": None}]
        for row in rows:
            test = _Test.from_parent(file, name=f"{report['kind']} {report['name']}::{row['law']}")
            test.row, test.violation, test.printed = row, violations.get(row["law"]), printed
            test.unchecked = report["exception"]
            yield test


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
        return self.path, None, self.name
