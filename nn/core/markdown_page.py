"""Build a page of Markdown block by block.

    page = MarkdownPage().heading("Forward").text("z1 = x W1 + b1").code(["z1 = [0.6, 1.2]"])
    page.markdown()

cli/output/markdown.py prints Markdown in a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class MarkdownPage:
    """Blocks of Markdown in order. Each method appends one and returns the page."""

    blocks: list[str] = field(default_factory=list)

    def heading(self, text: str, level: int = 2) -> MarkdownPage:
        """A heading; level 1 is the title."""
        return self.text(f"{'#' * level} {text}")

    def text(self, text: str) -> MarkdownPage:
        """A paragraph."""
        self.blocks.append(text)
        return self

    def code(self, lines: Sequence[str]) -> MarkdownPage:
        """A block of lines that are shown unchanged."""
        return self.text("\n".join(["```text", *lines, "```"]))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> MarkdownPage:
        """A table with a header."""
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (header, *rows)]
        return self.text("\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]]))

    def image(self, path: str, caption: str) -> MarkdownPage:
        """An image file beside the page."""
        return self.text(f"![{caption}]({path})")

    def markdown(self) -> str:
        """The whole page."""
        return "\n\n".join(self.blocks) + "\n"
