"""Whether what was found in a picture was drawn with a pen, told by a few numbers that all of MNIST stays within."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.data.ink import Grey, Refused, greatest, steps_of, thickness

# Limits, and in brackets the least or greatest of MNIST's 60,000 training digits.
FINEST = 12.0  # steps from ink to paper, for each pixel along the longest side, in the picture (8.7)
THINNEST = 0.7  # pixels of ink, for each pixel along the box, as all below (1.4)
SEEN = 76  # of 255: fainter is no stroke
WIDEST = 2.2  # width / height (1.7)
THICKEST = 0.5  # of the box (0.45)
SOFTEST = 0.97  # pixels that are neither ink nor paper, for each step from ink to paper (0.96; 99.99% are below 0.77)
GREYEST = 0.2  # pixels inside strokes that are not firm ink, for each pixel of ink (0.15)


# What tells two digits that touch from one: 6.6 width/height + 20 (rows that cross two strokes) + 7 (rows that cross
# three), both as shares of the height; a linear discriminant of 10,000 digits and 1,500 touching pairs of MNIST.
WIDE, TWO, THREE = 6.6, 20.4, 7.0
PAIR = 27.2  # 99.97% of the digits are below, 85% of the pairs above


def judge_marks(glyph: Grey) -> None:
    """A glyph (h, w) as it stands in the picture. Raises Refused where it is woven of many fine strokes."""
    if steps_of(glyph > 127) > FINEST * max(glyph.shape):
        raise Refused("it looks like a texture, not like strokes on plain paper")


def judge_strokes(framed: NDArray[np.uint8], box: int) -> None:
    """A framed glyph (H, W) of bytes whose longest side is `box`. Raises Refused where no pen drew it."""
    firm = framed > 127
    rows, columns = (np.flatnonzero((framed > 40).any(axis=axis)) for axis in (1, 0))
    if np.count_nonzero(firm) < THINNEST * box:
        raise Refused("what is on it is too faint or too thin")
    if np.ptp(columns) + 1 > WIDEST * (np.ptp(rows) + 1):
        raise Refused("what is on it is a wide stroke or several figures that touch")
    if pairing(framed) > PAIR:
        raise Refused("it shows figures that touch, expected them apart")
    if thickness(firm) > THICKEST * box:
        raise Refused("a solid shape is on it, no strokes of a pen")
    inside = -greatest(greatest(-framed.astype(np.float32), 0, 1), 1, 1) > 40
    grey = np.count_nonzero(inside & (framed < 170)) > GREYEST * np.count_nonzero(firm)
    if grey or np.count_nonzero((framed > 64) & (framed < 190)) > SOFTEST * steps_of(firm):
        raise Refused("it looks like a photograph, not like strokes on plain paper")


def pairing(framed: NDArray[np.uint8]) -> float:
    """How much a framed glyph (H, W) looks like two side by side: wide, and crossed row by row by several strokes."""
    seen = framed > SEEN
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    height, width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    strokes = np.count_nonzero(np.diff(np.pad(seen, ((0, 0), (1, 1))), axis=1), axis=1) // 2
    two, three = (np.count_nonzero(strokes >= n) / height for n in (2, 3))
    return WIDE * width / height + TWO * two + THREE * three
