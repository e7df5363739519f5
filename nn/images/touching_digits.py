"""Detect digits that touch each other.

    touch(glyph)     True for a glyph (h, w) of two or more digits

A seam is a path from the top of a glyph to its bottom that crosses as little ink as it can near one column. Fifteen
numbers describe a seam and what is left and right of it, and a small network computes from them whether it separates
two digits. Its weights are in touching_digits.json; benchmarks/touching_fit.py trains it. Limits on the same numbers,
without learned weights, were tried: at the same rate of false alarms they miss 3 to 10 more of 100 rows of digits.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nnlaw.nn.images.framing import Floats, Gray, Mask, outline_length
from nnlaw.nn.images.segmentation import EDGE

WEIGHTS = Path(__file__).with_suffix(".json")
ROWS = 24  # height of the scaled glyph in which seams are searched
REACHES = (6, 2)  # columns on each side that a seam may leave its own: far around a curve, and nearly straight
DETOUR = 0.02  # cost of a step aside, in pixels of ink
PAPER = 0.001  # cost of a pixel of paper
MAX_ASPECT = 8  # width / height of glyphs that are checked
VISIBLE = 0.3  # of full ink: fainter pixels are not part of a stroke
MIN_LOGIT = 1.0  # of a seam between digits; 0.03% of single digits exceed it, and 95% of those that touch side by side
Paths = NDArray[np.intp]


def touch(glyph: Gray) -> bool:
    """True if a glyph (h, w) is a row of digits that touch each other."""
    if glyph.shape[1] > MAX_ASPECT * glyph.shape[0]:
        return False
    ink = scaled(glyph)
    paths = seams(ink)
    scores = logits(features(ink, paths))
    if scores.max() < MIN_LOGIT:
        return False
    height, width = glyph.shape
    column = paths[scores.argmax()][np.arange(height) * ROWS // height] * width / ink.shape[1]
    left = np.arange(width) < column[:, None]
    return bool((glyph[left] > EDGE).any() and (glyph[~left] > EDGE).any())


def scaled(glyph: Gray) -> Floats:
    """The glyph scaled to ROWS rows, its ink from 0 to 1."""
    height, width = glyph.shape
    method = Image.Resampling.BOX if height > ROWS else Image.Resampling.BICUBIC
    small = Image.fromarray(glyph).resize((max(1, round(width * ROWS / height)), ROWS), method)
    return np.asarray(small, np.float64).clip(0, 255) / 255


def seams(ink: Floats) -> Paths:
    """The cheapest paths within each of REACHES of each column, (H, W) -> (N, H): the column at which they cross a row.

        cost(p) = Σ over the rows (ink + PAPER) + DETOUR · (steps aside),   at most one step from row to row
    """
    far, columns = max(REACHES), np.arange(ink.shape[1])
    cost = np.pad(ink + PAPER, ((0, 0), (far, far)), constant_values=np.inf)
    near = np.lib.stride_tricks.sliding_window_view(cost, 2 * far + 1, axis=1)
    aside = np.abs(np.arange(-far, far + 1))
    rows = np.concatenate([np.where(aside <= reach, near, np.inf) for reach in REACHES], axis=1)
    total, steps, sides = rows[0], [], np.full((rows.shape[1], 2 * far + 3), np.inf)
    for row in rows[1:]:
        sides[:, 1:-1] = total + DETOUR
        ways = np.stack([total, sides[:, :-2], sides[:, 2:]])
        steps.append(ways.argmin(axis=0))
        total = row + ways.min(axis=0)
    at, number = total.argmin(axis=1), np.arange(len(total))
    path = [at]
    for step in reversed(steps):
        at = at + np.array([0, -1, 1])[step[number, at]]
        path.append(at)
    found = np.stack(path[::-1], axis=1) + np.tile(columns, len(REACHES))[:, None] - far
    return np.unique(found, axis=0)


def features(ink: Floats, paths: Paths) -> Floats:
    """Numbers that describe each seam, (N, H) -> (N, 15); lengths are shares of the height:

    the ink that it crosses, in heights and in pen widths; from its first row of ink to the last; ink of the whole box;
    rows with ink on both sides, mean and standard deviation of the paper between the sides there; then of the left and
    of the right side: width, height, strokes that a row crosses, strokes that a column crosses.
    """
    height, width = ink.shape
    seen = ink > VISIBLE
    left = np.arange(width) < paths[:, :, None]
    crossed = ink[np.arange(height), paths]
    cut = crossed.sum(axis=1)
    pen = 2 * max(1, int(np.count_nonzero(seen))) / max(1, outline_length(np.pad(seen, 1)))
    seam = [cut / height, cut / pen, _length(np.asarray(crossed > VISIBLE)) / height, np.full(len(paths), seen.mean())]
    sides = [_side(side) for side in (seen & left, seen & ~left)]
    return np.stack([*seam, *_gap(seen & left, seen & ~left), *sides[0], *sides[1]], axis=1)


def _gap(left: Mask, right: Mask) -> list[Floats]:
    height, width = left.shape[1:]
    both = left.any(axis=2) & right.any(axis=2)
    rows = np.maximum(both.sum(axis=1), 1)
    apart = np.where(both, right.argmax(axis=2) + left[:, :, ::-1].argmax(axis=2) - width, 0)
    mean = apart.sum(axis=1) / rows
    deviation = np.sqrt((np.where(both, apart - mean[:, None], 0) ** 2).sum(axis=1) / rows)
    return [both.mean(axis=1), mean / height, deviation / height]


def _side(side: Mask) -> list[Floats]:
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


def logits(found: Floats) -> Floats:
    """The logit that a seam separates two digits, (N, 15) -> (N,): tanh(x · hidden + shift) · out + bias."""
    hidden, shift, out, bias = _network()
    return np.asarray(np.tanh(found @ hidden.T + shift) @ out + bias, np.float64)


@cache
def _network() -> list[Floats]:
    weights = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return [np.array(weights[name]) for name in ("hidden", "shift", "out", "bias")]
