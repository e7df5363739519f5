"""Blur and warp images (N, H, W), render strokes, find edges; many images at once.

    blur(x, 1.0)                                 Gaussian blur, σ in pixels
    warp(x, matrix, shift)                       each image rotated, sheared, scaled, moved
    render_strokes(starts, ends, 1.0, 28, 28)    straight strokes
    canny(x)                                     Canny's edges
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from nnlaw.spec.arrays import Array

ACROSS, DIAGONAL = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]]), np.eye(3, dtype=int)
LINES = (ACROSS, DIAGONAL, ACROSS.T, np.fliplr(DIAGONAL))  # three pixels along an angle of 0, 45, 90 and 135 degrees
SAME_IMAGE = np.array([[[0] * 3] * 3, [[1] * 3] * 3, [[0] * 3] * 3])  # eight neighbors, in the same image only


def blur(x: Array, sigma: float) -> Array:
    """Gaussian blur of each image; light is reflected at the border, so that the mean does not change."""
    return np.asarray(ndimage.gaussian_filter(x, (0, sigma, sigma)))


def warp(x: Array, matrix: Array, shift: Array) -> Array:
    """y[q] = x[M q + s], q the position of a pixel relative to the middle of the image; bilinear interpolation.

    M (N, 2, 2) and s (N, 2) act on (row, column) in pixels; anything outside the image is black.
    """
    high, wide = x.shape[1:]
    middle = np.array([(high - 1) / 2, (wide - 1) / 2])
    pixels = np.indices((high, wide)).reshape(2, -1) - middle[:, None]
    rows, columns = np.moveaxis(matrix @ pixels + (shift + middle)[:, :, None], 1, 0)
    images = np.broadcast_to(np.arange(len(x))[:, None], rows.shape)
    found = ndimage.map_coordinates(x, [images, rows, columns], order=1, mode="grid-constant", output=np.float64)
    return np.asarray(found.reshape(x.shape).astype(x.dtype))


def rotations(angles: Array) -> Array:
    """Rotation matrices (N, 2, 2) for angles (N,) in radians."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)


def render_strokes(starts: Array, ends: Array, radius: float, high: int, wide: int) -> Array:
    """Strokes (N, S, 2) from `starts` to `ends` in (row, column), as ink (N, H, W): clip(radius + ½ − distance, 0, 1).

    A stroke that ends at its start is a dot.
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


def canny(x: Array, sigma: float = 1.0, low: float = 0.1, high: float = 0.2) -> Array:
    """1 on the edges of each image and 0 elsewhere.

    Blur, take the slope by Sobel's masks, keep pixels steepest across the edge if they are above `high`, or above `low`
    and connected to such a pixel (both as shares of the steepest slope).

    Source: J. Canny, A computational approach to edge detection, PAMI 8 (1986).
    """
    smooth = blur(x, sigma)
    down, across = (np.stack([ndimage.sobel(image, axis, mode="nearest") for image in smooth]) for axis in (0, 1))
    steep = np.hypot(down, across)
    direction = np.rint(np.arctan2(down, across) / (np.pi / 4)).astype(np.int64) % 4
    ridge = np.zeros(x.shape, bool)
    for number, line in enumerate(LINES):
        ridge |= (direction == number) & (steep >= ndimage.maximum_filter(steep, footprint=line[None], mode="constant"))
    most = np.maximum(steep.max(axis=(1, 2), keepdims=True), 1e-9)
    found = ndimage.binary_propagation(ridge & (steep > high * most), SAME_IMAGE, mask=ridge & (steep > low * most))
    return np.asarray(found.astype(x.dtype))
