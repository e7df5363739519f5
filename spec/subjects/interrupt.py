"""Stop code of this process after some seconds of CPU time.

    interrupt_after(0.5); f(); interrupt_after(None)        f() raises TimeoutError if it takes longer
"""

from __future__ import annotations

import signal
import threading
from typing import Any


def can_interrupt() -> bool:
    """Whether code can be stopped: signals reach only the main thread, and Windows lacks this one."""
    return hasattr(signal, "SIGVTALRM") and threading.current_thread() is threading.main_thread()


def interrupt_after(seconds: float | None) -> None:
    """Raise TimeoutError in the main thread after so many seconds of CPU time; None: no longer."""
    if seconds is not None:
        signal.signal(signal.SIGVTALRM, _raise_timeout)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds or 0)


def _raise_timeout(*args: Any) -> None:
    raise TimeoutError
