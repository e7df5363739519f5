"""A violation as it is printed: location, source excerpt, numbers, likely cause, suggested fix.

    console().print(Diagnostic(violation))

    layers.py:12:40: gradient: dx of Softmax.backward is wrong
       |
    12 |     return self.p * (dy - (dy * self.p).sum(axis=0, keepdims=True))
       |                                             ^^^^^^
       dx[0, 1] = -0.0120, finite differences give 0.1165
       likely cause: the sum runs over axis 0 (the batch); softmax normalizes over axis 1
       suggested fix: axis=0 -> axis=1
       more: nn laws gradient
"""

from __future__ import annotations

import tokenize
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from nnlaw.cli.output.console import Hanging
from nnlaw.cli.output.streams import clean, one_line
from nnlaw.spec.discovery.source import read_source
from nnlaw.spec.law import CATALOG
from nnlaw.spec.violation import SMALLEST_INPUT, Edit, Violation

INDENT = "   "
LAWS = "nnlaw.spec.laws."  # the laws that have a page
MAX_FILE_SIZE = 2**20  # bytes; no excerpt is shown of a larger file


@dataclass(frozen=True)
class Diagnostic:
    """Prints a violation. With `verbose`, also the smallest input that fails."""

    violation: Violation
    verbose: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Hanging(Text(), self.headline())
        yield from _excerpt(self.violation, options.max_width)
        for line in self.lines():
            yield Hanging(Text(INDENT), line)

    def headline(self) -> Text:
        """The first line; location and law are emphasized."""
        place, law = one_line(str(self.violation.place)), self.violation.law
        text = Text(one_line(_rounded(self.violation).headline))
        text.stylize("bold", 0, len(place))
        start = len(place) + 2 if place else 0
        text.stylize("bold red", start, start + len(law))
        return text

    def lines(self) -> list[Text]:
        """The lines below the excerpt."""
        violation = _rounded(self.violation)
        lines = [line for line in violation.details if self.verbose or line[0] != SMALLEST_INPUT]
        laws = [row for row in CATALOG.values() if row.code == violation.law]
        if any(row.check.__module__.startswith(LAWS) for row in laws):  # a law of the user's own file has no page
            lines.append(("more", f"nn laws {violation.law}"))
        return [Text.assemble((f"{label}: " if label else "", "bold"), one_line(text)) for label, text in lines]


def _rounded(violation: Violation) -> Violation:
    """The violation with its two numbers rounded, if they still differ then."""
    actual, expected = _rounded_number(violation.actual), _rounded_number(violation.expected)
    return violation if actual == expected else violation.with_fields(actual=actual, expected=expected)


def _rounded_number(text: str) -> str:
    """A decimal number with four significant digits; other text unchanged."""
    try:
        return f"{float(text):.4g}" if "." in text else text
    except ValueError:
        return text


def _excerpt(violation: Violation, width: int) -> RenderResult:
    """The source line, with carets below the expression that a suggested fix replaces."""
    place = violation.place
    line = source_line(place.path, place.line)
    if not line:
        return
    number = str(place.line)
    gutter = max(len(number), len(INDENT) - 1)
    start, end = _columns(violation, line)
    code, first, last = _window(line, start, end, width - gutter - 3)
    yield Text(f"{'':{gutter}} |", "blue")
    yield Text.assemble((f"{number:>{gutter}} | ", "blue"), code)
    if last > first:
        yield Text.assemble((f"{'':{gutter}} | ", "blue"), " " * first, ("^" * (last - first), "red"))


def source_line(path: str, number: int) -> str:
    """A line of a source file; empty if it can't be read."""
    file = Path(path)
    try:
        if not path or not file.is_file() or file.stat().st_size > MAX_FILE_SIZE:
            return ""
        if file.suffix == ".ipynb":
            lines = read_source(file).text.split("\n")
        else:
            with tokenize.open(file) as source:
                lines = source.read().split("\n")
    except (OSError, SyntaxError, UnicodeError, ValueError):
        return ""
    return lines[number - 1].rstrip() if 0 < number <= len(lines) else ""


def _columns(violation: Violation, line: str) -> tuple[int, int]:
    """Start and end, from 0, of the expression to replace; (0, 0) if it is not known."""
    edit = _located_edit(violation)
    if edit is None:
        return 0, 0
    return edit.column - 1, edit.end_column - 1 if edit.end_line == edit.line else len(line)


def _located_edit(violation: Violation) -> Edit | None:
    edits = violation.suggestion.edits if violation.suggestion else ()
    return edits[0] if len(edits) == 1 and edits[0].column else None


def _window(line: str, start: int, end: int, width: int) -> tuple[str, int, int]:
    """The line cut to `width` cells around the characters from `start` to `end`, and the cells where these are."""
    before, marked, after = clean(line[:start]), clean(line[start:end]), clean(line[end:])
    first, last = cell_len(before), cell_len(before) + cell_len(marked)
    text = before + marked + after
    if last > width - 1 and cell_len(text) > width:  # show the end of the marked expression
        keep = max(0, width - 2 - cell_len(marked))
        removed = max(0, first - keep)
        text = "…" + _without_cells(text, removed)
        first, last = first - removed + 1, last - removed + 1
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    return text, min(first, width), min(last, width)


def _without_cells(text: str, count: int) -> str:
    """The text without its first `count` cells."""
    while count > 0:
        count -= cell_len(text[0])
        text = text[1:]
    return text
