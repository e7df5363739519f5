"""spec/discovery/time_limit.py: a limit on the time of a block."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from nnlaw.spec.discovery.time_limit import OutOfTime, time_limit


def test_a_block_that_catches_everything_is_stopped() -> None:
    """The exception is raised again if the code catches it, and signal handlers are restored."""
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(OutOfTime, match=r"took longer than 0\.1 s"), time_limit(0.1):
        with suppress(BaseException):
            time.sleep(60)
        while True:
            pass
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_limits_can_be_nested() -> None:
    """The outer limit still counts after an inner one."""
    with pytest.raises(OutOfTime, match=r"longer than 0\.2 s"), time_limit(0.2):
        with time_limit(60):
            pass
        time.sleep(60)


def test_there_is_no_limit_outside_the_main_thread() -> None:
    """Signals reach the main thread only."""

    def within() -> str:
        with time_limit(60):
            return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(within).result() == "done"
