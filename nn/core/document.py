"""A page in blocks, written once, shown as plain text for a terminal or as Markdown for a document.

    page = Page().heading("Forward").text("z1 = x W1 + b1").code(["z1 = [0.6, 1.2]"])
    page.plain(), page.markdown()
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 100  # characters a line of plain text


@dataclass
class Page:
    """Blocks in order: ("heading", level, text), ("text", text), ("code", lines), ("table", rows), ("picture", ...)."""

    blocks: list[tuple[str, list[list[str]]]] = field(default_factory=list)

    def heading(self, text: str, level: int = 2) -> Page:
        """A heading; level 1 is the title."""
        return self._add("heading", [[str(level), text]])

    def text(self, text: str) -> Page:
        """A paragraph."""
        return self._add("text", [[text]])

    def code(self, lines: Sequence[str]) -> Page:
        """Lines kept as they are."""
        return self._add("code", [list(lines)])

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Page:
        """A table, its first row the header."""
        return self._add("table", [list(header), *(list(row) for row in rows)])

    def picture(self, path: str, caption: str) -> Page:
        """A picture beside the document."""
        return self._add("picture", [[path, caption]])

    def _add(self, kind: str, content: list[list[str]]) -> Page:
        self.blocks.append((kind, content))
        return self

    def plain(self) -> str:
        """For a terminal."""
        return "\n".join(_plain(kind, content) for kind, content in self.blocks).strip("\n") + "\n"

    def markdown(self) -> str:
        """For a document."""
        return "\n\n".join(_markdown(kind, content) for kind, content in self.blocks) + "\n"


def _plain(kind: str, content: list[list[str]]) -> str:
    if kind == "heading":
        level, text = content[0]
        return f"\n{text.upper() if level == '2' else text}\n{('=' if level == '1' else '-') * len(text)}"
    if kind == "text":
        return textwrap.fill(content[0][0], WIDTH) + "\n"
    if kind == "code":
        return "\n".join("    " + line for line in content[0]) + "\n"
    if kind == "picture":
        return f"[{content[0][1]}: {content[0][0]}]\n"
    widths = [max(len(row[i]) for row in content) for i in range(len(content[0]))]
    rows = ["    " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in content]
    return "\n".join([rows[0], "    " + "  ".join("-" * w for w in widths), *rows[1:]]) + "\n"


def _markdown(kind: str, content: list[list[str]]) -> str:
    if kind == "heading":
        return "#" * int(content[0][0]) + " " + content[0][1]
    if kind == "text":
        return content[0][0]
    if kind == "code":
        return "\n".join(["```text", *content[0], "```"])
    if kind == "picture":
        return f"![{content[0][1]}]({content[0][0]})"
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in content]
    return "\n".join([rows[0], "|" + "---|" * len(content[0]), *rows[1:]])
