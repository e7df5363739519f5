"""Files that are written whole or not at all: under a temporary name, onto the disk, then renamed.

    replace_file(path, b"...")
    replaced(path, lambda temporary: figure.savefig(temporary, format="png"))
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def replaced(path: Path, write: Callable[[Path], Any], mark: str = "tmp") -> Path:
    """Let `write` make the file under a temporary name, which bears `mark`, and put it in the place of `path`.

    Where several processes may write the same file each needs a mark of its own. Nothing is left behind where `write`
    raises or is interrupted. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{mark}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # a folder that cannot be written, nor looked into
            temporary.unlink(missing_ok=True)
        raise
    return path


def replace_file(path: Path, content: bytes, mark: str = "tmp") -> Path:
    """Write these bytes so. Raises OSError."""
    return replaced(path, lambda temporary: temporary.write_bytes(content), mark)
