"""A process of the code under test as the laws use it: calls with a time limit, and the reason if it dies.

    with SubjectProcess(stop) as process:
        process.allow(60)                                   seconds until SubjectEnded is raised
        rows = process.connection.request("open", None, {"file": "/home/me/mine.py"})
    process.printed()                                       what the code under test printed
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from nnlaw._child import SPIN, Child, start
from nnlaw.spec.locations import CHECKOUT, PACKAGE
from nnlaw.spec.subjects.remote_subject import Connection, SubjectEnded
from nnlaw.spec.violation import relative_to_cwd

MAX_OUTPUT = 20_000  # bytes kept of what the code under test prints
MAX_NOTES = 50_000  # bytes kept of its stack
GRACE = 3.0  # seconds in which a process may write its stack, and in which everything is killed
INTERVAL = 0.25  # seconds between two looks at `stop`
CHUNK = 2**20
FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in')


class SubjectProcess:
    """A child process, from its start until everything that it left behind is killed."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.child: Child = start()
        self.connection = Connection(self._read, self._write)
        self.stop = stop or threading.Event()
        self.received = bytearray()
        self.kept = {self.child.output: bytearray(), self.child.notes: bytearray()}
        self.dropped = 0
        self.open_ends = {self.child.replies, self.child.output, self.child.notes}
        self.seconds, self.deadline = 0.0, float("inf")
        self.place, self.reason = "", ""
        self.closed = False
        self.poll = select.poll()
        for end in self.open_ends:
            self.poll.register(end, select.POLLIN)

    def __enter__(self) -> SubjectProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def allow(self, seconds: float, startup: float = 0.0) -> None:
        """From now on, all requests together may take so many seconds; the time to start is not counted in messages."""
        self.seconds, self.deadline = seconds, time.monotonic() + seconds + startup

    def close(self) -> None:
        """End the process and all that it started."""
        if not self.closed:
            self.closed = True
            child = self.child
            with suppress(OSError):
                os.close(child.requests)  # on which its keeper kills everything
            end = time.monotonic() + GRACE
            while self.open_ends and time.monotonic() < end and not child.ended():
                self._pump(0.02, None)
            child.ended(max(0.1, end - time.monotonic()))
            if child.keeper:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.keeper, signal.SIGKILL)
            self._drain()
            for end_of_pipe in (child.replies, child.output, child.notes, child.life):
                os.close(end_of_pipe)
            shutil.rmtree(child.folder, ignore_errors=True)

    def printed(self) -> str:
        """The beginning of what was printed, with a note of how much was left out."""
        more = f"\n... and {self.dropped:,} more bytes\n" if self.dropped else ""
        return self.kept[self.child.output].decode(errors="replace") + more

    def sandbox(self) -> frozenset[str]:
        """The mechanisms that keep the code from files, the network and other processes; see docs/security.md."""
        if not self.closed and self.child.notes in self.open_ends:  # a reply may have been read before the note
            self._receive(self.child.notes)
        notes = self.kept[self.child.notes].decode(errors="replace").splitlines()
        found = next((line for line in notes if line.startswith("sandbox")), "")  # written before the code is imported
        return frozenset(found.split()[1:])

    # the connection

    def _read(self, count: int) -> bytes:
        while len(self.received) < count:
            self._check()
            if self.child.replies not in self.open_ends:
                raise self._ended()
            if not self._received_soon():
                self._pump(self._wait(), None)
        found = bytes(self.received[:count])
        del self.received[:count]
        return found

    def _received_soon(self) -> bool:
        """Whether a reply arrives at once: for most calls, that is sooner than a process that sleeps wakes up."""
        before, end = len(self.received), time.perf_counter() + SPIN
        while len(self.received) == before and self.child.replies in self.open_ends and time.perf_counter() < end:
            self._receive(self.child.replies)
            os.sched_yield()
        return len(self.received) > before

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        self._check()
        while view:
            try:
                view = view[os.write(self.child.requests, view) :]
            except BlockingIOError:
                self._check()
                self._pump(self._wait(), self.child.requests)
            except OSError:  # the pipe is closed
                raise self._ended() from None

    def _wait(self) -> float:
        return max(0.0, min(INTERVAL, self.deadline - time.monotonic()))

    def _check(self) -> None:
        """Raise SubjectEnded if the process ended before, or if it is too late."""
        if self.reason:
            raise SubjectEnded(self.reason)
        if self.stop.is_set():
            self.reason = "interrupted"
        elif time.monotonic() > self.deadline:
            self.child.signal(signal.SIGABRT)  # it writes its stack
            self._pump_until_quiet()
            self.place, self.reason = self._innermost(), f"timed out after {self.seconds:g} s"
        if self.reason:
            raise SubjectEnded(self.reason)

    def _pump_until_quiet(self) -> None:
        end = time.monotonic() + GRACE
        while self.child.notes in self.open_ends and time.monotonic() < end:
            before = len(self.kept[self.child.notes])
            self._pump(0.3, None)
            if before and len(self.kept[self.child.notes]) == before:
                return

    def _pump(self, seconds: float, writing: int | None) -> None:
        """Wait until something can be read, or written to `writing`, and read it."""
        if writing is not None:
            self.poll.register(writing, select.POLLOUT)
        for end, _ in self.poll.poll(1000 * seconds):
            if end != writing:
                self._receive(end)
        if writing is not None:
            self.poll.unregister(writing)

    def _receive(self, end: int) -> None:
        try:
            content = os.read(end, CHUNK)
        except BlockingIOError:
            return
        if not content:
            self.open_ends.discard(end)
            self.poll.unregister(end)
        elif end == self.child.replies:
            self.received += content
        else:
            kept, most = self.kept[end], MAX_OUTPUT if end == self.child.output else MAX_NOTES
            room = max(0, most - len(kept))
            kept += content[:room]
            self.dropped += len(content[room:]) if end == self.child.output else 0

    def _drain(self) -> None:
        """Read what is left in the pipes."""
        end = time.monotonic() + GRACE
        while self.open_ends and time.monotonic() < end:
            before = sum(map(len, self.kept.values())) + self.dropped
            self._pump(0.0, None)
            if sum(map(len, self.kept.values())) + self.dropped == before:
                return

    # the reason if it dies

    def _ended(self) -> SubjectEnded:
        """The process ended by itself: wait for its keeper, which reports how."""
        end = time.monotonic() + GRACE
        while self.child.notes in self.open_ends and time.monotonic() < end:
            self._pump(0.1, None)
        notes = self.kept[self.child.notes].decode(errors="replace").splitlines()
        codes = [line.split()[1] for line in notes if re.fullmatch(r"status -?\d+", line)]
        code = int(codes[-1]) if codes else -signal.SIGKILL
        self.place = self._innermost()
        if any(line.startswith("full ") for line in notes):
            self.reason = "wrote too much to the disk"
        elif "exit" in notes:
            self.reason = "called os._exit"
        elif code < 0:
            self.reason = f"crashed the interpreter ({signal_name(code)})"
        else:
            self.reason = f"ended the interpreter with exit code {code}"
        return SubjectEnded(self.reason)

    def _innermost(self) -> str:
        """The innermost frame of the recorded stack that is neither Python's nor a library's nor ours."""
        own = (str(PACKAGE), str(CHECKOUT / "spec"), str(CHECKOUT / "nn"), str(Path(os.__file__).parent))
        for line in self.kept[self.child.notes].decode(errors="replace").splitlines():
            found = FRAME.search(line)
            if found and not found["file"].startswith((*own, "<")) and "site-packages" not in found["file"]:
                return f"{relative_to_cwd(found['file'])}:{found['line']}"
        return ""


def signal_name(code: int) -> str:
    """The name of the signal that ended a process with this exit code; empty if it was not a signal."""
    if code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:  # signals between SIGRTMIN and SIGRTMAX have a number only
        return f"signal {-code}"
