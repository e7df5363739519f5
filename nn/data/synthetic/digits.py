"""Synthetic digits: images of handwritten digits, generated from a seed, for a machine without data.

    data = generate_digits(seed=0, train=6000, test=1000)

A digit is written in one of the styles of strokes.py: each point of its path is jittered, the whole path is bent,
stretched, rotated and slanted, drawn by a pen of its own width, and placed on 28×28 pixels as MNIST was made
(stroke_renderer.py). A seed gives the same bytes with every version of Python and NumPy and on every machine: the
numbers come from the raw bits of PCG64, whose stream NumPy never changes, and the arithmetic uses only sums, products,
quotients and square roots, element by element, which IEEE 754 rounds in exactly one way.
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
from nnlaw.nn.data.synthetic.cache import cached
from nnlaw.nn.data.synthetic.splines import CONTROL_POINTS, MAX_PATH_POINTS, Floats, Style, styles
from nnlaw.nn.data.synthetic.stroke_renderer import BOX, SIDE, render_paths
from nnlaw.nn.data.synthetic.strokes import STYLES
from nnlaw.spec.violation import BadInput

VERSION = 1  # of the bytes that a seed gives
TRAIN, TEST = 18_000, 3000  # of the default set
MIN_COUNT, MAX_COUNT = 70, 600_000  # images in one data set
CHUNK = 2048  # images generated at a time
MAX_STYLE_POINTS, TRAITS = 20, 6  # points of a style; other properties that differ from image to image
NUMBERS = 2 + 3 * (2 * MAX_STYLE_POINTS + 2 * CONTROL_POINTS + TRAITS)  # random numbers for one image
Bytes = NDArray[np.uint8]
Progress = Callable[[int, int], None]  # receives the number of images done, and of all images


@dataclass(frozen=True)
class HandStyle:
    """How much handwriting varies: (mean, deviation) or (minimum, maximum). Chosen by hand, not fitted to data."""

    jitter: float = 6.0  # of each point, in hundredths of the square
    bend: float = 15.0  # of each of the 4×4 control points of the sheet, in hundredths
    aspect: float = 0.17  # of the width, relative
    slant: tuple[float, float] = (0.12, 0.24)  # sideways per height, to the right
    turn: float = 0.09  # radians
    pen: tuple[float, float, float] = (1.2, 0.35, 0.1)  # r = a + bz + cz² pixels, z of deviation 1: a few are thick
    thinnest: float = 0.65  # pixels
    swell: float = 0.2  # of the pen along the path, relative
    edge: tuple[float, float] = (0.9, 1.5)  # pixels over which ink fades


DEFAULT_HAND_STYLE = HandStyle()
NEAT_HAND_STYLE = HandStyle(jitter=3.6, bend=9.0, aspect=0.1, slant=(0.12, 0.144), turn=0.054)
"""Three fifths of the variation: the default recipe reaches 95% on such digits."""


def generate_digits(
    seed: int = 0,
    train: int = 6000,
    test: int = 1000,
    progress: Progress | None = None,
    style: HandStyle = DEFAULT_HAND_STYLE,
) -> Dataset:
    """A data set from `seed` with equally many images of each digit, and no two equal images."""
    bits = np.random.PCG64(np.random.SeedSequence([VERSION, seed]))
    count = train + test
    labels = (np.argsort(bits.random_raw(count), kind="stable") % 10).astype(np.uint8)
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        images[part] = render_digits(labels[part], _numbers(bits, part.stop - start), style)
        if progress is not None:
            progress(part.stop, count)
    while len(repeated := _repeated(images)):  # so that no test image is in the training set
        images[repeated] = render_digits(labels[repeated], _numbers(bits, len(repeated)), style)
    parts = (images[:train], labels[:train], images[train:], labels[train:])
    return Dataset(SYNTHETIC, *parts, synthetic=True, source=source_name(seed))


def default_digits(progress: Progress | None = None) -> Dataset:
    """Neat digits of seed 0, generated on first use and then kept in the user's cache folder."""
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    shapes = dict(zip(parts, ((TRAIN, SIDE, SIDE), (TRAIN,), (TEST, SIDE, SIDE), (TEST,)), strict=True))

    def compute() -> dict[str, Bytes]:
        data = generate_digits(0, TRAIN, TEST, progress, NEAT_HAND_STYLE)
        return {name: getattr(data, name) for name in parts}

    recipe = hashlib.sha256(repr((VERSION, STYLES, NEAT_HAND_STYLE)).encode()).hexdigest()[:16]  # edits change it
    arrays = cached(f"digits-{VERSION}-{recipe}-seed-0-{TRAIN}-{TEST}", shapes, compute)
    images, labels, test_images, test_labels = arrays.values()
    return Dataset(SYNTHETIC, images, labels, test_images, test_labels, synthetic=True, source=source_name(0))


def source_name(seed: int) -> str:
    """The code, its version and the seed."""
    return f"drawn by nnlaw.nn.data.synthetic.digits, version {VERSION}, seed {seed}"


def train_test_counts(count: int) -> tuple[int, int]:
    """Divide `count` images into training and test images, six to one as in MNIST. Raises BadInput."""
    if not MIN_COUNT <= count <= MAX_COUNT:
        raise BadInput(f"count = {count:,}, expected {MIN_COUNT} to {MAX_COUNT:,} digits")
    return count - count // 7, count // 7


def render_digits(labels: Bytes, numbers: Floats, style: HandStyle = DEFAULT_HAND_STYLE) -> Bytes:
    """One image (28, 28) per label (n,), white on black, from random numbers (n, NUMBERS) in [0, 1)."""
    n = len(labels)
    share, fade = numbers[:, 0], numbers[:, 1, None]
    normal = 2 * (numbers[:, 2::3] + numbers[:, 3::3] + numbers[:, 4::3] - 1.5)  # mean 0, deviation 1, within ±3
    jitter, bend, traits = np.split(normal, [2 * MAX_STYLE_POINTS, 2 * MAX_STYLE_POINTS + 2 * CONTROL_POINTS], axis=1)
    jitter, bend = style.jitter * jitter.reshape(n, 2, -1), style.bend * bend.reshape(n, 2, -1)
    width, rotation, slope, weight, growth, peak = (traits[:, i, None] for i in range(TRAITS))
    x, y, t, down = _paths(labels, share, jitter, bend)
    x = x * (1 + style.aspect * width)
    half = style.turn * rotation / 2
    cos, sin = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)  # of 2·arctan(half)
    x, y = x * cos - y * sin, x * sin + y * cos
    x = x - (style.slant[0] + style.slant[1] * slope) * y
    radius = np.maximum(style.thinnest, style.pen[0] + (style.pen[1] + style.pen[2] * weight) * weight)
    radius = radius * np.clip(1 + style.swell * (growth * t + peak * (1.4 * t * t - 0.7)), 0.5, 1.6)
    edge = style.edge[0] + (style.edge[1] - style.edge[0]) * fade
    scale = _scale(x, y, radius + (edge - 1) / 2)
    return render_paths(x * scale, y * scale, radius, down, edge)


def _paths(labels: Bytes, share: Floats, jitter: Floats, bend: Floats) -> tuple[Any, ...]:
    """x and y (n, M) of the paths, from −1 to 1 across the square, t from −1 to 1 along them, and `down` (n, M − 1).

    A path with fewer than M points is padded with its last point, the pen lifted.
    """
    path = np.empty((len(labels), 3, MAX_PATH_POINTS))
    down = np.zeros((len(labels), MAX_PATH_POINTS - 1), np.bool_)
    for digit in range(10):
        indices = np.flatnonzero(labels == digit)
        digit_styles, ends = styles(digit)
        choice = np.searchsorted(ends, share[indices], side="right")
        for i, style in enumerate(digit_styles):
            rows = indices[choice == i]
            length = len(style.path)
            points = _bent(style, jitter[rows], bend[rows]) / 50 - 1
            path[rows, :2, :length] = points
            path[rows, :2, length:] = points[:, :, -1:]
            path[rows, 2] = np.minimum(np.arange(MAX_PATH_POINTS) * (2 / (length - 1)), 2) - 1
            down[rows, : length - 1] = style.down
    return path[:, 0], path[:, 1], path[:, 2], down


def _bent(style: Style, jitter: Floats, bend: Floats) -> Floats:
    """Jittered and bent paths (n, 2, M) of one style, in hundredths of the square."""
    path = np.zeros((len(jitter), 2, len(style.path)))
    for i, point in enumerate(style.points):  # the rounding of a matrix product depends on the machine
        path += (point + jitter[:, :, i])[:, :, None] * style.path[:, i]
    for i in range(CONTROL_POINTS):
        path += bend[:, :, i, None] * style.bend[:, i]
    return path


def _scale(x: Floats, y: Floats, reach: Floats) -> Floats:
    """The factor (n, 1) that makes the longer side of the ink 20 pixels, by Newton's method with slope `size`."""
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
    """Indices of images that are equal to an earlier one."""
    whole = np.ascontiguousarray(images).reshape(len(images), -1).view(f"V{SIDE * SIDE}")[:, 0]
    first = np.unique(whole, return_index=True)[1]
    return np.setdiff1d(np.arange(len(images)), first)
