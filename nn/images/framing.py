"""Place a glyph in an image as in the training images: the image's size, the glyph's size, and what is centered.

    frame = Frame.of(train_images)     the frame that a data set shares; each run records it
    frame.place(ink)                   a glyph (h, w) as (height, width) bytes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

SAMPLE = 2000  # images that are enough to measure the frame of a data set
VISIBLE = 20  # of 255: fainter pixels do not count toward the box
STROKE_WIDTH = 0.1  # of the glyph's longest side: a usual pen


@dataclass(frozen=True)
class Frame:
    """Images of height × width; the glyph's longest side is `box`; its center of mass, or else its box, is centered.

    MNIST: 28×28, 20, by mass. EMNIST: 28×28, about 24, by its box. Fashion-MNIST: 28×28, 28, by its box.
    """

    height: int = 28
    width: int = 28
    box: int = 20
    by_mass: bool = True

    @classmethod
    def of(cls, images: Bytes) -> Frame:
        """The frame of images (N, H, W): the median of their longest sides, and the center that varies less."""
        height, width = images.shape[1:]
        images = images[:SAMPLE][(images[:SAMPLE] > VISIBLE).any(axis=(1, 2))]
        if not len(images):
            return cls(height, width, max(height, width), by_mass=False)
        down, across = (_extent(images, axis) for axis in (2, 1))
        box = int(np.median(np.maximum(down.length, across.length)))
        by_box = float(np.std(down.middle) + np.std(across.middle))
        return cls(height, width, box, float(np.std(down.mass) + np.std(across.mass)) < by_box)

    @property
    def has_margin(self) -> bool:
        """True for images of pen strokes, which leave a margin; false if things, such as clothes, fill the image."""
        return self.box < min(self.height, self.width)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    def place(self, ink: Gray) -> Bytes:
        """Scale a glyph (h, w) by area averaging so that it fills the box, aspect kept, and center it.

            shift = round(size/2 − Σ i·mass / Σ mass)   whole pixels, so that the center is at index size/2

        Returns (height, width) bytes.
        """
        if self.has_margin:
            ink = widen_strokes(ink)
        scale = self.box / max(ink.shape)
        rows, columns = (min(max(1, round(n * scale)), most) for n, most in zip(ink.shape, self.size, strict=True))
        method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        small = np.rint(np.asarray(Image.fromarray(ink).resize((columns, rows), method)).clip(0, 255))
        mass = small.astype(np.float64) if self.by_mass and small.any() else np.ones_like(small)
        top, left = (_start(mass.sum(axis=1 - axis), self.size[axis], self.by_mass) for axis in (0, 1))
        image = np.zeros(self.size, np.uint8)
        image[top : top + rows, left : left + columns] = small
        return image


def widen_strokes(ink: Gray) -> Gray:
    """The glyph with strokes of about STROKE_WIDTH if they are much thinner, such as a ballpoint's."""
    from scipy import ndimage  # here, because training imports this module for Frame.of

    usual, firm = STROKE_WIDTH * max(ink.shape), np.pad(ink > 127, 1)
    missing = usual - 2 * int(np.count_nonzero(firm)) / max(1, outline_length(firm))
    reach = int(missing / 2)
    if missing < 0.3 * usual or reach < 1:
        return ink
    return ndimage.maximum_filter(np.pad(ink, reach), 2 * reach + 1)


def outline_length(firm: Mask) -> int:
    """The number of neighbors, in a row or a column, of which one is ink and one is paper."""
    down, across = firm[1:] != firm[:-1], firm[:, 1:] != firm[:, :-1]
    return int(np.count_nonzero(down)) + int(np.count_nonzero(across))


class _Extent(NamedTuple):
    """For each image, along one axis: the length of its box, the middle of its box, its center of mass."""

    length: Floats
    middle: Floats
    mass: Floats


def _extent(images: Bytes, axis: int) -> _Extent:
    lit: Mask = np.asarray((images > VISIBLE).any(axis=axis))
    mass = images.sum(axis=axis, dtype=np.float64)
    size = lit.shape[1]
    first, last = lit.argmax(axis=1), size - 1 - lit[:, ::-1].argmax(axis=1)
    return _Extent(last - first + 1.0, (first + last) / 2, mass @ np.arange(size) / mass.sum(axis=1))


def _start(mass: Floats, room: int, by_mass: bool) -> int:
    """The first index of the glyph along one axis."""
    center = float(mass @ np.arange(len(mass)) / mass.sum()) if by_mass else len(mass) / 2
    return min(max(round(room / 2 - center), 0), room - len(mass))
