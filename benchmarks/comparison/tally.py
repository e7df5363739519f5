"""Count what one checker found: caught bugs, false positives, and credited bugs.

A harness is one way to apply a checker to a file, such as "layer in eval". A harness that fails on any correct file
gets no credit, because its failures on bugs cannot be distinguished from false positives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from results import Results
from running import CHECKERS, Found


@dataclass
class Tally:
    """The results of one checker on the bugs and on the correct code."""

    checker: str
    bugs: list[Found]
    right: list[Found]

    @property
    def title(self) -> str:
        """The checker's display name."""
        return CHECKERS[self.checker][0]

    @property
    def seconds(self) -> float:
        """The time to check all files, without loading the checker."""
        return sum(found.seconds for found in self.bugs + self.right)

    @property
    def noisy(self) -> set[str]:
        """The harnesses that fail on correct code."""
        return {harness for found in self.right for harness in found.complaints}

    @property
    def caught(self) -> set[str]:
        """The files of bugs on which any harness fails."""
        return {found.file for found in self.bugs if found.complaints}

    @property
    def credited(self) -> set[str]:
        """The files of bugs on which a harness fails that passes on all correct code."""
        return {found.file for found in self.bugs if set(found.complaints) - self.noisy}

    @property
    def alarms(self) -> list[Found]:
        """The correct files on which a harness fails."""
        return [found for found in self.right if found.complaints]

    @property
    def line(self) -> str:
        """One line of counts."""
        return (
            f"{self.title}: caught {len(self.caught)} of {pointed(self.bugs)}, credited {len(self.credited)}, "
            f"{len(self.alarms)} false positives on {pointed(self.right)}, {self.seconds:.0f} s; "
            f"{sum(bool(found.refused) for found in self.bugs + self.right)} could not be loaded"
        )


def pointed(found: Sequence[Found]) -> int:
    """The number of files to which a checker could be applied."""
    return sum(bool(row.harnesses) for row in found)


def measured(checker: str, bugs: Path, right: Path, stored: Results) -> Tally:
    """Apply one checker to two folders, except for stored results."""
    return Tally(checker, *(stored.run(checker, sorted(folder.glob("*.py"))) for folder in (bugs, right)))
