"""A pen that draws many paths at once, and puts each on 28×28 as MNIST was made: see `draw`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE, BOX = 28, 20
MARGIN = 14  # pixels around the box on the sheet that is drawn on
SHEET = BOX + 2 * MARGIN
MIDDLE = SIDE // 2  # where the center of mass is put
Floats = NDArray[np.float64]


def draw(x: Floats, y: Floats, radius: Floats, down: NDArray[np.bool_], edge: Floats) -> NDArray[np.uint8]:
    """Pictures (n, 28, 28) of n paths of M points each: x, y and the pen's radius (n, M), in pixels.

    The path is moved so that its ink starts at the corner of the 20×20 box, drawn, and shifted by whole pixels so
    that the center of mass falls at index 14. A pixel's shade is how much of it the ink covers: 255 · clip((r − d)/edge
    + ½), d the distance from its center to the path, and `edge` (n,) how many pixels wide the border of the ink is.

    There are only sums, products, quotients and square roots, element by element, all of which IEEE 754 rounds in one
    way, so that every machine draws the same bytes.
    """
    out = radius + (edge[:, None] - 1) / 2
    x = x - (x - out).min(axis=1, keepdims=True) + MARGIN - 0.5
    y = y - (y - out).min(axis=1, keepdims=True) + MARGIN - 0.5
    height = _heights(x, y, radius, down)
    shade = np.clip(height / edge[:, None, None] + 0.5, 0, 1)
    sheet = np.floor(255 * shade + 0.5).astype(np.uint8)
    top = _start(sheet.sum(axis=2, dtype=np.int64))
    left = _start(sheet.sum(axis=1, dtype=np.int64))
    inside = np.arange(SIDE)
    rows, columns = (top[:, None] + inside)[:, :, None], (left[:, None] + inside)[:, None, :]
    return sheet[np.arange(len(sheet))[:, None, None], rows, columns]


def _heights(x: Floats, y: Floats, radius: Floats, down: NDArray[np.bool_]) -> Floats:
    """max over the path's pieces of radius − distance, for each pixel of the sheets (n, SHEET, SHEET).

    Only a window around each piece is looked at, large enough for the largest that is drawn.
    """
    n = len(x)
    sheets = np.full(n * SHEET * SHEET, -9.0)
    dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
    long = np.maximum(np.abs(dx), np.abs(dy)).max(axis=0)
    wide = radius.max(axis=0)
    origin = np.arange(n) * SHEET * SHEET
    for m in np.flatnonzero(down):
        reach = int(np.ceil(long[m] / 2 + max(wide[m], wide[m + 1]) + 1))
        span = np.arange(2 * reach + 1)
        left = np.floor((x[:, m] + x[:, m + 1]) / 2 + 0.5).astype(np.int64) - reach
        top = np.floor((y[:, m] + y[:, m + 1]) / 2 + 0.5).astype(np.int64) - reach
        gx = (left[:, None] + span - x[:, m, None])[:, None, :]
        gy = (top[:, None] + span - y[:, m, None])[:, :, None]
        px, py = dx[:, m, None, None], dy[:, m, None, None]
        along = np.clip((gx * px + gy * py) / np.maximum(px * px + py * py, 1e-9), 0, 1)
        distance = np.sqrt(np.square(gx - along * px) + np.square(gy - along * py))
        r0, r1 = radius[:, m, None, None], radius[:, m + 1, None, None]
        height = r0 + along * (r1 - r0) - distance
        place = (origin + top * SHEET + left)[:, None, None] + (span[:, None] * SHEET + span)
        sheets[place] = np.maximum(sheets[place], height)
    return sheets.reshape(n, SHEET, SHEET)


def _start(ink: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where on the sheet the picture starts, from the ink (n, SHEET) on each line; no ink is ever left out."""
    center = (ink * np.arange(SHEET)).sum(axis=1) / np.maximum(ink.sum(axis=1), 1)
    start = np.floor(center + 0.5).astype(np.int64) - MIDDLE
    end = SHEET - (ink[:, ::-1] > 0).argmax(axis=1)
    return np.clip(start, np.maximum(end - SIDE, 0), MARGIN)
