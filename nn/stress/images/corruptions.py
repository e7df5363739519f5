"""Corrupt images in fifteen ways and five severities: noise, blur, geometry, light, stray ink.

    corrupt("fog", x, severity=3, rng=rng)      x (N, 28, 28) in [0, 1], float32 -> the same shape, range and type

The corruptions are those of MNIST-C (N. Mu, J. Gilmer, MNIST-C: A robustness benchmark for computer vision, 2019),
implemented from their descriptions; MNIST-C has one severity each, the five here are our own. Each image draws its own
random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from nnlaw.nn.stress.images.image_ops import blur, canny, render_strokes, rotations, warp
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

SIDE = 28  # pixels per side that the severities are made for
SEVERITIES = (1, 2, 3, 4, 5)
Rng = np.random.Generator


def shot_noise(x: Array, photons: float, rng: Rng) -> Array:
    """Poisson(photons·x)/photons: few photons make white uneven."""
    found: Array = rng.poisson(x * photons) / photons
    return found


def impulse_noise(x: Array, share: float, rng: Rng) -> Array:
    """Set this share of pixels to white or black, each with probability ½."""
    hit, white = rng.random(x.shape) < share, rng.random(x.shape) < 0.5
    return np.where(hit, white, x)


def glass_blur(x: Array, strength: tuple[int, int], rng: Rng) -> Array:
    """Swap each pixel, with probability ½, with one within `reach` of it, `rounds` times; blur before and after."""
    reach, rounds = strength
    sigma = 0.3 + 0.15 * reach
    y, images = blur(x, sigma), np.arange(len(x))
    for _ in range(rounds):
        for row in range(SIDE):
            for column in range(SIDE):
                step = rng.integers(-reach, reach, (2, len(x)), endpoint=True) * (rng.random(len(x)) < 0.5)
                there = np.clip(row + step[0], 0, SIDE - 1), np.clip(column + step[1], 0, SIDE - 1)
                here = y[:, row, column].copy()
                y[:, row, column] = y[images, *there]
                y[images, *there] = here
    return blur(y, sigma)


def motion_blur(x: Array, length: int, rng: Rng) -> Array:
    """Average over a straight motion of `length` pixels, at an angle within 45° of horizontal."""
    angle = rng.uniform(-np.pi / 4, np.pi / 4, len(x))
    direction = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    stops = np.linspace(-length / 2, length / 2, length + 1)
    found: Array = np.mean([warp(x, _identity(len(x)), direction * stop) for stop in stops], axis=0)
    return found


def shear(x: Array, slope: float, rng: Rng) -> Array:
    """Shift rows by slope·row, to a random side."""
    matrix = _identity(len(x))
    matrix[:, 1, 0] = slope * _sign(len(x), rng)
    return warp(x, matrix, np.zeros((len(x), 2)))


def scale(x: Array, size: float, rng: Rng) -> Array:
    """Scale the digit to this size."""
    return warp(x, _identity(len(x)) / size, np.zeros((len(x), 2)))


def rotate(x: Array, angle: float, rng: Rng) -> Array:
    """Rotate by this many radians, to a random side."""
    return warp(x, rotations(angle * _sign(len(x), rng)), np.zeros((len(x), 2)))


def brightness(x: Array, light: float, rng: Rng) -> Array:
    """min(x + light, 1)."""
    return x + light


def translate(x: Array, pixels: float, rng: Rng) -> Array:
    """Move by this many pixels in a random direction."""
    angle = rng.uniform(0, 2 * np.pi, len(x))
    return warp(x, _identity(len(x)), pixels * np.stack([np.sin(angle), np.cos(angle)], axis=1))


def stripe(x: Array, width: int, rng: Rng) -> Array:
    """1 − x in a vertical stripe at a random place in the middle 20 columns."""
    left = rng.integers(4, SIDE - 4 - width, (len(x), 1, 1), endpoint=True)
    column = np.arange(SIDE)
    return np.where((column >= left) & (column < left + width), 1 - x, x)


def fog(x: Array, density: float, rng: Rng) -> Array:
    """(x + density·cloud)/(1 + density).

    The cloud, in [0, 1], is the sum of noise of 2, 4, 8 and 16 cells per side, each half as strong as the one before.
    """
    cloud: Array = np.zeros_like(x)
    for octave in range(1, 5):
        cells = rng.random((len(x), 2**octave, 2**octave))
        cloud += ndimage.zoom(cells, (1, SIDE / 2**octave, SIDE / 2**octave), order=1) / 2**octave
    low, high = cloud.min(axis=(1, 2), keepdims=True), cloud.max(axis=(1, 2), keepdims=True)
    found: Array = (x + density * (cloud - low) / (high - low)) / (1 + density)
    return found


def spatter(x: Array, share: float, rng: Rng) -> Array:
    """Gray drops (½) with soft edges over this share of the image: the pixels at which blurred noise is largest."""
    layer = blur(rng.standard_normal(x.shape), 2.0)
    drops = blur((layer > np.quantile(layer, 1 - share, axis=(1, 2), keepdims=True)).astype(np.float64), 0.6)
    return x + drops * (0.5 - x)


def dotted_line(x: Array, lines: int, rng: Rng) -> Array:
    """Draw lines from the left border to the right, of dots three pixels apart."""
    ink = np.zeros_like(x)
    t = np.linspace(0, 1, 10)[:, None]
    for _ in range(lines):
        heights = rng.uniform(0, SIDE - 1, (len(x), 2))
        rows = heights[:, :1] + (heights[:, 1:] - heights[:, :1]) * t.T
        dots = np.stack([rows, np.broadcast_to(t.T * (SIDE - 1), rows.shape)], axis=2)
        ink = np.maximum(ink, render_strokes(dots, dots, 0.6, SIDE, SIDE))
    return np.maximum(x, ink)


def zigzag(x: Array, lines: int, rng: Rng) -> Array:
    """Draw lines from the left border to the right that zigzag in seven segments, three pixels to each side."""
    ink = np.zeros_like(x)
    column = np.linspace(0, SIDE - 1, 8)
    for _ in range(lines):
        heights = rng.uniform(3, SIDE - 4, (len(x), 2))
        straight = heights[:, :1] + (heights[:, 1:] - heights[:, :1]) * column / (SIDE - 1)
        turns = straight + 3 * _sign(len(x), rng)[:, None] * (-1.0) ** np.arange(len(column))
        places = np.stack([turns, np.broadcast_to(column, turns.shape)], axis=2)
        ink = np.maximum(ink, render_strokes(places[:, :-1], places[:, 1:], 0.6, SIDE, SIDE))
    return np.maximum(x, ink)


def canny_edges(x: Array, share: float, rng: Rng) -> Array:
    """(1 − share)·x + share·edges; at share 1 only the outline is left."""
    return (1 - share) * x + share * canny(x)


CORRUPTIONS: dict[str, tuple[Callable[..., Array], tuple[Any, ...]]] = {
    "shot noise": (shot_noise, (60, 25, 12, 5, 3)),
    "impulse noise": (impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27)),
    "glass blur": (glass_blur, ((1, 1), (1, 2), (2, 2), (3, 2), (4, 2))),
    "motion blur": (motion_blur, (3, 5, 7, 9, 12)),
    "shear": (shear, (0.2, 0.4, 0.6, 0.8, 1.0)),
    "scale": (scale, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "rotate": (rotate, (0.2, 0.4, 0.6, 0.8, 1.0)),
    "brightness": (brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "translate": (translate, (1, 2, 3, 4, 5)),
    "stripe": (stripe, (2, 4, 6, 8, 10)),
    "fog": (fog, (0.4, 0.8, 1.2, 1.6, 2.0)),
    "spatter": (spatter, (0.05, 0.1, 0.15, 0.2, 0.25)),
    "dotted line": (dotted_line, (1, 2, 3, 4, 5)),
    "zigzag": (zigzag, (1, 2, 3, 4, 5)),
    "canny edges": (canny_edges, (0.2, 0.4, 0.6, 0.8, 1.0)),
}


def corrupt(name: str, x: Array, severity: int, rng: Rng) -> Array:
    """Images x (N, 28, 28) in [0, 1], corrupted and clipped to [0, 1], in the dtype of x; x is not changed.

    Raises BadInput for an unknown corruption, a severity other than 1 to 5, or images of another size.
    """
    if name not in CORRUPTIONS or severity not in SEVERITIES:
        raise BadInput(f"corruption {name!r} of severity {severity}, expected 1 to 5 of {', '.join(CORRUPTIONS)}")
    if x.shape[1:] != (SIDE, SIDE):
        raise BadInput(f"images of shape {x.shape}, expected (N, {SIDE}, {SIDE})")
    function, strengths = CORRUPTIONS[name]
    return np.clip(function(x, strengths[severity - 1], rng), 0, 1).astype(x.dtype)


def _identity(count: int) -> Array:
    return np.tile(np.eye(2), (count, 1, 1))


def _sign(count: int, rng: Rng) -> Array:
    return np.where(rng.random(count) < 0.5, -1.0, 1.0)
