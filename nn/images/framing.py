"""How a data set frames what it shows: the size of its pictures, the box that the glyph fills, and what is centered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nnlaw.nn.images.ink_extraction import Grey, greatest, steps_of

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

SAMPLE = 2000  # pictures that are enough to tell the frame of a data set
SEEN = 20  # of 255: fainter is not counted to the box
PEN = 0.1  # of the glyph's longest side: the width of a usual stroke, twice its area for each step from ink to paper


@dataclass(frozen=True)
class Frame:
    """Pictures of height × width; the glyph's longest side is `box`; its center of mass or its box is centered.

    MNIST: 28×28, 20, by mass. EMNIST: 28×28, about 24, by its box. Fashion-MNIST: 28×28, 28, by its box.
    """

    height: int = 28
    width: int = 28
    box: int = 20
    by_mass: bool = True

    @classmethod
    def of(cls, images: Bytes) -> Frame:
        """The frame that pictures (N, H, W) share: the median of their longest sides, and the steadier center."""
        height, width = images.shape[1:]
        images = images[:SAMPLE][(images[:SAMPLE] > SEEN).any(axis=(1, 2))]
        if not len(images):
            return cls(height, width, max(height, width), by_mass=False)
        down, across = (_line(images, axis) for axis in (2, 1))
        box = int(np.median(np.maximum(down.length, across.length)))
        by_box = float(np.std(down.middle) + np.std(across.middle))
        return cls(height, width, box, float(np.std(down.mass) + np.std(across.mass)) < by_box)

    @property
    def drawn(self) -> bool:
        """Whether it shows strokes of a pen: they leave a margin, while things fill the picture."""
        return self.box < min(self.height, self.width)

    def place(self, ink: Grey) -> Bytes:
        """The glyph (h, w), cut out along its box, area-averaged into the box with its aspect kept, and centered.

            shift = round(size/2 − Σ i·mass / Σ mass)   whole pixels, so that the center lies at index size/2

        Returns (height, width) bytes.
        """
        if self.drawn:
            ink = pressed(ink)
        scale = self.box / max(ink.shape)
        rows, columns = (min(max(1, round(n * scale)), most) for n, most in zip(ink.shape, self.size, strict=True))
        how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        small = np.rint(np.asarray(Image.fromarray(ink).resize((columns, rows), how)).clip(0, 255))
        mass = small.astype(np.float64) if self.by_mass and small.any() else np.ones_like(small)
        top, left = (_start(mass.sum(axis=1 - axis), self.size[axis], self.by_mass) for axis in (0, 1))
        sheet = np.zeros(self.size, np.uint8)
        sheet[top : top + rows, left : left + columns] = small
        return sheet

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width


def pressed(ink: Grey) -> Grey:
    """The glyph as a usual pen draws it: where strokes are much thinner than PEN, as a ballpoint's, widened to it."""
    firm = np.pad(ink > 127, 1)
    lacking = PEN * max(ink.shape) - 2 * int(np.count_nonzero(firm)) / max(1, steps_of(firm))
    reach = int(lacking / 2)
    if lacking < 0.3 * PEN * max(ink.shape) or reach < 1:
        return ink
    return greatest(greatest(np.pad(ink, reach), 0, reach), 1, reach)


class _Line(NamedTuple):
    """Of each picture, summed along an axis: how long its box is, the middle of the box, the center of mass."""

    length: Floats
    middle: Floats
    mass: Floats


def _line(images: Bytes, axis: int) -> _Line:
    lit: NDArray[np.bool_] = np.asarray((images > SEEN).any(axis=axis))
    mass = images.sum(axis=axis, dtype=np.float64)
    size = lit.shape[1]
    first, last = lit.argmax(axis=1), size - 1 - lit[:, ::-1].argmax(axis=1)
    return _Line(last - first + 1.0, (first + last) / 2, mass @ np.arange(size) / mass.sum(axis=1))


def _start(mass: NDArray[np.float64], room: int, by_mass: bool) -> int:
    """The first index of the glyph along one axis."""
    center = float(mass @ np.arange(len(mass)) / mass.sum()) if by_mass else len(mass) / 2
    return min(max(round(room / 2 - center), 0), room - len(mass))
