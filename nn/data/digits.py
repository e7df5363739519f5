"""Built-in digits: drawn by code from a seed, for a machine without data. They are called synthetic everywhere.

A digit is written in one of the styles of nn.data.strokes, each point of its path jittered, the whole bent, stretched,
turned and slanted, and drawn by a pen of its own width, on 28×28 as MNIST was made (nn.data.pen).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nn.data.dataset import Dataset
from nn.data.pen import BOX, SIDE, draw
from nn.data.strokes import HANDLES, Style, styles

VERSION = 1  # of what a seed draws
CHUNK = 4096  # digits drawn at once
POINTS, PEN = 24, 6  # most points of a style; ways in which the pen varies
DRAWS = 3 * (2 * POINTS + 2 * HANDLES + PEN + 4) + 8
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hand:
    """How much writers differ: means and deviations, set by hand."""

    jitter: float = 6.0  # of each point, in hundredths of the height
    bend: float = 15.0  # of each handle of the sheet
    haste: float = 1.0  # how far corners are cut, at most
    calm: float = 0.4
    aspect: float = 0.17  # of the width, relative
    slant: tuple[float, float] = (0.12, 0.24)  # sideways per height, to the right
    turn: float = 0.09  # radians
    pen: tuple[float, float] = (1.2, 0.33)  # radius in pixels
    tail: float = 0.08
    thinnest: float = 0.65
    swell: float = 0.12  # of the radius along the path, relative
    edge: tuple[float, float] = (0.9, 1.5)  # pixels over which ink fades, least and most


def _uniform(bits: np.random.PCG64, count: int) -> Floats:
    """(count, DRAWS) numbers in [0, 1) from the raw bits of the generator, whose stream NumPy never changes."""
    raw = bits.random_raw(count * DRAWS)
    return ((raw >> np.uint64(11)) * 2.0**-53).reshape(count, DRAWS)


def write(digit_styles: Style, u: Floats, hand: Hand, calm: float = 1) -> NDArray[np.uint8]:
    """Pictures (n, 28, 28) in one style from uniform numbers (n, DRAWS)."""
    style = digit_styles
    n, k = len(u), len(style.points)
    flat, bell = u[:, :8], 2 * (u[:, 8:].reshape(n, -1, 3).sum(axis=2) - 1.5)  # deviation 1, within ±3
    jitter, rest = bell[:, : 2 * POINTS].reshape(n, 2, POINTS), bell[:, 2 * POINTS :]
    bends, rest = rest[:, : 2 * HANDLES].reshape(n, 2, HANDLES), rest[:, 2 * HANDLES :]
    points = style.points.T + calm * hand.jitter * jitter[:, :, :k]
    haste = hand.haste * flat[:, 2, None]
    path = np.zeros((n, 2, len(style.sharp)))
    for i in range(k):  # not a matrix product, whose rounding depends on the machine
        path += points[:, :, i, None] * (style.sharp[:, i] + haste * (style.round[:, i] - style.sharp[:, i]))[:, None]
    for i in range(HANDLES):
        path += calm * hand.bend * bends[:, :, i, None] * style.bend[:, i]
    x, y = path[:, 0] / 50 - 1, path[:, 1] / 50 - 1
    x = x * (1 + hand.aspect * rest[:, 0, None])
    half = np.clip(hand.turn * rest[:, 1, None], -0.5, 0.5) / 2  # tangent of half the angle
    cos, sin = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    x, y = x * cos - y * sin, x * sin + y * cos
    x = x - (hand.slant[0] + hand.slant[1] * rest[:, 2, None]) * y
    radius = np.maximum(hand.thinnest, hand.pen[0] + (hand.pen[1] + hand.tail * rest[:, 3]) * rest[:, 3])
    t = np.linspace(-1, 1, x.shape[1])
    swell = 1 + hand.swell * (rest[:, 4, None] * t + rest[:, 5, None] * (2 * t * t - 1) * 0.7)
    pen = radius[:, None] * np.clip(swell, 0.5, 1.6)
    size = np.maximum(np.ptp(x, axis=1), np.ptp(y, axis=1))
    edge = hand.edge[0] + (hand.edge[1] - hand.edge[0]) * flat[:, 1]
    scale = (BOX + 1 - 2 * radius - edge) / size
    for _ in range(3):
        e=np.maximum(*[(z*scale[:,None]+pen).max(axis=1)-(z*scale[:,None]-pen).min(axis=1) for z in (x,y)])
        scale = scale + (BOX+1-edge-e)/size
    scale = scale[:,None]
    return draw(x * scale, y * scale, pen, style.down, edge)


def pictures(labels: NDArray[np.uint8], u: Floats, hand: Hand) -> NDArray[np.uint8]:
    """One picture (28, 28) for each label, white on black."""
    out = np.empty((len(labels), SIDE, SIDE), np.uint8)
    for digit in range(10):
        of_digit = np.flatnonzero(labels == digit)
        known, ends = styles(digit)
        choice = np.searchsorted(ends, u[of_digit, 0], side="right")
        for i, style in enumerate(known):
            rows = of_digit[choice == i]
            if len(rows):
                out[rows] = write(style, u[rows], hand, hand.calm if digit == 1 else 1)
    return out


def built_in(seed: int = 0, train: int = 6000, test: int = 1000, hand: Hand = Hand()) -> Dataset:
    count = train + test
    bits = np.random.PCG64(np.random.SeedSequence([VERSION, seed]))
    order = np.argsort(bits.random_raw(count), kind="stable")
    labels = (order % 10).astype(np.uint8)
    images = np.concatenate([pictures(labels[i:i+CHUNK], _uniform(bits, len(labels[i:i+CHUNK])), hand) for i in range(0, count, CHUNK)])
    parts = (images[:train], labels[:train], images[train:], labels[train:])
    return Dataset("built-in synthetic digits", *parts, synthetic=True, source=f"drawn by nn.data.digits, seed {seed}")
