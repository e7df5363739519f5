"""Anyone's plugin as pytest tests: one per plugin and law; what is not judged is skipped, with the reason.

`Suite(files, judge)` is registered with pytest where --nn-plugin is used; `judge(file)` hands out the reports, as
`Report.to_dict` makes them, and what the plugin printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nnlaw.spec.report import BROKEN, ERROR, HOLDS, INCONCLUSIVE

Judge = Callable[[Path], tuple[list[dict[str, Any]], str]]


class Suite:
    """Adds the tests of every file to what pytest found by itself."""

    def __init__(self, files: list[str], judge: Judge) -> None:
        self.files, self.judge = files, judge

    @pytest.hookimpl(tryfirst=True)  # before -k and -m choose
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Judge each file and append its tests."""
        for name in self.files:
            path = Path(name).absolute()
            file = _File.from_parent(session, path=path)
            reports, printed = self.judge(path)
            items.extend(_tests(file, reports, printed))


class _File(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        return iter(())


def _tests(file: _File, reports: list[dict[str, Any]], printed: str) -> Iterator[pytest.Item]:
    for report in reports:
        inputs = {violation["law"]: violation["input"] for violation in report["violations"]}
        rows = report["laws"] or [{"law": "verdict", "verdict": report["verdict"], "because": report["because"]}]
        for row in rows:
            test = _Test.from_parent(file, name=f"{report['kind']} {report['name']}::{row['law']}")
            test.row, test.input, test.printed = row, inputs.get(row["law"]), printed
            yield test


class _Failed(Exception):
    """A diagnostic, which needs no traceback."""


class _Test(pytest.Item):
    row: dict[str, Any]
    input: dict[str, Any] | None
    printed: str

    def runtest(self) -> None:
        """What was found of one law."""
        verdict, because = self.row["verdict"], self.row["because"]
        if verdict in (BROKEN, ERROR, INCONCLUSIVE):
            if self.printed:
                self.add_report_section("call", "plugin", self.printed)
            shown = "".join(f"\n  smallest {name} that shows it: {array}" for name, array in (self.input or {}).items())
            raise _Failed(f"{'' if verdict == BROKEN else verdict + ': '}{because}{shown}")
        if verdict != HOLDS:
            pytest.skip(f"{verdict}: {because}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The diagnostic alone."""
        return str(excinfo.value) if isinstance(excinfo.value, _Failed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """How pytest calls it."""
        return self.path, None, self.name
