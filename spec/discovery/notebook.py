"""The code cells of a notebook as one text.

    text, skipped = read_cells(Path("net.ipynb"))      lines of all code cells; magics became `pass`
    place("net.ipynb", 31)                             "cell 3, line 4"

Cells are counted among the code cells, from 1. Tracebacks and code objects refer to the lines of the text; place()
translates them. The text is in `linecache`, so that tracebacks and `inspect.getsource` show the cell's lines.
"""

from __future__ import annotations

import json
import linecache
import re
import warnings
from bisect import bisect_right
from pathlib import Path

from nnlaw.spec.violation import BadInput

_FIRST_LINES: dict[str, list[int]] = {}  # by the notebook's path, the line at which each code cell starts

_CELL_OF_ANOTHER_LANGUAGE = re.compile(r"%%(?!time|timeit|capture|prun)\w")
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\s*\?{1,2}|(?:[\w., ]+=\s*)[!%]\w.*)$")


def read_cells(path: Path) -> tuple[str, dict[str, str]]:
    """The text of the code cells, and the cells left out because they are not Python, each with the reason.

    Raises BadInput if the file is not a notebook, or if not a single code cell can be parsed.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        sheets = [notebook, *notebook.get("worksheets", ())]  # format 3 keeps its cells in worksheets
        cells = [cell for sheet in sheets for cell in sheet.get("cells", ()) if cell.get("cell_type") == "code"]
        codes = [code if isinstance(code := cell.get("source", cell.get("input", "")), str) else "".join(code)
                 for cell in cells]  # fmt: skip
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise BadInput(f"{path}: not a notebook: {error}") from error
    lines: list[str] = []
    first_lines: list[int] = []
    skipped: dict[str, str] = {}
    for number, code in enumerate(codes, 1):
        first_lines.append(len(lines) + 1)
        cell = code.replace("\r\n", "\n").split("\n")
        try:
            lines += _python_lines(cell)
        except SyntaxError as error:
            skipped[f"cell {number}"] = f"cell {number}, line {error.lineno}: {error.msg}"
            lines += [""] * len(cell)
    _FIRST_LINES[str(path)] = first_lines
    if skipped and len(skipped) == len(codes):
        raise BadInput(f"{path}: no code cell is Python 3: {skipped['cell 1']}")
    text = "\n".join(lines) + "\n"
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    return text, skipped


def place(path: str | Path, line: int) -> str:
    """`cell 3, line 4` for a line of a notebook that was read, `line 31` for any other file."""
    first_lines = _FIRST_LINES.get(str(path))
    if not first_lines:
        return f"line {line}"
    cell = bisect_right(first_lines, line)
    return f"cell {cell}, line {line - first_lines[cell - 1] + 1}"


def _python_lines(cell: list[str]) -> list[str]:
    """The lines of a cell, as many as before, with `pass` in place of magics and shell commands."""
    if _CELL_OF_ANOTHER_LANGUAGE.match(cell[0]):
        return [""] * len(cell)
    try:
        _compile(cell)
        return cell
    except (SyntaxError, ValueError):
        lines = [_MAGIC.sub(r"\1pass", line) for line in cell]
        _compile(lines)
        return lines


def _compile(lines: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile("\n".join(lines), "", "exec", dont_inherit=True)
