"""Built-in digits: drawn by code from a seed, for a machine without data. They are called synthetic everywhere.

A digit is written in one of the styles of strokes.py: each point of its path jittered, the whole bent, stretched,
turned and slanted, drawn by a pen of its own width, and put on 28×28 as MNIST was made (stroke_renderer.py). A seed
draws the same bytes with every version of Python and NumPy and on every machine: the numbers come from the raw bits of
PCG64, whose stream NumPy never changes, and there are only sums, products, quotients and square roots, element by
element, which IEEE 754 rounds in one way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.dataset_info import SYNTHETIC
from nnlaw.nn.data.synthetic.cache import kept
from nnlaw.nn.data.synthetic.splines import HANDLES, MAX_LENGTH, Floats, Style, styles
from nnlaw.nn.data.synthetic.stroke_renderer import BOX, SIDE, draw
from nnlaw.nn.data.synthetic.strokes import STYLES
from nnlaw.spec.violation import BadInput

VERSION = 1  # of what a seed draws
TRAIN, TEST = 6000, 1000
FEWEST, MOST = 70, 600_000  # pictures that may be asked for
CHUNK = 2048  # pictures drawn at once
POINTS, TRAITS = 20, 6  # points that a style may have; further ways in which writers differ
NUMBERS = 2 + 3 * (2 * POINTS + 2 * HANDLES + TRAITS)  # that one picture takes from the generator
Bytes = NDArray[np.uint8]
Tell = Callable[[int, int], None]  # hears how many pictures of how many are done


@dataclass(frozen=True)
class Hand:
    """How much writers differ: means and deviations, or the least and the most. Set by hand."""

    jitter: float = 6.0  # of each point, in hundredths of the square
    bend: float = 15.0  # of each of the 4×4 handles of the sheet, in hundredths
    aspect: float = 0.17  # of the width, relative
    slant: tuple[float, float] = (0.12, 0.24)  # sideways per height, to the right
    turn: float = 0.09  # radians
    pen: tuple[float, float, float] = (1.2, 0.35, 0.1)  # r = a + bz + cz² pixels, z of deviation 1: some are thick
    thinnest: float = 0.65  # pixels
    swell: float = 0.2  # of the pen along the path, relative
    edge: tuple[float, float] = (0.9, 1.5)  # pixels over which ink fades


HAND = Hand()


def built_in(
    seed: int = 0, train: int = TRAIN, test: int = TEST, tell: Tell | None = None, hand: Hand = HAND
) -> Dataset:
    """A data set drawn from `seed`: every digit equally often, and no picture twice, so that the test is unseen."""
    bits = np.random.PCG64(np.random.SeedSequence([VERSION, seed]))
    count = train + test
    labels = (np.argsort(bits.random_raw(count), kind="stable") % 10).astype(np.uint8)
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        images[part] = pictures(labels[part], _numbers(bits, part.stop - start), hand)
        if tell is not None:
            tell(part.stop, count)
    while len(again := _repeated(images)):
        images[again] = pictures(labels[again], _numbers(bits, len(again)), hand)
    parts = (images[:train], labels[:train], images[train:], labels[train:])
    return Dataset(SYNTHETIC, *parts, synthetic=True, source=source(seed))


def default(tell: Tell | None = None) -> Dataset:
    """The data set of seed 0 by the standard hand, drawn on first use and then kept in the user's cache folder."""
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    shapes = dict(zip(parts, ((TRAIN, SIDE, SIDE), (TRAIN,), (TEST, SIDE, SIDE), (TEST,)), strict=True))

    def make() -> dict[str, Bytes]:
        drawn = built_in(tell=tell)
        return {name: getattr(drawn, name) for name in parts}

    recipe = hashlib.sha256(repr((VERSION, STYLES, HAND)).encode()).hexdigest()[:16]  # an edit is seen at once
    arrays = kept(f"digits-{VERSION}-{recipe}-seed-0-{TRAIN}-{TEST}", shapes, make)
    images, labels, test_images, test_labels = arrays.values()
    return Dataset(SYNTHETIC, images, labels, test_images, test_labels, synthetic=True, source=source(0))


def source(seed: int) -> str:
    """What drew a data set."""
    return f"drawn by nnlaw.nn.data.synthetic.digits, version {VERSION}, seed {seed}"


def shares(count: int) -> tuple[int, int]:
    """How many of `count` pictures are for training and for the test: six to one, as in MNIST. Raises BadInput."""
    if not FEWEST <= count <= MOST:
        raise BadInput(f"count = {count:,}, expected {FEWEST} to {MOST:,} digits")
    return count - count // 7, count // 7


def pictures(labels: Bytes, numbers: Floats, hand: Hand = HAND) -> Bytes:
    """A picture (28, 28) for each label (n,), white on black, from numbers (n, NUMBERS) in [0, 1)."""
    n = len(labels)
    share, fade = numbers[:, 0], numbers[:, 1, None]
    bells = 2 * (numbers[:, 2::3] + numbers[:, 3::3] + numbers[:, 4::3] - 1.5)  # mean 0, deviation 1, within ±3
    jitter, bend, traits = np.split(bells, [2 * POINTS, 2 * POINTS + 2 * HANDLES], axis=1)
    jitter, bend = hand.jitter * jitter.reshape(n, 2, -1), hand.bend * bend.reshape(n, 2, -1)
    wide, turned, slanted, heavy, grows, peaks = (traits[:, i, None] for i in range(TRAITS))
    x, y, t, down = _paths(labels, share, jitter, bend)
    x = x * (1 + hand.aspect * wide)
    half = hand.turn * turned / 2
    cos, sin = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)  # of 2·arctan(half)
    x, y = x * cos - y * sin, x * sin + y * cos
    x = x - (hand.slant[0] + hand.slant[1] * slanted) * y
    radius = np.maximum(hand.thinnest, hand.pen[0] + (hand.pen[1] + hand.pen[2] * heavy) * heavy)
    radius = radius * np.clip(1 + hand.swell * (grows * t + peaks * (1.4 * t * t - 0.7)), 0.5, 1.6)
    edge = hand.edge[0] + (hand.edge[1] - hand.edge[0]) * fade
    scale = _scale(x, y, radius + (edge - 1) / 2)
    return draw(x * scale, y * scale, radius, down, edge)


def _paths(labels: Bytes, share: Floats, jitter: Floats, bend: Floats) -> tuple[Any, ...]:
    """x and y of the paths (n, M), in halves of the square around its middle, t from −1 to 1 along them, and `down`.

    A path that is shorter than the longest stays at its end, the pen lifted.
    """
    path = np.empty((len(labels), 3, MAX_LENGTH))
    down = np.zeros((len(labels), MAX_LENGTH - 1), np.bool_)
    for digit in range(10):
        of_digit = np.flatnonzero(labels == digit)
        known, ends = styles(digit)
        choice = np.searchsorted(ends, share[of_digit], side="right")
        for i, style in enumerate(known):
            rows = of_digit[choice == i]
            length = len(style.path)
            drawn = _bent(style, jitter[rows], bend[rows]) / 50 - 1
            path[rows, :2, :length] = drawn
            path[rows, :2, length:] = drawn[:, :, -1:]
            path[rows, 2] = np.minimum(np.arange(MAX_LENGTH) * (2 / (length - 1)), 2) - 1
            down[rows, : length - 1] = style.down
    return path[:, 0], path[:, 1], path[:, 2], down


def _bent(style: Style, jitter: Floats, bend: Floats) -> Floats:
    """The paths (n, 2, M) in one style, in hundredths of the square."""
    path = np.zeros((len(jitter), 2, len(style.path)))
    for i, point in enumerate(style.points):  # not a matrix product, whose rounding depends on the machine
        path += (point + jitter[:, :, i])[:, :, None] * style.path[:, i]
    for i in range(HANDLES):
        path += bend[:, :, i, None] * style.bend[:, i]
    return path


def _scale(x: Floats, y: Floats, reach: Floats) -> Floats:
    """The factor (n, 1) by which the longer side of the ink, path and pen, becomes 20 pixels; by secants."""
    size: Floats = np.maximum(np.ptp(x, axis=1), np.ptp(y, axis=1))[:, None]
    scale: Floats = (BOX - 2 * reach.max(axis=1, keepdims=True)) / size
    for _ in range(3):
        ends = [(z * scale + reach).max(axis=1) - (z * scale - reach).min(axis=1) for z in (x, y)]
        scale = scale + (BOX - np.stack(ends).max(axis=0)[:, None]) / size
    return scale


def _numbers(bits: np.random.PCG64, count: int) -> Floats:
    raw = bits.random_raw(count * NUMBERS) >> np.uint64(11)
    numbers: Floats = raw.reshape(count, NUMBERS).astype(np.float64) * 2.0**-53
    return numbers


def _repeated(images: Bytes) -> NDArray[np.int64]:
    """The rows whose picture an earlier row has."""
    whole = np.ascontiguousarray(images).reshape(len(images), -1).view(f"V{SIDE * SIDE}")[:, 0]
    first = np.unique(whole, return_index=True)[1]
    return np.setdiff1d(np.arange(len(images)), first)
