"""Make edits in a file: only their characters change, and the file is replaced as a whole.

    original = OriginalFile.read(Path("net.py"))        before the file is checked
    print(original.diff(edits))                         a unified diff; nothing is written
    original.write(original.edited(edits))              BadInput if the file has changed since it was read

A notebook is edited in the sources of its cells. Encoding, byte order mark, line endings and mode bits are kept. The
text is that of this process; what the code under test replies is not part of it.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import tempfile
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from json import scanner
from pathlib import Path
from typing import Any

from nnlaw.spec.violation import BadInput, Edit

LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class OriginalFile:
    """A Python file or notebook as it was when it was read; `data` are its bytes."""

    path: Path
    data: bytes

    @classmethod
    def read(cls, path: Path) -> OriginalFile:
        """Raises BadInput if the file can't be read."""
        try:
            return cls(path, path.read_bytes())
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from error

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes."""
        return sha256(self.data).hexdigest()

    @cached_property
    def encoding(self) -> str:
        """The encoding that it declares; UTF-8 for a notebook."""
        return "utf-8" if self.path.suffix == ".ipynb" else tokenize.detect_encoding(BytesIO(self.data).readline)[0]

    def edited(self, edits: Sequence[Edit]) -> bytes:
        """The bytes with all edits made, and those that they need.

        Raises BadInput if the file has another text at the place of an edit.
        """
        try:
            text = self.data.decode(self.encoding)
            new = text
            parts = {part for edit in edits for part in edit.parts}
            for edit in sorted(parts, key=lambda edit: (edit.line, edit.column), reverse=True):  # the last one first
                new = (_edited_notebook if self.path.suffix == ".ipynb" else _edited)(new, edit)
            return new.encode(self.encoding)
        except (SyntaxError, ValueError) as error:
            raise BadInput(f"{self.path}: the suggested fix can't be made: {error}") from error

    def diff(self, edits: Sequence[Edit]) -> str:
        """A unified diff with the edits, of each cell for a notebook; `patch -p0` accepts that of a Python file."""
        before, after = (data.decode(self.encoding) for data in (self.data, self.edited(edits)))
        if self.path.suffix != ".ipynb":
            return "".join(_unified(str(self.path), before, after))
        pairs = zip(_cells(before), _cells(after), strict=True)
        named = ((f"{self.path}: cell {number}", *pair) for number, pair in enumerate(pairs, 1))
        return "".join(line for name, *texts in named for line in _unified(name, *("".join(t) for t in texts)))

    def write(self, data: bytes) -> OriginalFile:
        """Replace the file by `data`; a reader sees the old or the new file, never a part. Returns it as it is then.

        Raises BadInput if the file is not as it was read, or can't be written.
        """
        path = self.path.resolve()  # a symbolic link stays one
        temporary = ""
        try:
            mode = path.stat().st_mode
            if not os.access(path, os.W_OK):
                raise BadInput(f"{self.path} is read-only; it was not changed")
            descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode & 0o7777)
            if OriginalFile.read(path).digest != self.digest:
                raise BadInput(f"{self.path} has changed since it was checked; it was not changed")
            os.replace(temporary, path)
            temporary = ""
        except OSError as error:
            raise BadInput(f"{self.path}: {error.strerror or error}; it was not changed") from error
        finally:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
        return OriginalFile(self.path, data)


def _unified(name: str, before: str, after: str) -> Iterator[str]:
    for line in difflib.unified_diff(_lines(before), _lines(after), name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """The lines with their ends, as Python counts them: a form feed does not end one."""
    ends = [0, *(match.end() for match in LINE_END.finditer(text))]
    return [text[start:end] for start, end in zip(ends, [*ends[1:], len(text)], strict=True) if end > start]


def _edited(text: str, edit: Edit) -> str:
    """The text with one edit made, with the line ends of the text. Raises ValueError if it reads otherwise there."""
    ends = list(LINE_END.finditer(text))
    starts = [0, *(match.end() for match in ends)]
    if not 0 < edit.line <= edit.end_line <= len(starts):
        raise ValueError(f"there is no line {edit.end_line}")
    start = starts[edit.line - 1] + edit.column - 1
    end = starts[edit.end_line - 1] + edit.end_column - 1
    if LINE_END.sub("\n", text[start:end]) != edit.before:
        raise ValueError(f"line {edit.line} reads otherwise")
    newline = ends[0].group() if ends else "\n"
    return text[:start] + edit.after.replace("\n", newline) + text[end:]


# Notebooks


class _Literal(str):
    """A string of a JSON text, and where its literal starts and ends."""

    start: int
    end: int


def _edited_notebook(text: str, edit: Edit) -> str:
    """The text of a notebook with an edit made in one of its cells; lines count through all code cells."""
    first = 1
    for parts in _cells(text):
        code = "".join(parts)
        count = len(code.replace("\r\n", "\n").split("\n"))
        if edit.line < first + count:
            break
        first += count
    else:
        raise ValueError(f"there is no line {edit.line}")
    moved = Edit(edit.path, edit.line - first + 1, edit.column, edit.end_line - first + 1, edit.end_column,
                 edit.before, edit.after)  # fmt: skip
    new = _edited(code, moved)
    fresh = [new] if len(parts) == 1 else _lines(new)
    return _replaced(text, parts, fresh)


def _replaced(text: str, parts: Sequence[_Literal], new: Sequence[str]) -> str:
    """The JSON text with other strings in place of the adjacent literals `parts`; those that stay keep their form."""
    same = 0
    while same < min(len(parts), len(new)) and parts[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(parts), len(new)) - same and parts[-1 - tail] == new[-1 - tail]:
        tail += 1
    if len(parts) - tail == same or len(new) - tail == same:  # whole lines are added or deleted: with one beside them
        same, tail = (same - 1, tail) if same else (same, tail - 1)
    old, fresh = parts[same : len(parts) - tail], new[same : len(new) - tail]
    if not old or not fresh:
        raise ValueError("it deletes all of a cell")
    between = text[parts[0].end : parts[1].start] if len(parts) > 1 else ""
    ascii_only = text.isascii()
    literals = [json.dumps(each, ensure_ascii=ascii_only) for each in fresh]
    return text[: old[0].start] + between.join(literals) + text[old[-1].end :]


def _cells(text: str) -> list[list[_Literal]]:
    """The strings of the source of each code cell; spec/discovery/notebook.py reads the same cells."""
    notebook = _with_places(text)
    sheets = [notebook, *notebook.get("worksheets", ())]
    cells = [cell for sheet in sheets for cell in sheet.get("cells", ()) if cell.get("cell_type") == "code"]
    sources = [cell.get("source", cell.get("input", "")) for cell in cells]
    return [[source] if isinstance(source, _Literal) else list(source) for source in sources]


def _with_places(text: str) -> Any:
    """The JSON value of `text`, in which every string has its place."""

    def literal(string: str, after_quote: int, strict: bool) -> tuple[str, int]:
        value, end = read(string, after_quote, strict)
        found = _Literal(value)
        found.start, found.end = after_quote - 1, end
        return found, end

    places: Any = json.JSONDecoder()
    read, places.parse_string = places.parse_string, literal
    places.scan_once = scanner.py_make_scanner(places)  # type: ignore[attr-defined]  # the C scanner reads no parse_string
    return places.decode(text)
