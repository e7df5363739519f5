"""Counts what one checker found: bugs, false alarms, and the bugs that it gets credit for.

A harness is one way of pointing a checker at a plugin, such as "layer in eval". One that complains of any correct
plugin gets no credit: nobody could tell its complaints of bugs from its noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from running import CHECKERS, Found
from verdicts import Verdicts


@dataclass
class Tally:
    """What one checker said of the bugs, and of the correct code."""

    checker: str
    bugs: list[Found]
    right: list[Found]

    @property
    def title(self) -> str:
        """What the checker is called."""
        return CHECKERS[self.checker][0]

    @property
    def seconds(self) -> float:
        """What looking at all files took, without loading the checker."""
        return sum(found.seconds for found in self.bugs + self.right)

    @property
    def noisy(self) -> set[str]:
        """The harnesses that complain of correct code."""
        return {harness for found in self.right for harness in found.complaints}

    @property
    def caught(self) -> set[str]:
        """The files of bugs of which any harness complains."""
        return {found.file for found in self.bugs if found.complaints}

    @property
    def credited(self) -> set[str]:
        """The files of bugs of which a harness complains that never complains of correct code."""
        return {found.file for found in self.bugs if set(found.complaints) - self.noisy}

    @property
    def alarms(self) -> list[Found]:
        """The correct plugins that it complains of."""
        return [found for found in self.right if found.complaints]

    @property
    def line(self) -> str:
        """One line of counts."""
        return (
            f"{self.title}: caught {len(self.caught)} of {pointed(self.bugs)}, credited {len(self.credited)}, "
            f"{len(self.alarms)} false alarms on {pointed(self.right)}, {self.seconds:.0f} s; "
            f"{sum(bool(found.refused) for found in self.bugs + self.right)} could not be used"
        )


def pointed(found: Sequence[Found]) -> int:
    """How many files a checker could be pointed at."""
    return sum(bool(row.harnesses) for row in found)


def measured(checker: str, bugs: Path, right: Path, kept: Verdicts) -> Tally:
    """What one checker says of two folders, run where it is not kept."""
    return Tally(checker, *(kept.run(checker, sorted(folder.glob("*.py"))) for folder in (bugs, right)))
