"""Standard output and standard error: what every command prints goes through here.

    echo(f"Run folder: {run.folder}", "done")      one line per argument; nothing in it can change the terminal
    print_json({"loss": nan})                      JSON; numbers that it does not have become null
    open_streams()                                 at the start: closed streams become the null device

Text from outside, such as names, messages and file names, may contain anything. Each argument of `echo` stays one line
of printable characters and of a sane length.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import IO, Any

MAX_LINE = 10_000  # characters


class Stream:
    """Standard output or standard error. `write` raises BadInput that names the stream if it is full or closed."""

    def __init__(self, *, err: bool) -> None:
        self.stream: IO[str] = sys.stderr if err else sys.stdout
        self.err = err

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except (OSError, ValueError) as error:
            return self._failed(error)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> int:
        if isinstance(error, BrokenPipeError):
            raise error
        from nnlaw.spec.violation import BadInput  # imports NumPy

        discard_output(self.stream)
        if not self.err:  # there is no place for a message about standard error
            reason = getattr(error, "strerror", None) or error
            raise BadInput(f"standard output cannot be written: {reason}") from error
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def open_streams() -> None:
    """Open the null device in place of each closed stream: a file opened later would get its number, and its output."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest free number, which is this
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115  # stays open
        if number and hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="replace")


def discard_output(stream: IO[str]) -> None:
    """Let a stream end in the null device, so that flushing it at exit does not fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # it has no number
        os.dup2(null, stream.fileno())
    os.close(null)


def echo(*lines: object, err: bool = False) -> None:
    """Print lines, each as one line."""
    print_text("".join(f"{as_line(str(line))}\n" for line in lines), err=err)


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print a value as JSON, in ASCII."""
    from nnlaw.nn.run_folder.json_files import to_json  # imports NumPy

    print_text(json.dumps(to_json(value), indent=indent, allow_nan=False) + "\n")


def print_text(text: str, *, err: bool = False) -> None:
    """Print text of our own that is safe already."""
    stream = Stream(err=err)
    stream.write(text)
    stream.flush()


def as_line(text: str) -> str:
    """`text` as one printable line, which is cut after MAX_LINE characters."""
    more = f"... and {len(text) - MAX_LINE:,} more characters" if len(text) > MAX_LINE else ""
    return clean(text[:MAX_LINE]).replace("\n", "\\n") + more


def one_line(text: str) -> str:
    """`text` on a single line, safe to print; line breaks become spaces."""
    return clean(" ".join(text.split()))


def clean(text: str) -> str:
    """`text` without what could change the terminal: tabs become spaces, other control characters their escapes."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return "    " if character == "\t" else character.encode("unicode_escape").decode()
