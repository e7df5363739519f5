"""Judges mutants, one at a time, each in a child process with a time limit and a copy of the project of its own.

    with Workplace(root) as place:
        verdict_by_laws(place, mutant, ["layer:relu"])     "gradient", the law that spoke, or "" where none did
        verdict_by_tests(place, mutant, ["tests/spec/..."])
"""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from mutant import Mutant

PACKAGES = ("nn", "spec", "cli")
COPIED = (*PACKAGES, "fixtures", "tests", "benchmarks", "examples", "docs", "nnlaw_pytest.py", "pyproject.toml",
          "README.md")  # fmt: skip
MEMORY = 8 * 2**30  # bytes of address space that a mutant may ask for


class Workplace:
    """A copy of the project in a temporary folder, in which one file at a time is a mutant."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, os.getcwd()

    def __enter__(self) -> Workplace:
        self.folder = Path(tempfile.mkdtemp(prefix="nn-mutants-"))
        for name in COPIED:
            source, target = self.root / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def judge(self, mutant: Mutant | None, judging: Callable[[], str], limit: float) -> str:
        """What `judging` returns in a child in which the file is the mutant; "time" beyond `limit` seconds."""
        file = self.folder / mutant.file if mutant else None
        if file is None or mutant is None:
            return self.child(judging, limit)
        kept = file.read_text(encoding="utf-8")
        try:
            file.write_text(mutant.text, encoding="utf-8")
            return self.child(judging, limit)
        finally:
            file.write_text(kept, encoding="utf-8")

    def child(self, judging: Callable[[], str], limit: float) -> str:
        """Fork, import the project anew from the copy, judge, and report through a pipe."""
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            self._report(judging, into)
        os.close(into)
        told, until = b"", time.monotonic() + limit
        while select.select([out], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(out, 65536)
            told += part
            if not part:
                break
        else:
            told = b"time"
        os.close(out)
        os.killpg(child, signal.SIGKILL)  # the child leads a group of its own
        os.waitpid(child, 0)
        return told.decode() if told else "crash"

    def _report(self, judging: Callable[[], str], into: int) -> None:
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1), os.dup2(silence, 2)
            os.chdir(self.folder)
            os.environ["PYTHONPATH"], os.environ["PYTHONDONTWRITEBYTECODE"] = str(self.folder), "1"
            sys.dont_write_bytecode = True
            sys.path.insert(0, str(self.folder))
            for name in list(sys.modules):
                if name.partition(".")[0] in (*PACKAGES, "nnlaw_pytest"):
                    del sys.modules[name]
            said = judging()
        except BaseException as error:
            said = f"raised {type(error).__name__}"
        os.write(into, b"held" if not said else said.encode()[:4000])
        os._exit(0)


def judged_by_laws(targets: list[str]) -> str:
    """What `nn verify TARGET` says of each, until one is not right: the law that is broken, or what kept it from it."""
    import warnings

    from nn.judging import named_record
    from spec.conformance import conformance
    from spec.violation import BadInput

    warnings.simplefilter("ignore")
    for target in targets:
        try:
            report = conformance(named_record(target))
        except BadInput:
            return "refused"
        if report.violations:
            return report.violations[0].law
        if report.verdict != "holds":
            return report.verdict
    return ""


def judged_by_tests(tests: list[str]) -> str:
    """The first of these tests that fails."""
    import pytest

    class Watch:
        failed = ""

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed and not self.failed:
                self.failed = report.nodeid

    watch = Watch()
    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--no-header", "--hypothesis-seed=0", *tests], [watch])
    return watch.failed or ("" if code == 0 else f"pytest ended with {int(code)}")


def times_and_contexts(place: Workplace) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
    """How long each test of tests/spec takes, and by which of them each line of spec/ is run.

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

        options = ["-q", "-p", "no:cacheprovider", "--cov=spec", "--cov-context=test", "--cov-report="]
        code = pytest.main([*options, "--hypothesis-seed=0", "tests/spec"], [Watch()])
        data = coverage.CoverageData(".coverage")
        data.read()
        lines = {
            str(Path(file).relative_to(place.folder.resolve())): {
                line: sorted({name.partition("|")[0] for name in names if name} - failing)
                for line, names in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        kept.write_text(json.dumps([seconds, lines]), encoding="utf-8")
        return "" if code in (0, 1) else f"pytest ended with {int(code)}"

    said = place.child(run, 1800)
    if said != "held":
        raise SystemExit(f"the tests of spec cannot be run without any mutant: {said}")
    seconds, lines = json.loads(kept.read_text(encoding="utf-8"))
    return seconds, {file: {int(n): names for n, names in rows.items()} for file, rows in lines.items()}
