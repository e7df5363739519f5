"""The curves of the table in strokes.py, ready to be bent: the points of a path, and how a handle moves each.

    for style in styles(8)[0]: ...      Style(points, path, bend, down)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.synthetic.strokes import STYLES

GAP = 6.0  # units between two points of a drawn path, at most
HANDLES = 16
MAX_LENGTH = 80  # points of the longest path
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """One way to write one digit, ready to be bent: its K points, and how the M points of its path come from them.

        x, y = path @ points,   (M, K) @ (K, 2) -> (M, 2)

    `bend` (M, HANDLES) tells how much each handle of the sheet moves each point of the path. `down` (M − 1,) is false
    where the pen is lifted between two points.
    """

    points: Floats
    path: Floats
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
    drawn = [_spline(knots, points) for knots in strokes]
    down = [[True] * (len(rows) - 1) + [False] for rows in drawn]
    whole = np.concatenate(drawn)
    return Style(
        points,
        whole,
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


def _handles(path: Floats) -> Floats:
    """How much each of 4×4 handles moves a point of the unit square: (M, 2) -> (M, 16), products of Bernstein weights.

        B(t) = (1 − t)³, 3t(1 − t)², 3t²(1 − t), t³.   Source: T. Sederberg, S. Parry, SIGGRAPH 1986.
    """
    t = np.clip(path, 0, 1)
    b = np.stack([(1 - t) * (1 - t) * (1 - t), 3 * t * (1 - t) * (1 - t), 3 * t * t * (1 - t), t * t * t], axis=2)
    return (b[:, 0, :, None] * b[:, 1, None, :]).reshape(len(t), HANDLES)
