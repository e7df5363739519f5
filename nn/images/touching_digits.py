"""Figures that touch each other, parted: where the ink is thinnest, if what is left and right of there are digits.

A seam is a path from the top of a glyph to its bottom that crosses as little ink as it can near a column. A few numbers
say how it lies between what it parts, and a small network says from them whether that is two figures or one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nnlaw.nn.images.ink_extraction import Grey, Mask, steps_of
from nnlaw.nn.images.segmentation import EDGE, boxed

ROWS = 24  # that a glyph is scaled to where seams are sought
REACHES = (6, 2)  # columns on each side that a seam may stray from its own: far around a curve, and straight on
BENT = 0.02  # what a step aside costs, in pixels of ink
PLAIN = 0.001  # what a pixel of paper costs
MAX_LENGTH = 8  # width / height of figures that are looked at
SEEN = 0.3  # of full ink: fainter is no stroke
LEAST = 1.0  # logit of a seam between figures; 0.03% of single digits exceed it, 95% of those side by side that touch

# The network as benchmarks/touching_fit.py learnt it. A row a unit, and in it the weights of: the ink that a seam
# crosses, in heights and in pens; from the first row of it to the last; ink of the whole box; rows in which both sides
# have ink, the paper between them there, its deviation; of the left, then of the right side, as `_shape` gives them:
# width, height, strokes that a row crosses, strokes that a column crosses. Lengths are shares of the height.
HIDDEN = np.array([
    [-3.06, 0.14, 0.58, 5.61, 0.21, -0.43, -2.13, -0.06, -0.40, -0.42, 0.03, -0.70, 0.53, -0.34, -0.74],
    [0.21, 0.34, 0.18, -0.61, -2.37, 1.44, 2.41, -0.94, -0.23, -2.45, -0.14, -1.34, -1.67, -1.55, 0.02],
    [1.30, -0.49, -0.40, -0.90, 0.40, -0.76, 0.61, 3.60, 0.01, 2.08, 0.87, -0.62, 0.40, 0.36, 0.17],
    [-1.85, 1.32, 0.41, -2.85, 1.03, -1.93, -0.42, -0.04, -0.11, 0.23, 0.16, 0.99, -1.79, -0.76, 1.26],
    [-1.66, 0.44, -0.45, 1.14, -0.18, -0.58, -1.91, 0.76, -0.28, -0.52, -0.28, -3.15, -0.07, -2.26, -0.87],
    [0.80, -0.15, -0.10, 1.07, 1.86, -0.43, -0.56, -1.74, 1.42, 0.28, -1.93, 0.36, -0.64, -0.43, 0.78],
    [-0.51, 0.85, 0.80, -5.34, -1.81, 2.30, -1.16, -0.66, 0.69, 0.41, -1.00, 0.35, -0.98, 0.03, 0.11],
    [0.46, -2.24, 1.03, 0.44, 0.21, -2.91, 0.97, 0.23, 1.01, -0.18, 0.30, 1.10, 0.04, -1.12, 1.21],
    [1.69, 0.12, 0.30, 3.10, -2.45, -2.19, 2.53, 0.85, -1.82, -0.09, -0.41, 0.73, -1.02, -0.33, -0.45],
    [-2.10, 0.09, 0.04, 4.72, -2.64, 10.24, -6.41, 0.82, -0.16, -0.43, 0.08, 0.52, -0.00, -0.36, 0.47],
    [-4.35, 0.21, 0.50, 1.85, -0.35, 0.68, -1.71, -0.68, 0.23, -0.20, 0.06, 2.20, -0.56, 2.98, -0.22],
    [1.96, -0.20, -0.20, -0.91, -0.02, -0.27, 0.20, -2.65, -2.36, -2.23, 0.10, 1.00, 1.47, -0.04, -0.11],
    [0.20, -0.33, -2.82, -1.66, -0.40, -2.15, -1.08, -0.81, -1.00, 0.27, -0.26, -0.02, -0.68, -0.05, -0.52],
    [8.57, 0.24, 0.42, -2.43, 0.96, -1.39, 2.36, 0.14, 0.28, -0.09, 0.39, 0.17, 0.01, 0.13, 0.32],
    [-0.20, -0.12, -0.90, -2.06, 2.18, 0.42, 0.11, 0.76, 2.06, 1.14, -0.15, -1.39, 0.02, 0.54, 0.54],
    [0.41, -0.29, -1.07, -3.50, 2.02, -1.08, -2.79, -0.31, 0.77, 0.32, 0.25, 1.57, 1.35, 1.33, -0.36],
])
SHIFT = np.array([
    1.204, 8.514, -6.051, 0.472, 6.789, -1.004, 4.613, -1.194,
    2.125, -0.931, -5.114, 6.394, 7.056, -2.993, -3.638, -2.368,
])
OUT = np.array([
    -0.966, -1.480, 1.637, -1.282, -1.466, 1.296, -1.221, 1.728,
    -1.239, -1.777, -1.456, 1.525, 0.946, 1.150, 1.200, 1.258,
])
BIAS = -1.67
Floats = NDArray[np.float64]
Path = NDArray[np.intp]


def parted(glyph: Grey) -> list[Grey]:
    """The figures in a glyph (h, w) that touch each other, from left to right, each in its own box."""
    if glyph.shape[1] > MAX_LENGTH * glyph.shape[0]:
        return [glyph]
    ink = scaled(glyph)
    paths = seams(ink)
    scores = likely(features(ink, paths))
    best = int(scores.argmax())
    left = left_of(paths[best], ink.shape[1], glyph.shape)
    sides = [np.where(side, glyph, 0).astype(np.float32) for side in (left, ~left)]
    if scores[best] < LEAST or not all((side > EDGE).any() for side in sides):
        return [glyph]
    return [figure for side in sides for figure in parted(boxed(side))]


def scaled(glyph: Grey) -> Floats:
    """The glyph with ROWS rows, its ink from 0 to 1."""
    height, width = glyph.shape
    how = Image.Resampling.BOX if height > ROWS else Image.Resampling.BICUBIC
    small = Image.fromarray(glyph).resize((max(1, round(width * ROWS / height)), ROWS), how)
    return np.asarray(small, np.float64).clip(0, 255) / 255


def seams(ink: Floats) -> Path:
    """The cheapest paths within each of REACHES of each column, (H, W) -> (N, H): the column in which they cross a row.

        cost(p) = Σ over the rows (ink + PLAIN) + BENT · (steps aside),   a step at most from row to row
    """
    far, columns = max(REACHES), np.arange(ink.shape[1])
    cost = np.pad(ink + PLAIN, ((0, 0), (far, far)), constant_values=np.inf)
    near = np.lib.stride_tricks.sliding_window_view(cost, 2 * far + 1, axis=1)
    aside = np.abs(np.arange(-far, far + 1))
    rows = np.concatenate([np.where(aside <= reach, near, np.inf) for reach in REACHES], axis=1)
    total, came, sides = rows[0], [], np.full((rows.shape[1], 2 * far + 3), np.inf)
    for row in rows[1:]:
        sides[:, 1:-1] = total + BENT
        ways = np.stack([total, sides[:, :-2], sides[:, 2:]])
        came.append(ways.argmin(axis=0))
        total = row + ways.min(axis=0)
    at, number = total.argmin(axis=1), np.arange(len(total))
    path = [at]
    for way in reversed(came):
        at = at + np.array([0, -1, 1])[way[number, at]]
        path.append(at)
    found = np.stack(path[::-1], axis=1) + np.tile(columns, len(REACHES))[:, None] - far
    return np.unique(found, axis=0)


def left_of(path: Path, width: int, shape: tuple[int, ...]) -> Mask:
    """What lies left of a path through a picture of `width`, as a mask (h, w) of the picture at its own size."""
    rows = np.arange(shape[0]) * len(path) // shape[0]
    return np.asarray(np.arange(shape[1]) < path[rows, None] * shape[1] / width)


def features(ink: Floats, paths: Path) -> Floats:
    """What tells a seam between two figures from one through a figure: numbers of each path, (N, H) -> (N, 15)."""
    height, width = ink.shape
    seen = ink > SEEN
    left = np.arange(width) < paths[:, :, None]
    crossed = ink[np.arange(height), paths]
    cut = crossed.sum(axis=1)
    pen = 2 * max(1, int(np.count_nonzero(seen))) / max(1, steps_of(np.pad(seen, 1)))
    seam = [cut / height, cut / pen, _length(np.asarray(crossed > SEEN)) / height, np.full(len(paths), seen.mean())]
    sides = [_shape(side) for side in (seen & left, seen & ~left)]
    return np.stack([*seam, *_between(seen & left, seen & ~left), *sides[0], *sides[1]], axis=1)


def _between(left: Mask, right: Mask) -> list[Floats]:
    """The share of rows in which both sides have ink; there, the mean and the deviation of the paper between them."""
    height, width = left.shape[1:]
    both = left.any(axis=2) & right.any(axis=2)
    rows = np.maximum(both.sum(axis=1), 1)
    apart = np.where(both, right.argmax(axis=2) + left[:, :, ::-1].argmax(axis=2) - width, 0)
    mean = apart.sum(axis=1) / rows
    deviation = np.sqrt((np.where(both, apart - mean[:, None], 0) ** 2).sum(axis=1) / rows)
    return [both.mean(axis=1), mean / height, deviation / height]


def _shape(side: Mask) -> list[Floats]:
    """Of what lies on one side: width, height, strokes that a row crosses, strokes that a column crosses."""
    height = side.shape[1]
    down, across = (np.asarray(side.any(axis=axis)) for axis in (2, 1))
    rows, columns = (
        (np.diff(np.pad(side, 1)[1:-1].astype(np.int8), axis=axis) > 0).sum(axis=(1, 2)) for axis in (2, 1)
    )
    lengths = [_length(across) / height, _length(down) / height]
    return [*lengths, rows / np.maximum(down.sum(axis=1), 1), columns / np.maximum(across.sum(axis=1), 1)]


def _length(marked: Mask) -> Floats:
    """From the first mark in a row to the last, (N, M) -> (N,)."""
    found = marked.shape[1] - marked.argmax(axis=1) - marked[:, ::-1].argmax(axis=1)
    return np.where(marked.any(axis=1), found, 0).astype(np.float64)


def likely(found: Floats) -> Floats:
    """The logit that a seam parts two figures, (N, 15) -> (N,): tanh(x · HIDDEN + SHIFT) · OUT + BIAS."""
    return np.asarray(np.tanh(found @ HIDDEN.T + SHIFT) @ OUT + BIAS, np.float64)
