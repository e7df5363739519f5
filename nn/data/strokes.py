"""How people write the ten digits: the pen's path in each style, in a table that you can edit.

A style is `(share, path)`. The path lists the points that the pen passes through, `x,y` in a square of 100×100 with y
down; `!` behind a point makes it a sharp corner, every other is rounded; `|` lifts the pen. A point that is named twice
is one point, so that a closed loop stays closed. Shares are relative to the other styles of the digit. Set by hand,
from how people of different schools write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

GAP = 6.0  # units between two points of a drawn path, at most
CUT = 2  # points on either side over which a corner is cut short
HANDLES = 16
LONGEST = 80  # points of the longest path
Floats = NDArray[np.float64]

STYLES: dict[int, tuple[tuple[int, str], ...]] = {
    0: (
        (4, "50,2 28,12 17,40 20,72 40,97 62,94 80,68 82,36 70,10 50,2"),
        (3, "50,2 36,20 30,50 36,82 50,98 64,82 70,50 64,20 50,2"),
        (3, "66,10 42,4 22,28 16,60 30,92 56,96 78,74 84,44 74,14 56,2 40,8"),  # the ends overlap
        (2, "50,10 22,20 8,50 20,82 50,92 80,80 92,50 78,18 50,10"),  # wide
        (2, "40,6 22,22 14,52 24,88 50,98 76,84 84,50 74,16 58,6 50,16"),  # ends inside
        (1, "70,14 54,6 30,14 16,46 24,84 48,97 74,84 84,48 72,18 52,18 44,4"),  # curl on top
        (1, "58,4 34,8 16,40 22,80 48,97 74,86 84,52 78,20"),  # open
        (1, "24,8 16,50 30,90 58,97 80,72 82,34 70,6"),
        (1, "50,2 28,12 17,40 20,72 40,97 62,94 80,68 82,36 70,10 50,2 | 66,24 36,78"),  # slashed
        (2, "44,10 20,30 16,70 42,97 74,84 84,44 64,8 44,6 56,32"),  # ends inside
        (1, "60,20 34,14 16,44 26,86 56,96 80,70 78,30 56,6 34,4"),
    ),
    1: (
        (14, "50,2 50,98"),
        (3, "74,8 26,92"),  # leaning
        (2, "34,22 52,4! 50,98"),  # with a flag
        (2, "30,24 52,4! 50,95 | 24,96 78,95"),  # with flag and foot
        (1, "48,2 46,80 54,96 64,90"),
        (1, "36,16 46,6 54,10 52,50 48,98"),
        (1, "28,40 60,4! 46,96 | 10,92 84,98"),
        (1, "56,2 46,40 46,70 56,98"),
    ),
    2: (
        (3, "22,24 34,6 58,4 74,20 70,42 48,66 20,95! 50,94 84,93"),
        (3, "22,22 40,4 66,8 74,28 62,54 36,82 18,94 12,84 26,78 46,90 66,98 86,88"),  # with a loop
        (2, "20,14 46,8 72,12 68,26 46,58 20,92! 84,90"),  # like a Z
        (2, "24,30 30,10 54,3 70,18 66,40 44,70 22,92! 40,86 60,94 84,90"),
        (3, "20,20 44,3 72,14 70,42 52,72 28,94 10,92 10,76 28,70 50,82 66,92 92,94"),  # large loop
        (3, "26,30 30,10 52,2 70,16 70,44 56,76 36,96 20,92 20,74 36,68 56,80 88,100"),  # large loop, falling tail
        (3, "18,18 40,4 64,10 70,34 58,66 34,92 18,94 14,80 30,70 56,76 96,74"),  # rising tail
        (2, "26,18 46,4 68,14 66,38 44,66 22,88 20,95 34,92 60,93 80,96"),
        (1, "34,32 22,24 32,8 56,3 74,18 68,44 46,70 18,95! 52,92 86,94"),
        (2, "24,34 36,10 56,8 60,28 42,60 18,88 12,92 30,82 56,84 92,96"),  # small head, long tail
        (2, "10,30 40,8 68,12 62,34 30,58 4,84! 30,76 60,78 98,72"),  # wide and low
        (1, "20,12 54,2 66,16 62,50 50,94 30,98 22,84 36,76 54,86 74,96"),
        (1, "44,4 64,10 66,40 58,74 44,96 26,96 22,80 38,72 62,84 84,90"),  # like a d
    ),
    3: (
        (4, "22,14 44,3 68,10 70,30 42,47! 70,56 76,78 54,96 20,90"),
        (2, "22,8 74,6! 44,42! 70,54 74,78 50,96 18,88"),  # flat on top
        (3, "24,12 50,3 70,18 62,38 44,48 34,44 42,42 66,54 74,76 52,97 20,88"),  # loop in the middle
        (3, "20,16 46,4 70,16 64,38 46,48! 68,58 72,82 44,98 16,86"),
        (2, "34,8 56,3 72,16 60,36 40,46! 66,52 78,72 60,92 34,97 10,86"),
        (1, "26,6 66,6 66,12! 40,40! 64,46 74,64 62,84 22,96"),
        (2, "18,24 36,4 64,6 72,24 52,44 36,46 58,48 80,64 70,90 40,98 12,86"),
        (1, "14,10 60,4 66,22 40,38 26,44! 62,46 88,64 76,92 40,98 10,92"),
        (1, "34,20 28,8 46,2 64,12 62,34 46,46! 66,56 72,80 52,98 30,90 32,76"),  # curled ends
        (2, "16,6 70,10 44,40! 72,52 74,84 46,98 16,80"),
        (2, "28,20 22,8 46,2 70,12 60,36 44,44! 76,54 84,80 50,98 14,86"),
        (2, "18,20 44,2 72,18 60,40 34,48! 70,52 74,86 44,98 26,86 36,74"),  # curled foot
        (2, "10,16 50,2 76,16 54,38 26,44! 70,50 90,70 66,92 20,98"),  # wide
    ),
    4: (
        (4, "26,4 22,52! 80,50 | 72,4 68,98"),  # open
        (3, "64,4 18,62! 86,60 | 64,4 60,98"),  # closed
        (3, "24,6 18,38 34,56 62,50 74,36 | 78,4 70,50 62,98"),
        (2, "24,4 20,36 36,54 60,46 74,10! 68,50 60,98"),  # in one stroke
        (2, "34,4 14,56! 90,54 | 70,24 56,98"),
        (2, "30,4 20,46 26,58 50,56 86,46 | 72,6 60,98"),
        (2, "22,20 18,56! 84,46 | 70,2 68,98"),
        (1, "30,2 10,60! 64,52 | 58,22 50,98"),
        (2, "30,10 26,40 40,52 66,44 74,6! 66,54 60,98"),
        (1, "50,2 22,54! 46,56 84,50 | 62,30 52,98"),
        (1, "16,4 14,50 40,62 80,56 | 84,2 80,98"),
        (2, "34,2 24,50! 78,44 | 62,4 54,98"),
    ),
    5: (
        (4, "78,6 32,8! 28,44 52,38 74,56 70,82 46,97 18,88"),
        (3, "32,10 28,42 54,38 74,58 68,84 44,97 18,88 | 30,9 82,5"),  # the bar by itself
        (2, "72,8 44,6 28,20 34,40 60,52 72,70 62,90 38,98 18,88"),  # like an S
        (2, "78,4 34,6! 26,46! 58,42 76,62 66,88 38,97 14,90"),
        (2, "96,8 44,12! 36,46 58,48 66,64 50,86 22,94 4,86"),
        (1, "70,4 34,6! 30,40 58,38 72,60 56,90 24,92 18,78"),
        (1, "74,6 30,8! 26,40 54,36 66,58 60,98"),
        (2, "70,10 38,14! 32,40 50,40 66,56 62,80 40,96 20,92 | 36,12 92,4"),
        (2, "60,4 34,12 26,36 40,50 62,62 66,84 44,98 20,92 16,80"),
        (1, "34,22 28,50 48,44 72,56 74,82 48,98 22,90 | 38,18 74,2"),  # bar apart
        (3, "66,8 30,10! 24,42 60,34 82,56 72,88 40,98 16,88 14,70"),  # round belly
        (2, "70,4 34,6! 30,28 62,34 80,60 64,92 30,96 14,80"),
        (2, "100,4 50,14! 38,40 56,52 54,76 30,94 4,84"),  # leaning
        (2, "34,8 26,46! 54,36 78,54 74,84 46,98 20,86 | 34,10 88,6"),
        (1, "60,4 36,10! 24,44 60,40 76,66 56,94 24,94 14,72 24,56"),  # like a 6
        (1, "50,16 36,30 40,46 60,56 58,80 36,98 14,90 | 46,18 96,2"),
    ),
    6: (
        (4, "66,4 40,24 24,56 26,84 48,97 70,86 72,66 54,54 34,62 24,76"),
        (3, "74,14 58,4 36,20 22,54 28,86 52,97 74,82 70,60 48,54 28,66"),
        (2, "60,2 40,34 28,66 34,92 54,97 68,84 64,68 48,62 32,76"),
        (2, "40,2 26,40 24,80 42,97 66,90 72,70 56,58 34,66 26,82"),  # like a b
        (2, "60,4 26,30 12,64 26,94 60,96 84,78 74,56 46,52 22,70"),
        (1, "50,2 22,34 14,72 34,96 66,92 84,74 64,62 48,70 50,80"),
        (2, "34,2 16,34 12,76 34,97 66,92 84,70 66,54 40,66 30,88"),
        (2, "58,2 46,30 34,62 36,90 52,97 64,82 56,68 40,76"),  # small loop
        (1, "80,10 54,6 26,30 12,62 26,92 60,94 72,74 52,62 24,74"),
        (3, "36,4 14,40 12,80 44,97 78,84 82,58 60,52 48,70 62,84"),  # the loop apart
        (2, "26,2 14,40 22,86 56,97 82,78 78,54 56,56 46,76 60,92"),
        (2, "30,2 20,40 22,84 46,97 60,80 56,62 40,60 26,72"),
        (1, "60,4 30,40 28,84 50,96 66,80 50,68 14,74"),
    ),
    7: (
        (4, "18,12 78,8! 62,40 42,98"),
        (2, "20,22 20,8! 76,8! 44,97"),
        (3, "16,18 40,8 70,8 78,18 62,50 44,98"),
        (2, "18,12 78,8! 58,46 42,98 | 34,52 74,48"),  # crossed
        (2, "20,8 74,8! 70,50 66,98"),
        (2, "16,24 26,10 44,16 78,8! 56,50 44,98"),
        (1, "18,22 22,8! 78,8! 44,97 | 30,54 72,50"),
        (2, "14,36 22,10! 46,16 80,8! 62,48 48,98"),
        (2, "12,40 26,12 56,8 74,14! 56,56 46,98"),
        (1, "22,10 70,6 76,20 58,50 52,80 60,98"),
        (1, "14,14 76,8! 62,40 40,98 | 24,60 84,44"),
        (3, "16,10 72,6! 54,50 44,98 | 16,56 82,46"),  # crossed
        (2, "14,14 66,10! 60,50 48,98 | 30,52 86,50"),
        (1, "16,22 28,10! 70,10! 56,50 30,98 | 22,58 80,42"),
        (1, "8,24 24,10 60,6 88,18 80,40 70,60"),
        (1, "14,30 20,8! 44,18 82,10! 70,50 68,98"),
    ),
    8: (
        (4, "72,14 50,3 28,16 34,36 58,50 74,72 58,95 34,94 24,74 42,52 66,34 76,18"),  # open on top
        (3, "60,8 40,4 28,20 40,40 62,56 72,78 52,97 30,82 40,58 60,42 72,22 60,8"),
        (2, "50,3 30,14 32,36 50,46 68,36 70,14 50,3 | 50,46 26,62 28,88 50,97 74,88 74,62 50,46"),  # two circles
        (2, "50,2 22,8 18,34 46,46 80,38 82,12 50,2 | 46,46 18,58 16,86 50,98 84,90 84,60 46,46"),  # two wide circles
        (2, "60,6 42,6 36,22 48,44 62,70 54,96 40,94 38,72 52,46 64,24 60,6"),
        (3, "86,6 54,6 32,18 44,38 60,60 56,92 38,95 34,76 52,52 86,10"),  # arms to the right
        (2, "56,4 38,8 38,28 56,42 78,64 72,92 40,98 18,84 30,58 56,36 66,18 56,4"),
        (2, "74,24 66,6 40,6 28,22 48,42 70,62 70,88 46,98 26,84 40,60 62,44 88,16"),
        (2, "40,6 26,22 44,40 68,58 64,88 38,96 24,78 44,54 70,32 66,10 40,6"),
        (1, "64,14 44,4 28,18 40,34 64,24 64,14 | 46,38 24,66 36,94 66,90 74,64 46,38"),
        (2, "26,10 22,30 46,44 66,62 60,92 38,98 32,78 48,50 66,30 74,4"),  # open, like a ribbon
        (1, "74,10 44,4 26,22 44,38 80,44! 46,50 24,72 40,96 70,88 66,62 44,50"),
    ),
    9: (
        (4, "72,18 50,4 28,18 30,42 52,46 72,18! 68,50 62,98"),
        (3, "76,24 60,4 32,6 20,28 32,48 58,46 76,24! 74,60 70,98"),  # round head
        (3, "74,30 58,6 30,8 16,34 28,58 54,54 74,30! 76,64 78,98"),  # large round head
        (2, "74,24 54,4 30,14 26,36 46,48 74,24! 74,60 60,90 34,96 18,86"),  # curled tail
        (3, "70,10 44,4 26,26 36,46 58,42 72,20 66,60 56,98"),
        (2, "82,20 50,10 16,28 28,48 62,40 82,20! 66,60 52,98"),
        (2, "68,12 46,3 28,20 34,42 56,42 70,22! 66,98"),
        (2, "66,12 42,6 26,26 40,46 66,34 70,14 68,50 50,90 36,97"),
        (2, "80,14 54,4 28,14 24,38 46,46 70,34 76,20! 72,60 64,98"),  # open on top
        (1, "60,16 44,8 30,22 40,38 60,28 64,12! 60,60 52,98"),  # small head
        (2, "86,8 52,6 24,22 30,42 60,36 78,12! 62,56 40,98"),
        (1, "76,34 66,10 38,6 20,28 36,46 70,36 76,34! 72,66 52,94 24,92"),
        (2, "60,44 34,50 22,30 38,8 66,6 70,30 60,44! 54,70 50,98"),  # ends at the foot of the head
    ),
}


@dataclass(frozen=True)
class Style:
    """One way to write one digit, ready to be bent: its K points, and how the M points of its path come from them.

        path = weights @ points,   (M, K) @ (K, 2) -> (M, 2)

    `sharp` passes through all points, `round` cuts the corners short. `bend` (M, HANDLES) tells how much a handle of
    the sheet moves each point of the path. `down` (M − 1,) is false where the pen is lifted between two points.
    """

    points: Floats
    sharp: Floats
    round: Floats
    bend: Floats
    down: NDArray[np.bool_]


@cache
def styles(digit: int) -> tuple[tuple[Style, ...], Floats]:
    """The styles of a digit, and where in [0, 1) each one's share ends."""
    rows = STYLES[digit]
    ends = np.cumsum([share for share, _ in rows]) / sum(share for share, _ in rows)
    return tuple(_style(path) for _, path in rows), ends


def _style(path: str) -> Style:
    names: dict[tuple[float, ...], int] = {}
    strokes = []
    for stroke in path.split("|"):
        knots = []
        for word in stroke.split():
            point = tuple(float(number) for number in word.rstrip("!").split(","))
            place = names.setdefault(point, len(names))
            knots += [place, place] if word.endswith("!") else [place]
        strokes.append(knots)
    points = np.array(list(names))
    sharp = [_spline(knots, points) for knots in strokes]
    down = [[True] * (len(rows) - 1) + [False] for rows in sharp]
    whole = np.concatenate(sharp)
    return Style(
        points,
        whole,
        np.concatenate([_rounded(rows) for rows in sharp]),
        _handles(_product(whole, points) / 100),
        np.concatenate(down)[:-1],
    )


def _product(a: Floats, b: Floats) -> Floats:
    """a @ b, summed in one order on every machine."""
    total = np.zeros((len(a), b.shape[1]))
    for i in range(len(b)):
        total += a[:, i, None] * b[i]
    return total


def _spline(knots: list[int], points: Floats) -> Floats:
    """Weights (m, K) of points along a stroke, close enough that straight pieces between them look round.

    Between p₁ and p₂, at u from 0 to 1:  ½·((2p₁) + (p₂ − p₀)u + (2p₀ − 5p₁ + 4p₂ − p₃)u² + (3p₁ − p₀ − 3p₂ + p₃)u³);
    a corner is a point passed twice. Source: E. Catmull, R. Rom, Computer Aided Geometric Design, 1974.
    """
    one = np.eye(len(points))
    rows = [one[knots[0]]]
    for i, (a, b) in enumerate(pairwise(knots)):
        if a == b:
            continue
        p0, p1, p2, p3 = one[knots[max(i - 1, 0)]], one[a], one[b], one[knots[min(i + 2, len(knots) - 1)]]
        second, third = 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * p1 - p0 - 3 * p2 + p3
        length = float(np.sqrt(np.square(points[b] - points[a]).sum()))
        count = max(2, int(np.ceil(length / GAP)))
        for u in np.arange(1, count + 1) / count:
            rows.append(0.5 * (2 * p1 + u * (p2 - p0 + u * (second + u * third))))
    return np.array(rows)


def _rounded(rows: Floats) -> Floats:
    """Each row's mean with up to CUT rows on either side, as many on both, so that the ends stay."""
    out = np.empty_like(rows)
    for i in range(len(rows)):
        near = min(i, len(rows) - 1 - i, CUT)
        out[i] = sum(rows[i - near : i + near + 1]) / (2 * near + 1)
    return out


def _handles(path: Floats) -> Floats:
    """How much each of 4×4 handles moves a point of the unit square: (M, 2) -> (M, 16), products of Bernstein weights.

        B(t) = (1 − t)³, 3t(1 − t)², 3t²(1 − t), t³.   Source: T. Sederberg, S. Parry, SIGGRAPH 1986.
    """
    t = np.clip(path, 0, 1)
    b = np.stack([(1 - t) * (1 - t) * (1 - t), 3 * t * (1 - t) * (1 - t), 3 * t * t * (1 - t), t * t * t], axis=2)
    return (b[:, 0, :, None] * b[:, 1, None, :]).reshape(len(t), HANDLES)
