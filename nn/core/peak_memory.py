"""The peak memory of this process: `peak()` in megabytes, nan if the system does not report it."""

from __future__ import annotations

import sys
from pathlib import Path


def peak() -> float:
    """The most that was ever resident. On Linux from /proc, for getrusage counts in the process that started this."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return _from_getrusage()


def _from_getrusage() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
