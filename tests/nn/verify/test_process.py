"""Processes of the code under test: limits, sandbox, and what is left when one or its parent dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.process import SubjectProcess, signal_name
from nnlaw.spec.subjects import sandbox
from nnlaw.spec.subjects.keeper import descendants

slow = pytest.mark.slow
CHILDREN = """
class Run:
    for i in range(3):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
    print(os.getcwd(), flush=True)
    time.sleep(100)

@schedule("steady")
def steady(t):
    return 1.0
"""


def test_signals_have_a_name_or_a_number() -> None:
    """An exit code from 0 up has no signal."""
    assert [signal_name(code) for code in (0, 2, -signal.SIGSEGV, -35)] == ["", "", "SIGSEGV", "signal 35"]


def processes_in(folder: str) -> set[int]:
    """The processes with this scratch folder as their current folder."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if os.readlink(f"/proc/{name}/cwd").startswith(folder):
                found.add(int(name))
    return found


def is_running(process: int) -> bool:
    """Whether a process exists and has not ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@slow
@pytest.mark.parametrize("sandboxed", [True, False])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_is_left_when_the_command_is_killed(
    write: Callable[..., Path], tmp_path: Path, number: int, sandboxed: bool
) -> None:
    """Children with sessions of their own die, and the scratch folder is removed, with a sandbox as without."""
    file = write(CHILDREN)
    environment = dict(os.environ, TMPDIR=str(tmp_path), NN_SANDBOX="on" if sandboxed else "off")
    process = subprocess.Popen(
        [sys.executable, "-m", "nnlaw", "verify", str(file)], env=environment, stdout=subprocess.PIPE
    )
    for _ in range(600):
        folders = list(tmp_path.glob("nn-verify-*"))
        if folders and len(processes_in(str(folders[0]))) >= 4:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the file was not imported")
    started = descendants(process.pid)
    process.send_signal(number)
    process.communicate(timeout=30)
    for _ in range(100):
        if not list(tmp_path.glob("nn-verify-*")) and not any(map(is_running, started)):
            return
        time.sleep(0.1)
    pytest.fail(f"{list(filter(is_running, started))} and {list(tmp_path.glob('nn-verify-*'))} are left")


@slow
def test_the_environment_has_no_secrets(
    check_source: Any, layer_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PATH and the settings of locales and BLAS are kept; BLAS has one thread."""
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("LC_NUMERIC", "C")
    result = check_source("print(sorted(os.environ), os.environ['OMP_NUM_THREADS'])\n" + layer_source())
    assert "SECRET_TOKEN" not in result.printed and "'LC_NUMERIC'" in result.printed and "'PATH'" in result.printed
    assert result.printed.strip().endswith("1")


@slow
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("open('big', 'wb').write(bytes(2**27))", "OSError"),
        ("for i in range(10**6): open(f'{i}', 'wb').write(bytes(2**25))", "wrote too much to the disk"),
        ("bytearray(2**35)", "MemoryError"),
    ],
)
def test_files_and_memory_are_limited(check_source: Any, statement: str, words: str) -> None:
    """One file, all files of the scratch folder, and the address space."""
    (report,) = check_source(statement + "\n").reports
    assert report["outcome"] == "error" and words in report["reason"]


PROBES = {
    "landlock": "open({folder!r} + '/made', 'w')",
    "seccomp": "os.chmod({folder!r}, 0o700); os.utime({folder!r}, (1, 1))",
    "namespaces": "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
}


@slow
@pytest.mark.parametrize("mechanism", PROBES)
def test_the_sandbox_keeps_its_guarantees(
    check_source: Any, layer_source: Any, tmp_path: Path, mechanism: str
) -> None:
    """Nothing is written outside, no mode or time of a file is changed, and there is no network."""
    import socket

    server = socket.create_server(("127.0.0.1", 0))
    probe = PROBES[mechanism].format(folder=str(tmp_path), port=server.getsockname()[1])
    result = check_source(f"try:\n    {probe}\n    print('done')\nexcept OSError: print('refused')\n" + layer_source())
    if mechanism not in result.sandbox:
        pytest.skip(f"this system has no {mechanism}")
    assert "refused" in result.printed and not (tmp_path / "made").exists()


@slow
def test_the_sandbox_is_known_when_the_reply_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mechanisms, which the child writes to another pipe than its replies, are read on demand."""

    def reply_only(process: SubjectProcess, seconds: float, writing: int | None) -> None:
        time.sleep(0.01)
        process._receive(process.child.replies)

    found = []
    for pump in (reply_only, SubjectProcess._pump):
        monkeypatch.setattr(SubjectProcess, "_pump", pump)
        with SubjectProcess() as process:
            process.allow(60)
            process.connection.request("open", None, {})
            if pump is not reply_only:
                process._pump(1.0, None)
            found.append(process.sandbox())
            monkeypatch.undo()
    if not found[1]:
        pytest.skip("this system has no sandbox")
    assert found[0] == found[1]


@slow
def test_other_processes_cannot_be_killed(check_source: Any, layer_source: Any) -> None:
    """The process that checks is neither visible by its number nor reached by a signal."""
    source = f"try:\n    os.kill({os.getpid()}, 9)\nexcept OSError: print('refused')\n" + layer_source()
    if not check_source(layer_source()).sandbox & {"namespaces"}:
        pytest.skip("this system has no namespaces")
    assert "refused" in check_source(source).printed


@slow
def test_without_a_sandbox_checking_works(
    check_source: Any, layer_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result lists what the code could do."""
    monkeypatch.setenv(sandbox.SWITCH, "off")
    result = check_source(layer_source())
    assert [report["outcome"] for report in result.reports] == ["passed"]
    assert sorted(result.unprotected()) == ["change modes of files", "use the network", "write files"]


class NoSystemCalls:
    """A C library on a system that offers no sandbox."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: -1


@pytest.mark.parametrize("found", [NoSystemCalls, object])
def test_a_system_may_offer_nothing(monkeypatch: pytest.MonkeyPatch, found: type, tmp_path: Path) -> None:
    """Calls that fail or do not exist leave a mechanism out."""
    monkeypatch.setattr(sandbox, "_libc", found)
    assert sandbox.separate() == () and sandbox.restrict(str(tmp_path)) == ()
