"""What a class has in common: scores, and the laws that fail most.

    failures(grades)        [("gradient", 11), ("definition", 4)]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import mean, median

from nnlaw.nn.grade.score import Grade


def failures(grades: Sequence[Grade]) -> list[tuple[str, int]]:
    """The laws that fail, each with the number of students, the most frequent first."""
    counts = Counter(law for grade in grades for law in grade.failed_laws)
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def summary(grades: Sequence[Grade]) -> dict[str, float]:
    """Students, mean and median score, how many have all points, no points, or need a review."""
    scores = [grade.score for grade in grades] or [0.0]
    return {
        "students": len(grades),
        "mean": mean(scores),
        "median": median(scores),
        "full": sum(grade.score == grade.out_of for grade in grades),
        "zero": sum(grade.score == 0 for grade in grades),
        "review": sum(grade.review for grade in grades),
    }
