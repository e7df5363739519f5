"""How people write the ten digits: the pen's path in each style, in a table that you can edit.

A style is `(share, path)`. The path lists the points that the pen passes through, `x,y` in a square of 100×100 with y
down; `!` behind a point makes it a sharp corner, every other is rounded; `|` lifts the pen. A point that is named twice
is one point, so that a closed loop stays closed. Shares are relative to the other styles of the digit. Set by hand,
from how people of different schools write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

GAP = 6.0  # units between two points of a drawn path, at most
Floats = NDArray[np.float64]

STYLES: dict[int, tuple[tuple[int, str], ...]] = {
    0: (
        (4, "50,2 28,12 17,40 20,72 40,97 62,94 80,68 82,36 70,10 50,2"),
        (3, "50,2 36,20 30,50 36,82 50,98 64,82 70,50 64,20 50,2"),
        (3, "66,10 42,4 22,28 16,60 30,92 56,96 78,74 84,44 74,14 56,2 40,8"),  # the ends overlap
        (2, "50,10 22,20 8,50 20,82 50,92 80,80 92,50 78,18 50,10"),  # wide
        (2, "40,6 22,22 14,52 24,88 50,98 76,84 84,50 74,16 58,6 50,16"),  # ends inside
        (1, "70,14 54,6 30,14 16,46 24,84 48,97 74,84 84,48 72,18 52,18 44,4"),  # curl on top
    ),
    1: (
        (12, "50,2 50,98"),
        (2, "34,22 52,4! 50,98"),  # with a flag
        (1, "30,24 52,4! 50,95 | 24,96 78,95"),  # with flag and foot
        (1, "48,2 46,80 54,96 64,90"),
        (1, "36,16 46,6 54,10 52,50 48,98"),
    ),
    2: (
        (4, "22,24 34,6 58,4 74,20 70,42 48,66 20,95! 50,94 84,93"),
        (4, "22,22 40,4 66,8 74,28 62,54 36,82 18,94 12,84 26,78 46,90 66,98 86,88"),  # with a loop
        (2, "20,14 46,8 72,12 68,26 46,58 20,92! 84,90"),  # like a Z
        (3, "24,30 30,10 54,3 70,18 66,40 44,70 22,92! 40,86 60,94 84,90"),
        (2, "20,20 44,3 72,14 70,42 44,76 18,96 8,86 22,76 44,84 66,97 92,92"),
        (2, "26,18 46,4 68,14 66,38 44,66 22,88 20,95 34,92 60,93 80,96"),
        (1, "34,32 22,24 32,8 56,3 74,18 68,44 46,70 18,95! 52,92 86,94"),
    ),
    3: (
        (4, "22,14 44,3 68,10 70,30 42,47! 70,56 76,78 54,96 20,90"),
        (2, "22,8 74,6! 44,42! 70,54 74,78 50,96 18,88"),  # flat on top
        (3, "24,12 50,3 70,18 62,38 44,48 34,44 42,42 66,54 74,76 52,97 20,88"),  # loop in the middle
        (3, "20,16 46,4 70,16 64,38 46,48! 68,58 72,82 44,98 16,86"),
        (2, "34,8 56,3 72,16 60,36 40,46! 66,52 78,72 60,92 34,97 10,86"),
        (1, "26,6 66,6 66,12! 40,40! 64,46 74,64 62,84 22,96"),
    ),
    4: (
        (4, "26,4 22,52! 80,50 | 72,4 68,98"),  # open
        (3, "64,4 18,62! 86,60 | 64,4 60,98"),  # closed
        (3, "24,6 18,38 34,56 62,50 74,36 | 78,4 70,50 62,98"),
        (2, "24,4 20,36 36,54 60,46 74,10! 68,50 60,98"),  # in one stroke
        (2, "34,4 14,56! 90,54 | 70,24 56,98"),
        (2, "30,4 20,46 26,58 50,56 86,46 | 72,6 60,98"),
    ),
    5: (
        (4, "78,6 32,8! 28,44 52,38 74,56 70,82 46,97 18,88"),
        (3, "32,10 28,42 54,38 74,58 68,84 44,97 18,88 | 30,9 82,5"),  # the bar by itself
        (2, "72,8 44,6 28,20 34,40 60,52 72,70 62,90 38,98 18,88"),  # like an S
        (2, "78,4 34,6! 26,46! 58,42 76,62 66,88 38,97 14,90"),
        (2, "96,8 44,12! 36,46 58,48 66,64 50,86 22,94 4,86"),
        (1, "70,4 34,6! 30,40 58,38 72,60 56,90 24,92 18,78"),
        (1, "74,6 30,8! 26,40 54,36 66,58 60,98"),
    ),
    6: (
        (4, "66,4 40,24 24,56 26,84 48,97 70,86 72,66 54,54 34,62 24,76"),
        (3, "74,14 58,4 36,20 22,54 28,86 52,97 74,82 70,60 48,54 28,66"),
        (2, "60,2 40,34 28,66 34,92 54,97 68,84 64,68 48,62 32,76"),
        (2, "40,2 26,40 24,80 42,97 66,90 72,70 56,58 34,66 26,82"),  # like a b
        (2, "60,4 26,30 12,64 26,94 60,96 84,78 74,56 46,52 22,70"),
        (1, "50,2 22,34 14,72 34,96 66,92 84,74 64,62 48,70 50,80"),
    ),
    7: (
        (4, "18,12 78,8! 62,40 42,98"),
        (2, "20,22 20,8! 76,8! 44,97"),
        (3, "16,18 40,8 70,8 78,18 62,50 44,98"),
        (2, "18,12 78,8! 58,46 42,98 | 34,52 74,48"),  # crossed
        (2, "20,8 74,8! 70,50 66,98"),
        (2, "16,24 26,10 44,16 78,8! 56,50 44,98"),
        (1, "18,22 22,8! 78,8! 44,97 | 30,54 72,50"),
    ),
    8: (
        (4, "72,14 50,3 28,16 34,36 58,50 74,72 58,95 34,94 24,74 42,52 66,34 76,18"),  # open on top
        (4, "60,8 40,4 28,20 40,40 62,56 72,78 52,97 30,82 40,58 60,42 72,22 60,8"),
        (2, "50,3 30,14 32,36 50,46 68,36 70,14 50,3 | 50,46 26,62 28,88 50,97 74,88 74,62 50,46"),  # two circles
        (2, "60,6 42,6 36,22 48,44 62,70 54,96 40,94 38,72 52,46 64,24 60,6"),
        (2, "84,8 52,6 32,18 44,38 60,60 56,92 38,95 34,76 52,52 86,14"),
        (2, "56,4 38,8 38,28 56,42 78,64 72,92 40,98 18,84 30,58 56,36 66,18 56,4"),
    ),
    9: (
        (4, "72,18 50,4 28,18 30,42 52,46 72,18! 68,50 62,98"),
        (2, "74,24 54,4 30,14 26,36 46,48 74,24! 74,60 60,90 34,96 18,86"),  # curled tail
        (3, "70,10 44,4 26,26 36,46 58,42 72,20 66,60 56,98"),
        (2, "82,20 50,10 16,28 28,48 62,40 82,20! 66,60 52,98"),
        (2, "68,12 46,3 28,20 34,42 56,42 70,22! 66,98"),
        (2, "66,12 42,6 26,26 40,46 66,34 70,14 68,50 50,90 36,97"),
    ),
}


@dataclass(frozen=True)
class Style:
    """One way to write one digit, ready to be bent: its K points, and how M points of the path come from them.

        path = weights @ points,   (M, K) @ (K, 2) -> (M, 2)

    `down` (M − 1,) is false where the pen is lifted between two points of the path.
    """

    points: Floats
    weights: Floats
    down: NDArray[np.bool_]


@cache
def styles(digit: int) -> tuple[tuple[Style, ...], Floats]:
    """The styles of a digit, and where in [0, 1) each one's share ends."""
    rows = STYLES[digit]
    ends = np.cumsum([share for share, _ in rows]) / sum(share for share, _ in rows)
    return tuple(_style(path) for _, path in rows), ends


def _style(path: str) -> Style:
    """Parse a path and lay a Catmull-Rom spline through its strokes; a corner is a point passed twice."""
    names: dict[tuple[float, ...], int] = {}
    blocks, down = [], []
    for stroke in path.split("|"):
        knots = []
        for word in stroke.split():
            point = tuple(float(number) for number in word.rstrip("!").split(","))
            place = names.setdefault(point, len(names))
            knots += [place, place] if word.endswith("!") else [place]
        blocks.append(knots)
    points = np.array(list(names))
    rows: list[Floats] = []
    for knots in blocks:
        drawn = _spline(knots, points)
        down += [True] * (len(drawn) - 1) + [False]
        rows += drawn
    return Style(points, np.array(rows), np.array(down[:-1]))


def _spline(knots: list[int], points: Floats) -> list[Floats]:
    """Rows of weights for points along the stroke, close enough that straight pieces between them look round.

    Between p₁ and p₂, at u from 0 to 1:  ½·((2p₁) + (p₂ − p₀)u + (2p₀ − 5p₁ + 4p₂ − p₃)u² + (3p₁ − p₀ − 3p₂ + p₃)u³).
    Source: E. Catmull, R. Rom, Computer Aided Geometric Design, 1974.
    """
    one = np.eye(len(points))
    rows = [one[knots[0]]]
    for i, (a, b) in enumerate(zip(knots, knots[1:], strict=False)):
        if a == b:
            continue
        before, after = knots[max(i - 1, 0)], knots[min(i + 2, len(knots) - 1)]
        p0, p1, p2, p3 = one[before], one[a], one[b], one[after]
        length = float(np.sqrt(np.square(points[b] - points[a]).sum()))
        count = max(2, int(np.ceil(length / GAP)))
        for k in range(1, count + 1):
            u = k / count
            quadratic, cubic = 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * p1 - p0 - 3 * p2 + p3
            rows.append(0.5 * (2 * p1 + u * (p2 - p0 + u * (quadratic + u * cubic))))
    return rows
