"""Splines through the points of strokes.py: the weights by which points and control points move a drawn path.

    for style in styles(8)[0]: ...      Style(points, path, bend, down)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.synthetic.strokes import STYLES

SPACING = 6.0  # units between two points of a drawn path, at most
CONTROL_POINTS = 16
MAX_PATH_POINTS = 80
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """One way to write a digit: K points, and a path of M points that depends linearly on them.

        x, y = path @ points,   (M, K) @ (K, 2) -> (M, 2)

    `bend` (M, 16) is how far each control point of the sheet moves each point of the path. `down` (M − 1,) is false
    if the pen is lifted between two points.
    """

    points: Floats
    path: Floats
    bend: Floats
    down: NDArray[np.bool_]


@cache
def styles(digit: int) -> tuple[tuple[Style, ...], Floats]:
    """The styles of a digit, and the upper end of each one's share of [0, 1)."""
    rows = STYLES[digit]
    ends = np.cumsum([share for share, _ in rows]) / sum(share for share, _ in rows)
    return tuple(_style(path) for _, path in rows), ends


def _style(path: str) -> Style:
    indices: dict[tuple[float, ...], int] = {}
    strokes = []
    for stroke in path.split("|"):
        knots = []
        for word in stroke.split():
            point = tuple(float(number) for number in word.rstrip("!").split(","))
            index = indices.setdefault(point, len(indices))
            knots += [index, index] if word.endswith("!") else [index]
        strokes.append(knots)
    points = np.array(list(indices))
    curves = [_spline(knots, points) for knots in strokes]
    down = [[True] * (len(rows) - 1) + [False] for rows in curves]
    whole = np.concatenate(curves)
    return Style(
        points,
        whole,
        _bernstein_weights(_product(whole, points) / 100),
        np.concatenate(down)[:-1],
    )


def _product(a: Floats, b: Floats) -> Floats:
    """a @ b, summed in the same order on every machine."""
    total = np.zeros((len(a), b.shape[1]))
    for i in range(len(b)):
        total += a[:, i, None] * b[i]
    return total


def _spline(knots: list[int], points: Floats) -> Floats:
    """Weights (m, K) of the points of a Catmull-Rom spline, at most SPACING apart.

    Between p₁ and p₂, for u from 0 to 1:  ½·(2p₁ + (p₂ − p₀)u + (2p₀ − 5p₁ + 4p₂ − p₃)u² + (3p₁ − p₀ − 3p₂ + p₃)u³).
    A corner is a knot that occurs twice. Source: E. Catmull, R. Rom, Computer Aided Geometric Design, 1974.
    """
    unit = np.eye(len(points))
    rows = [unit[knots[0]]]
    for i, (a, b) in enumerate(pairwise(knots)):
        if a == b:
            continue
        p0, p1, p2, p3 = unit[knots[max(i - 1, 0)]], unit[a], unit[b], unit[knots[min(i + 2, len(knots) - 1)]]
        second, third = 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * p1 - p0 - 3 * p2 + p3
        length = float(np.sqrt(np.square(points[b] - points[a]).sum()))
        count = max(2, int(np.ceil(length / SPACING)))
        for u in np.arange(1, count + 1) / count:
            rows.append(0.5 * (2 * p1 + u * (p2 - p0 + u * (second + u * third))))
    return np.array(rows)


def _bernstein_weights(path: Floats) -> Floats:
    """How far each of 4×4 control points moves points of the unit square: (M, 2) -> (M, 16), Bernstein products.

        B(t) = (1 − t)³, 3t(1 − t)², 3t²(1 − t), t³.   Source: T. Sederberg, S. Parry, SIGGRAPH 1986.
    """
    t = np.clip(path, 0, 1)
    b = np.stack([(1 - t) * (1 - t) * (1 - t), 3 * t * (1 - t) * (1 - t), 3 * t * t * (1 - t), t * t * t], axis=2)
    return (b[:, 0, :, None] * b[:, 1, None, :]).reshape(len(t), CONTROL_POINTS)
