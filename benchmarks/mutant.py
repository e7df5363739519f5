"""One mutant: a copy of a file with one small mistake."""

from __future__ import annotations

from dataclasses import dataclass

MATHEMATICS, MESSAGE, REFUSAL, NAME, WRAPPER = "mathematics", "message", "refusal", "name", "wrapper"
"""What a mutant changes: a computation; the text, or the condition, of an error; a registered name or a contract;
a function that only names or wraps things."""


@dataclass(frozen=True)
class Mutant:
    """The text of the mutated file, the line of the mistake, that line before and after, and what is changed (`sort`).

    `own` is True if mutmut itself generates this mutant: it is in the body of a function without decorators.
    """

    file: str
    number: int
    line: int
    was: str
    now: str
    sort: str
    text: str
    own: bool = True

    @property
    def key(self) -> tuple[str, int, str, str]:
        """Identifies it among the mutants of all files."""
        return self.file, self.line, self.was, self.now
