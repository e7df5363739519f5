"""Start the code under test in a process with limits, and end everything that it leaves behind.

    main(module, folder, requests, replies, output, notes, life)      in a process that fork_server.py forks

It forks: the child calls module.main(requests, replies, notes) with `folder`, a scratch folder, as its current folder.
This process only waits. When the child ends, or the other end of the pipe `requests` is closed (even if its process was
killed), it kills the child and all its descendants and removes the folder. On SIGABRT it passes the signal to the
child, which then writes its stack to `notes`.

It imports only Python's own library, and no thread is started before it forks.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import select
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import sandbox  # type: ignore[import-not-found]  # not by its package, which imports NumPy before the fork

sys.path.pop(0)

MAX_MEMORY = 8 * 2**30  # bytes of address space; code that needs more gets a MemoryError
MAX_FILE = 2**26  # bytes of one file
MAX_FOLDER = 2**29  # bytes in the scratch folder
MAX_PROCESSES = 4096  # of the user; root has no limit
MAX_CPU = 3600  # seconds of CPU time of one process
INTERVAL = 0.5  # seconds between two looks at the scratch folder
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(module: str, folder: str, requests: int, replies: int, output: int, notes: int, life: int) -> None:
    """Fork, run the module in the child, and wait for it. The pipe `life` closes with this process."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    separated = sandbox.separate()
    if (child := os.fork()) == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(life)
        if separated and (child := os.fork()):  # the first process of a namespace ignores most signals
            os.close(requests)
            os.close(replies)
            signal.signal(signal.SIGABRT, lambda number, frame: forward(child, number))
            note(notes, f"status {ended(child)}")
            os._exit(0)  # on which the system kills the others
        os.close(output)  # it is standard output
        os.chdir(folder)
        limit()
        note(notes, " ".join(["sandbox", *separated, *sandbox.restrict(folder)]))
        importlib.import_module(module).main(requests, replies, notes)
        return
    os.close(replies)
    signal.signal(signal.SIGABRT, lambda number, frame: forward(child, number))
    code = wait(child, requests, folder, notes)
    if code or not separated:
        note(notes, f"status {code}")
    remove(folder)
    os._exit(0)


def ended(child: int) -> int:
    """Wait for a child, and for all others that end before it. Its exit code, negative for a signal."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def prctl(option: int, value: int) -> None:
    """Linux's prctl; nothing elsewhere."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def limit() -> None:
    """Limit what the code under test may use."""
    limits = {"AS": MAX_MEMORY, "FSIZE": MAX_FILE, "NPROC": MAX_PROCESSES, "CPU": MAX_CPU, "CORE": 0}
    for name, most in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is not None:
            lowest = min([most, *(found for found in resource.getrlimit(which) if found >= 0)])  # -1: unlimited
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(which, (lowest, lowest))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a file is an OSError


def forward(child: int, number: int) -> None:
    """Pass a signal on."""
    with contextlib.suppress(OSError):
        os.kill(child, number)


def wait(child: int, requests: int, folder: str, notes: int) -> int:
    """Wait until the child ends, the pipe is closed or the folder is too large; kill all that is left. The status."""
    poll = select.poll()
    poll.register(requests, 0)  # reports only that the other end is closed
    with contextlib.suppress(OSError, AttributeError):
        poll.register(os.pidfd_open(child), select.POLLIN)
    full = False
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            break
        full = size_of(folder) > MAX_FOLDER
        if full or any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(1000 * INTERVAL)):
            forward(child, signal.SIGKILL)
            kill_descendants()
            with contextlib.suppress(ChildProcessError):
                status = os.waitpid(child, 0)[1]
            break
    kill_descendants()
    if full:
        note(notes, f"full {MAX_FOLDER}")
    return os.waitstatus_to_exitcode(status)


def kill_descendants() -> None:
    """Kill every process below this one; those whose parent ended are children of this one."""
    for _ in range(1000):
        found = descendants(os.getpid())
        if not found:
            return
        for pid in found:
            forward(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.001)


def descendants(pid: int) -> list[int]:
    """The processes below one, without those that have ended; an empty list on systems without /proc."""
    below: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state != b"Z" or int(parent) == pid:
                    below.setdefault(int(parent), []).append(int(name))
    found, queue = [], [pid]
    while queue:
        queue += (children := below.get(queue.pop(), []))
        found += children
    return found


def size_of(folder: str) -> int:
    """The bytes of all files in a folder."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(here, name)).st_blocks * 512
    return total


def remove(folder: str) -> None:
    """Remove the scratch folder, also what was made unreadable in it."""
    for here, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                if not os.path.islink(os.path.join(here, name)):
                    os.chmod(os.path.join(here, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def note(notes: int, text: str) -> None:
    """Write a line about the end of the child, if there is room for it."""
    os.set_blocking(notes, False)
    with contextlib.suppress(OSError):
        os.write(notes, f"\n{text}\n".encode())
