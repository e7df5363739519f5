"""What happens to pictures in the world, fifteen kinds in five severities: noise, blur, bent paper, light, stray ink.

    corrupt("fog", x, severity=3, rng=rng)      x (N, 28, 28) in [0, 1], float32; so is what comes back

The kinds are those of MNIST-C (N. Mu, J. Gilmer, MNIST-C: A robustness benchmark for computer vision, 2019), written
anew; the strengths are ours where theirs are one and not five. Each picture draws its own chance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.nn.stress.images.image_ops import blur, drawn, edges, warp
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

SIDE = 28  # pixels, for which the strengths are meant
SEVERITIES = (1, 2, 3, 4, 5)
Chance = np.random.Generator


def shot_noise(x: Array, photons: float, rng: Chance) -> Array:
    """Poisson(photons·x)/photons: few photons make white uneven."""
    found: Array = rng.poisson(x * photons) / photons
    return found


def impulse_noise(x: Array, share: float, rng: Chance) -> Array:
    """This share of pixels becomes white or black, as likely the one as the other."""
    hit, white = rng.random(x.shape) < share, rng.random(x.shape) < 0.5
    return np.where(hit, white, x)


def glass_blur(x: Array, how: tuple[int, int], rng: Chance) -> Array:
    """Each pixel changes places, or not, with one within `reach` of it, `rounds` times; blurred before and after."""
    reach, rounds = how
    sigma = 0.3 + 0.15 * reach
    y, every = blur(x, sigma), np.arange(len(x))
    for _ in range(rounds):
        for row in range(SIDE):
            for column in range(SIDE):
                step = rng.integers(-reach, reach, (2, len(x)), endpoint=True) * (rng.random(len(x)) < 0.5)
                there = np.clip(row + step[0], 0, SIDE - 1), np.clip(column + step[1], 0, SIDE - 1)
                here = y[:, row, column].copy()
                y[:, row, column] = y[every, *there]
                y[every, *there] = here
    return blur(y, sigma)


def motion_blur(x: Array, length: int, rng: Chance) -> Array:
    """The mean over a straight move of `length` pixels through the middle, at an angle within 45° of level."""
    angle = rng.uniform(-np.pi / 4, np.pi / 4, len(x))
    way = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    stops = np.linspace(-length / 2, length / 2, length + 1)
    found: Array = np.mean([warp(x, _turned(np.zeros(len(x))), way * stop) for stop in stops], axis=0)
    return found


def shear(x: Array, slope: float, rng: Chance) -> Array:
    """Columns slide by slope·row, to either side."""
    matrix = _turned(np.zeros(len(x)))
    matrix[:, 1, 0] = slope * _sign(len(x), rng)
    return warp(x, matrix, np.zeros((len(x), 2)))


def scale(x: Array, size: float, rng: Chance) -> Array:
    """The digit becomes smaller."""
    return warp(x, _turned(np.zeros(len(x))) / size, np.zeros((len(x), 2)))


def rotate(x: Array, angle: float, rng: Chance) -> Array:
    """Turned by so many radians, to either side."""
    return warp(x, _turned(angle * _sign(len(x), rng)), np.zeros((len(x), 2)))


def brightness(x: Array, light: float, rng: Chance) -> Array:
    """min(x + light, 1)."""
    return x + light


def translate(x: Array, pixels: float, rng: Chance) -> Array:
    """Moved by so many pixels in any direction."""
    angle = rng.uniform(0, 2 * np.pi, len(x))
    return warp(x, _turned(np.zeros(len(x))), pixels * np.stack([np.sin(angle), np.cos(angle)], axis=1))


def stripe(x: Array, width: int, rng: Chance) -> Array:
    """1 − x in an upright stripe somewhere over the middle 20 columns."""
    left = rng.integers(4, SIDE - 4 - width, (len(x), 1, 1), endpoint=True)
    column = np.arange(SIDE)
    return np.where((column >= left) & (column < left + width), 1 - x, x)


def fog(x: Array, density: float, rng: Chance) -> Array:
    """(x + density·cloud)/(1 + density), the cloud in [0, 1]: noise of 2, 4, 8 and 16 cells a side, ever weaker."""
    cloud: Array = np.zeros_like(x)
    for octave in range(1, 5):
        weights = _between(2**octave)
        cloud += weights.T @ rng.random((len(x), 2**octave, 2**octave)) @ weights / 2**octave
    low, high = cloud.min(axis=(1, 2), keepdims=True), cloud.max(axis=(1, 2), keepdims=True)
    found: Array = (x + density * (cloud - low) / (high - low)) / (1 + density)
    return found


def spatter(x: Array, share: float, rng: Chance) -> Array:
    """Drops of a grey of ½ over this share of the picture: where blurred noise is largest, with soft borders."""
    layer = blur(rng.standard_normal(x.shape), 2.0)
    drops = blur((layer > np.quantile(layer, 1 - share, axis=(1, 2), keepdims=True)).astype(np.float64), 0.6)
    return x + drops * (0.5 - x)


def dotted_line(x: Array, lines: int, rng: Chance) -> Array:
    """Lines from one border to the other, of dots three pixels apart."""
    ink = np.zeros_like(x)
    t = np.linspace(0, 1, 10)[:, None]
    for _ in range(lines):
        heights = rng.uniform(0, SIDE - 1, (len(x), 2))
        rows = heights[:, :1] + (heights[:, 1:] - heights[:, :1]) * t.T
        dots = np.stack([rows, np.broadcast_to(t.T * (SIDE - 1), rows.shape)], axis=2)
        ink = np.maximum(ink, drawn(dots, dots, 0.6, SIDE, SIDE))
    return np.maximum(x, ink)


def zigzag(x: Array, lines: int, rng: Chance) -> Array:
    """Lines from one border to the other that turn back up and down seven times, three pixels to each side."""
    ink = np.zeros_like(x)
    column = np.linspace(0, SIDE - 1, 8)
    for _ in range(lines):
        heights = rng.uniform(3, SIDE - 4, (len(x), 2))
        straight = heights[:, :1] + (heights[:, 1:] - heights[:, :1]) * column / (SIDE - 1)
        turns = straight + 3 * _sign(len(x), rng)[:, None] * (-1.0) ** np.arange(len(column))
        places = np.stack([turns, np.broadcast_to(column, turns.shape)], axis=2)
        ink = np.maximum(ink, drawn(places[:, :-1], places[:, 1:], 0.6, SIDE, SIDE))
    return np.maximum(x, ink)


def canny_edges(x: Array, share: float, rng: Chance) -> Array:
    """(1 − share)·x + share·edges: what is left in the end is the outline."""
    return (1 - share) * x + share * edges(x)


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


def corrupt(name: str, x: Array, severity: int, rng: Chance) -> Array:
    """Pictures x (N, 28, 28) in [0, 1], spoiled and clipped to [0, 1], in the dtype of x; x stays as it is.

    Raises BadInput for an unknown kind, a severity that is none of 1 to 5, or pictures of another size.
    """
    if name not in CORRUPTIONS or severity not in SEVERITIES:
        raise BadInput(f"corruption {name!r} of severity {severity}, expected 1 to 5 of {', '.join(CORRUPTIONS)}")
    if x.shape[1:] != (SIDE, SIDE):
        raise BadInput(f"pictures of shape {x.shape}, expected (N, {SIDE}, {SIDE})")
    spoil, strengths = CORRUPTIONS[name]
    return np.clip(spoil(x, strengths[severity - 1], rng), 0, 1).astype(x.dtype)


def _turned(angle: Array) -> Array:
    """Rotation matrices (N, 2, 2)."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)


def _sign(count: int, rng: Chance) -> Array:
    return np.where(rng.random(count) < 0.5, -1.0, 1.0)


def _between(cells: int) -> Array:
    """Weights (cells, SIDE) that spread `cells` values evenly over the pixels, along straight lines."""
    at = np.linspace(0, cells - 1, SIDE)
    found: Array = np.maximum(0, 1 - np.abs(np.arange(cells)[:, None] - at))
    return found
