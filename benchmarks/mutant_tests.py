"""Judges mutants of spec by its tests: those that run the mutant's line, the ones that tell soonest first.

    touching = Touching(place)                      runs them all once, and notes who runs which line
    touching.judging(mutant)()                      the first test that fails, or "" where all hold
"""

from __future__ import annotations

import importlib
import json
import signal
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from mutant import Mutant
from mutant_judge import Sandbox

TESTS = ("tests/spec", "tests/test_known_answers.py")
OPTIONS = ("-q", "-p", "no:cacheprovider", "--no-header", "--hypothesis-seed=0")
UNJUDGED = "pytest ended with"  # and named no test: a fault of the judge, which is nobody's verdict
MAX_LENGTH = 20.0  # seconds of processor time for one test, of which the longest takes 3, however busy the machine


class Touching:
    """Which tests run which line of spec, measured once something asks."""

    def __init__(self, place: Sandbox) -> None:
        self.place = place

    @cached_property
    def measured(self) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
        """Seconds by test, and tests by file and line; "" stands for the import."""
        return _seconds_and_lines(self.place)

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that run its line; all, where it runs on import, which any test may notice, or none seems to run it."""
        seconds, lines = self.measured
        touched = lines.get(mutant.file, {})
        first = set(touched.get(mutant.line, ())) & set(seconds)
        near = {name for names in touched.values() for name in names}
        chosen = first if first and "" not in touched[mutant.line] else seconds
        return sorted(chosen, key=lambda name: (name not in first, name not in near, seconds[name]))

    def judging(self, mutant: Mutant) -> Callable[[], str]:
        """What judges it in a child process."""
        seconds, _ = self.measured
        return lambda: judged_by_tests(mutant.file, self.tests(mutant), set(seconds))


def judged_by_tests(file: str, tests: list[str], known: set[str]) -> str:
    """The first of these tests that fails, or a file of them that cannot be collected; raises what its import raises.

    The files are handed to pytest rather than the tests: one that the mutant does away with is an error of usage to
    pytest, and one that it brings, which is not known, is run too.
    """
    import pytest

    order = {name: i for i, name in enumerate(tests)}

    class Watch:
        failed = ""

        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            items[:] = [item for item in items if item.nodeid in order or item.nodeid not in known]
            items.sort(key=lambda item: order.get(item.nodeid, len(order)))

        def pytest_collectreport(self, report: Any) -> None:
            if report.failed and not self.failed:
                self.failed = f"not collected {report.nodeid}"

        def pytest_runtest_logstart(self, nodeid: str) -> None:
            signal.setitimer(signal.ITIMER_PROF, MAX_LENGTH)

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed and not self.failed:
                self.failed = report.nodeid

    signal.setitimer(signal.ITIMER_PROF, MAX_LENGTH)
    importlib.import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    watch = Watch()
    code = pytest.main(["-x", *OPTIONS, *sorted({name.partition("::")[0] for name in tests})], [watch])
    if not watch.failed and code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return f"{UNJUDGED} {int(code)}"
    return watch.failed


def _seconds_and_lines(place: Sandbox) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
    """How long each test takes, and by which of them, or "" on import, each line of spec is run.

    A test that fails here without any mutant, as one that is bound to the checkout may, judges none.
    """
    kept = place.folder / "contexts.json"

    def run() -> str:
        import coverage
        import pytest

        seconds: dict[str, float] = {}
        failing: set[str] = set()

        class Watch:
            def pytest_runtest_logreport(self, report: Any) -> None:
                seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
                if report.failed:
                    failing.add(report.nodeid)

        options = ("--cov=spec", "--cov-context=test", "--cov-report=")
        code = pytest.main([*OPTIONS, *options, *TESTS], [Watch()])
        data = coverage.CoverageData(".coverage")
        data.read()
        lines = {
            str(Path(file).relative_to(place.folder.resolve())): {
                line: sorted({name.partition("|")[0] for name in names})
                for line, names in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        judging = {name: value for name, value in seconds.items() if name not in failing}
        kept.write_text(json.dumps([judging, lines]), encoding="utf-8")
        return "" if code in (0, 1) else f"pytest ended with {int(code)}"

    said = place.child(run, 1800)
    if said != "held":
        raise SystemExit(f"the tests of spec cannot be run without any mutant: {said}")
    seconds, lines = json.loads(kept.read_text(encoding="utf-8"))
    order = sorted(seconds, key=seconds.__getitem__)
    said = place.child(partial(judged_by_tests, "spec/__init__.py", order, set()), 1800)
    if said != "held":
        raise SystemExit(f"without any mutant, the quickest first, the tests of spec say: {said}")
    return seconds, {file: {int(n): names for n, names in rows.items()} for file, rows in lines.items()}
