"""How a worker ends that judges plugins: late, by any signal, after its work, with children that outlive it."""

import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.subprocesses import signal_name
from nnlaw.nn.verify.supervisor import CheckOptions, TargetResult, check_target
from nnlaw.nn.verify.worker import MAX_MEMORY, _limit_memory

HEAD = "import os\nimport subprocess\nimport sys\nimport atexit\nfrom nn import layer\nfrom spec import obeys\n"


def right(name: str, forward: str = "return 2 * x") -> str:
    """A plugin that doubles."""
    return f"""
@layer("{name}")
@obeys("N ... -> N ...")
class {name.title()}:
    def forward(self, x):
        {forward}
    def backward(self, dy):
        return 2 * dy
"""


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., TargetResult]:
    """Judge a file of this source."""

    def run(source: str, **terms: Any) -> TargetResult:
        (tmp_path / "mine.py").write_text(HEAD + source, encoding="utf-8")
        return check_target({"file": str(tmp_path / "mine.py")}, CheckOptions(**terms))

    return run


def verdicts(outcome: TargetResult) -> list[tuple[str, str]]:
    """Name and verdict of each report."""
    return [(report["name"], report["outcome"]) for report in outcome.reports]


def test_a_child_that_outlives_the_worker_is_not_waited_for(
    checked: Callable[..., TargetResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detached one holds the pipe in which the worker prints; what was printed is told all the same."""
    monkeypatch.setattr("nnlaw.nn.verify.supervisor.GRACE", 0.5)
    child = "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'], start_new_session=True)\n"
    note = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\nprint('hello', flush=True)\n"
    try:
        found = checked(child + note + right("good"))
        state = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat").read_text(encoding="utf-8").split()[2]
        assert state != "Z", "it was waited for"
    finally:
        subprocess.run(["kill", "-9", (tmp_path / "pid").read_text()], check=False)
    assert (verdicts(found), found.printed) == ([("good", "passed")], "hello\n")


def test_every_signal_is_told(checked: Callable[..., TargetResult]) -> None:
    """Also one that has no name in Python."""
    (report,) = checked("os.kill(os.getpid(), 35)\n").reports
    assert "crashed the interpreter (signal 35)" in report["reason"]
    assert [signal_name(code) for code in (0, 2, -signal.SIGSEGV, -35)] == ["", "", "SIGSEGV", "signal 35"]


def test_a_plugin_has_one_report(checked: Callable[..., TargetResult]) -> None:
    """Also where the interpreter crashes once everything is judged: the last one's verdict is that."""
    found = checked(right("one") + right("two") + "atexit.register(os.abort)\n")
    assert verdicts(found) == [("one", "passed"), ("two", "error")]
    assert "mine.py:19: layer two: crashed the interpreter (SIGABRT)" in found.reports[1]["reason"]


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [(-1, -1, MAX_MEMORY), (2**30, -1, 2**30), (2**30, 2**31, 2**30), (2**40, 2**41, MAX_MEMORY), (-1, 2**31, 2**31)],
)
def test_memory_is_never_granted_beyond_a_limit_that_stands(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, limit: int
) -> None:
    """The least of what a worker may have, the soft limit and the hard one."""
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: set_to.append(limits))
    _limit_memory()
    assert set_to == [(limit, hard)]
