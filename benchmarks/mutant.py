"""One mutant: a copy of a file with one small mistake."""

from __future__ import annotations

from dataclasses import dataclass

MATHEMATICS, MESSAGE, REFUSAL, NAME, ASIDE = "mathematics", "message", "refusal", "name", "aside"
"""What the mistake is in: what is computed; the words, or the condition, of a refusal; a registered name or a contract;
a function that only names or wraps."""


@dataclass(frozen=True)
class Mutant:
    """The whole text of the mutated file, the line that the mistake is in, that line before and after, and its sort.

    `own` tells whether mutmut itself would make it: in the body of a function that nothing decorates.
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
        """What tells it from the other mutants of all files."""
        return self.file, self.line, self.was, self.now
