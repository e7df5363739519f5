"""Tools to spoil pictures (N, H, W) with: blur, bend, draw, find edges; many pictures at once.

    blur(x, 1.0)                                 a Gaussian of that many pixels
    warp(x, matrix, shift)                       each picture turned, sheared, scaled, moved
    drawn(starts, ends, 1.0, 28, 28)             straight strokes
    edges(x)                                     Canny's
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array


def blur(x: Array, sigma: float) -> Array:
    """B x Bᵀ with Bᵢⱼ ∝ exp(−(i − j)²/2σ²), each row of B summing to 1, so that no light is lost at the border."""
    found = x
    for axis in (1, 2):
        at = np.arange(x.shape[axis])
        kernel = np.exp(-((at[:, None] - at) ** 2) / (2 * sigma**2))
        kernel = (kernel / kernel.sum(axis=1, keepdims=True)).astype(x.dtype)
        found = np.moveaxis(np.moveaxis(found, axis, -1) @ kernel.T, -1, axis)
    return found


def warp(x: Array, matrix: Array, shift: Array) -> Array:
    """y[q] = x[M q + s], q the place of a pixel from the middle of the picture, between pixels by their distance.

    M (N, 2, 2) and s (N, 2) act on (row, column) in pixels; what lies outside is black.
    """
    high, wide = x.shape[1:]
    middle = np.array([(high - 1) / 2, (wide - 1) / 2])
    places = np.indices((high, wide)).reshape(2, -1) - middle[:, None]
    at = matrix @ places + (shift + middle)[:, :, None]
    low = np.floor(at).astype(np.int64)
    part = at - low
    framed = np.pad(x, ((0, 0), (1, 1), (1, 1))).reshape(len(x), -1)
    found = np.zeros((len(x), high * wide))
    for down in (0, 1):
        for across in (0, 1):
            row = np.clip(low[:, 0] + down + 1, 0, high + 1)
            column = np.clip(low[:, 1] + across + 1, 0, wide + 1)
            share = np.abs(1 - down - part[:, 0]) * np.abs(1 - across - part[:, 1])
            found += share * np.take_along_axis(framed, row * (wide + 2) + column, axis=1)
    return found.reshape(x.shape).astype(x.dtype)


def drawn(starts: Array, ends: Array, radius: float, high: int, wide: int) -> Array:
    """Strokes (N, S, 2) from `starts` to `ends` in (row, column), as ink (N, H, W): clip(radius + ½ − distance, 0, 1).

    A stroke that ends where it starts is a dot.
    """
    ink = np.zeros((len(starts), high, wide))
    rows, columns = np.indices((high, wide))
    for start, end in zip(np.moveaxis(starts, 1, 0)[..., None, None], np.moveaxis(ends, 1, 0)[..., None, None],
                          strict=True):  # fmt: skip
        along = end - start
        off = rows - start[:, 0], columns - start[:, 1]
        square = np.maximum((along**2).sum(axis=1), 1e-9)
        t = np.clip((off[0] * along[:, 0] + off[1] * along[:, 1]) / square, 0, 1)
        distance = np.hypot(off[0] - t * along[:, 0], off[1] - t * along[:, 1])
        np.maximum(ink, np.clip(radius + 0.5 - distance, 0, 1), out=ink)
    return ink


def edges(x: Array, sigma: float = 1.0, low: float = 0.1, high: float = 0.2) -> Array:
    """1 on the edges of each picture and 0 elsewhere: blur, take the slope by Sobel's masks, keep what is steepest
    across the edge, above `high`, or above `low` and joined to such a pixel (shares of the steepest slope).

    Source: J. Canny, A computational approach to edge detection, PAMI 8 (1986).
    """
    p = np.pad(blur(x, sigma), ((0, 0), (1, 1), (1, 1)), mode="edge")
    smooth_across = p[:, :, :-2] + 2 * p[:, :, 1:-1] + p[:, :, 2:]
    smooth_down = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    gy, gx = smooth_across[:, 2:] - smooth_across[:, :-2], smooth_down[:, :, 2:] - smooth_down[:, :, :-2]
    steep = np.hypot(gx, gy)
    eighth = np.rint(np.arctan2(gy, gx) / (np.pi / 4)).astype(np.int64) % 4
    around = np.pad(steep, ((0, 0), (1, 1), (1, 1)))
    kept = np.zeros_like(steep, dtype=bool)
    for way, (down, across) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead, behind = _moved(around, down, across), _moved(around, -down, -across)
        kept |= (eighth == way) & (steep >= ahead) & (steep >= behind)
    most = np.maximum(steep.max(axis=(1, 2), keepdims=True), 1e-9)
    weak, found = kept & (steep > low * most), kept & (steep > high * most)
    while True:
        around = np.pad(found, ((0, 0), (1, 1), (1, 1)))
        near = [_moved(around, down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
        grown = weak & np.logical_or.reduce(near)
        if (grown == found).all():
            outline: Array = found.astype(x.dtype)
            return outline
        found = grown


def _moved(framed: Array, down: int, across: int) -> Array:
    """The pictures within a frame of one pixel, seen from a pixel further on."""
    high, wide = framed.shape[1] - 2, framed.shape[2] - 2
    return framed[:, 1 + down : 1 + down + high, 1 + across : 1 + across + wide]
