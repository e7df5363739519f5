"""Check mutants of spec with its tests: only the tests that run the mutant's line, the fastest first.

covering = CoveringTests(place)                 runs all tests once and records which test runs which line
covering.check(mutant)()                        the first test that fails, or "" if all pass
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
from mutant_sandbox import SURVIVED, Sandbox

TESTS = ("tests/spec", "tests/test_known_answers.py")
OPTIONS = ("-q", "-p", "no:cacheprovider", "--no-header", "--hypothesis-seed=0")
NO_RESULT = "pytest ended with"  # without a failed test: an error of this script, not a result
MAX_LENGTH = 20.0  # seconds of processor time for one test; the longest takes 3


class CoveringTests:
    """Which tests run which line of spec; measured on first use."""

    def __init__(self, place: Sandbox) -> None:
        self.place = place

    @cached_property
    def measured(self) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
        """Seconds by test, and tests by file and line; "" means on import."""
        return _seconds_and_lines(self.place)

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests that run its line; all tests if the line runs on import or if no test seems to run it."""
        seconds, lines = self.measured
        touched = lines.get(mutant.file, {})
        first = set(touched.get(mutant.line, ())) & set(seconds)
        near = {name for names in touched.values() for name in names}
        chosen = first if first and "" not in touched[mutant.line] else seconds
        return sorted(chosen, key=lambda name: (name not in first, name not in near, seconds[name]))

    def check(self, mutant: Mutant) -> Callable[[], str]:
        """The function that checks it in a child process."""
        seconds, _ = self.measured
        return lambda: failed_test(mutant.file, self.tests(mutant), set(seconds))


def failed_test(file: str, tests: list[str], known: set[str]) -> str:
    """The first of these tests that fails, or a test file that cannot be collected. Raises what its import raises.

    pytest gets the files, not the tests: naming a test that the mutant removes would be a usage error, and a test that
    the mutant adds is run too.
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
    importlib.import_module("nnlaw." + file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    watch = Watch()
    code = pytest.main(["-x", *OPTIONS, *sorted({name.partition("::")[0] for name in tests})], [watch])
    if not watch.failed and code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return f"{NO_RESULT} {int(code)}"
    return watch.failed


def _seconds_and_lines(place: Sandbox) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
    """The seconds that each test takes, and for each line of spec the tests that run it, or "" for the import.

    A test that fails without a mutant, for example because it needs the git checkout, is left out.
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
        usable = {name: value for name, value in seconds.items() if name not in failing}
        kept.write_text(json.dumps([usable, lines]), encoding="utf-8")
        return "" if code in (0, 1) else f"pytest ended with {int(code)}"

    result = place.child(run, 1800)
    if result != SURVIVED:
        raise SystemExit(f"the tests of spec do not run without a mutant: {result}")
    seconds, lines = json.loads(kept.read_text(encoding="utf-8"))
    order = sorted(seconds, key=seconds.__getitem__)
    result = place.child(partial(failed_test, "spec/__init__.py", order, set()), 1800)
    if result != SURVIVED:
        raise SystemExit(f"without a mutant, fastest tests first, the tests of spec fail: {result}")
    return seconds, {file: {int(n): names for n, names in rows.items()} for file, rows in lines.items()}
