"""Write a file completely or not at all: under a temporary name, flushed to disk, then renamed.

    replace_file(path, b"...")
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_atomically(path: Path, write: Callable[[Path], Any], mark: str = "tmp") -> Path:
    """Let `write` create the file under a temporary name that ends in `mark`, then rename it to `path`.

    If several processes may write the same file, each needs its own mark. The temporary file is deleted if `write`
    raises or is interrupted. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{mark}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # the folder may be neither writable nor readable
            temporary.unlink(missing_ok=True)
        raise
    return path


def replace_file(path: Path, content: bytes, mark: str = "tmp") -> Path:
    """Write `content` atomically. Raises OSError."""
    return write_atomically(path, lambda temporary: temporary.write_bytes(content), mark)
