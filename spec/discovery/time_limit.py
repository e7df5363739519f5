"""A limit on the wall-clock time of a block.

    with time_limit(5): ...        raises OutOfTime after 5 seconds

It works in the main thread of systems with SIGALRM; elsewhere there is no limit. Limits can be nested.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(BaseException):
    """The time of a block is over. No `except Exception` of the code in the block catches it."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise OutOfTime in the block when its time is over, also in a wait, and each second after that if it is caught.

    A call of C code is not interrupted. None sets no limit.
    """
    if seconds is None or not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"took longer than {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, handler)
