"""Render many pen strokes at once, each centered on 28×28 pixels as MNIST was made: see `render_paths`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE, BOX = 28, 20
MARGIN = 14  # pixels around the box on the larger sheet that is rendered first
SHEET = BOX + 2 * MARGIN
MIDDLE = SIDE // 2  # index of the center of mass
BATCH = 256  # images rendered at once: as many as fit into the processor's cache
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def render_paths(x: Floats, y: Floats, radius: Floats, down: NDArray[np.bool_], edge: Floats) -> Bytes:
    """Images (n, 28, 28) of n paths of M points each: x, y and the pen's radius (n, M), in pixels.

    `down` (n, M − 1) is false if the pen is lifted between two points. The path is moved so that its ink starts at the
    corner of the 20×20 box, rendered, and shifted by whole pixels so that the center of mass is at index 14. The shade
    of a pixel is 255 · clip((r − d)/edge + ½, 0, 1), where d is the distance from its center to the path and `edge`
    (n, 1) the width of the border of the ink in pixels.
    """
    out = radius + (edge - 1) / 2
    fine_x, fine_y = (
        (z - (z - out).min(axis=1, keepdims=True) + (MARGIN - 0.5)).astype(np.float32) for z in (x, y)
    )
    long = np.maximum(np.abs(np.diff(fine_x, axis=1)), np.abs(np.diff(fine_y, axis=1))) * down
    reach = np.ceil(long.max(axis=1) / 2 + radius.max(axis=1) + 1).astype(np.int64)
    pen, fade = radius.astype(np.float32), edge.astype(np.float32)[:, :, None]
    images = np.empty((len(x), SIDE, SIDE), np.uint8)
    for size in np.unique(reach):  # images that need windows of the same size are rendered together
        same_size = np.flatnonzero(reach == size)
        for rows in (same_size[i : i + BATCH] for i in range(0, len(same_size), BATCH)):
            heights = _heights(fine_x[rows], fine_y[rows], pen[rows], down[rows], min(int(size), MARGIN - 1))
            images[rows] = _centered(np.clip(heights / fade[rows] + np.float32(0.5), 0, 1))
    return images


def _heights(x: Singles, y: Singles, radius: Singles, down: NDArray[np.bool_], reach: int) -> Singles:
    """Maximum over the segments of a path of radius − distance, for each pixel of the sheets (n, SHEET, SHEET).

    Only pixels within `reach` of a segment's middle are computed.
    """
    sheets = np.full(len(x) * SHEET * SHEET, -9, np.float32)
    span = np.arange(2 * reach + 1)
    window = span[:, None] * SHEET + span
    for m in np.flatnonzero(down.any(axis=0)):
        rows = np.flatnonzero(down[:, m])
        x0, y0, r0 = x[rows, m], y[rows, m], radius[rows, m]
        dx, dy, dr = x[rows, m + 1] - x0, y[rows, m + 1] - y0, radius[rows, m + 1] - r0
        left = np.floor(x0 + dx / 2 + np.float32(0.5)).astype(np.int64) - reach
        top = np.floor(y0 + dy / 2 + np.float32(0.5)).astype(np.int64) - reach
        gx = (left[:, None] + span - x0[:, None]).astype(np.float32)
        gy = (top[:, None] + span - y0[:, None]).astype(np.float32)
        square = np.maximum(dx * dx + dy * dy, np.float32(1e-6))[:, None]
        along = (gx * (dx[:, None] / square))[:, None, :] + (gy * (dy[:, None] / square))[:, :, None]
        np.clip(along, 0, 1, out=along)
        across, below = gx[:, None, :] - along * dx[:, None, None], gy[:, :, None] - along * dy[:, None, None]
        across *= across
        below *= below
        across += below
        height = along * dr[:, None, None] + r0[:, None, None] - np.sqrt(across, out=across)
        place = (rows * (SHEET * SHEET) + top * SHEET + left)[:, None, None] + window
        sheets[place] = np.maximum(sheets[place], height)
    return sheets.reshape(len(x), SHEET, SHEET)


def _centered(shade: Singles) -> Bytes:
    """Crop the sheets (n, SHEET, SHEET) to 28×28, with the center of mass at index 14."""
    sheets = np.floor(255 * shade + np.float32(0.5)).astype(np.uint8)
    top, left = (_start(sheets.sum(axis=axis, dtype=np.int64)) for axis in (2, 1))
    inside = np.arange(SIDE)
    images: Bytes = sheets[
        np.arange(len(sheets))[:, None, None],
        (top[:, None] + inside)[:, :, None],
        (left[:, None] + inside)[:, None, :],
    ]
    return images


def _start(ink: NDArray[np.int64]) -> NDArray[np.int64]:
    """First line of the crop (n,), from the ink (n, SHEET) of each line, such that no ink is cropped."""
    center = (ink * np.arange(SHEET)).sum(axis=1) / np.maximum(ink.sum(axis=1), 1)
    start = np.floor(center + 0.5).astype(np.int64) - MIDDLE
    end = SHEET - (ink[:, ::-1] > 0).argmax(axis=1)
    bounded: NDArray[np.int64] = np.clip(start, np.maximum(end - SIDE, 0), MARGIN)
    return bounded
