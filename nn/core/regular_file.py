"""Read files of unknown origin: pipes and other special files, which could block forever, are refused.

    regular_file(path)                       the path, for a library that opens it
    read_regular(path, most=2**20)           its bytes
    read_toml(path)                          a table; UTF-8 may begin with a byte order mark
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

from nnlaw.spec.violation import BadInput

MAX_TOML = 2**20  # bytes


def regular_file(path: Path) -> Path:
    """The path, if it is a regular file or does not exist. Raises BadInput otherwise."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: not a file, expected a regular file")
    return path


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file. Raises BadInput if it is another one or larger than `most` bytes; OSError."""
    with open(regular_file(path), "rb", opener=_without_blocking) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadInput(f"{path}: not a file, expected a regular file")
        content = file.read(most + 1)
    if len(content) > most:
        raise BadInput(f"{path}: more than {most:,} bytes, expected at most as many")
    return content


def _without_blocking(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe may have taken the place of the file


def read_toml(path: Path, what: str = "", errors: str = "strict") -> dict[str, Any]:
    """The table in a TOML file. `what` is put before its name in messages, `errors` as in bytes.decode.

    Raises BadInput if it can't be read or is not TOML.
    """
    name = f"{what} {path}".lstrip()
    try:
        content = read_regular(path, MAX_TOML).removeprefix(b"\xef\xbb\xbf")
        return tomllib.loads(content.decode(errors=errors))
    except BadInput as error:
        raise BadInput(f"{what} {error}".lstrip()) from None
    except FileNotFoundError:
        raise BadInput(f"{name}: no such file") from None
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error
    except RecursionError:
        raise BadInput(f"{name}: brackets are nested too deeply, expected TOML") from None
    except ValueError as error:  # includes integers of thousands of digits
        raise BadInput(f"{name}: can't be read: {error}, expected TOML") from error
