"""Whether what was found in a picture was drawn with a pen, told by a few numbers that all of MNIST stays within."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.images.ink_extraction import Grey, Refused, greatest, steps_of, thickness

# Limits, and in brackets the least or greatest of MNIST's 60,000 training digits.
FINEST = 12.0  # steps from ink to paper, for each pixel along the longest side, in the picture (8.7)
THINNEST = 0.7  # pixels of ink, for each pixel along the box, as all below (1.4)
WIDEST = 2.2  # width / height (1.7)
THICKEST = 0.5  # of the box (0.45)
SOFTEST = 0.97  # pixels that are neither ink nor paper, for each step from ink to paper (0.96; 99.99% are below 0.77)
GREYEST = 0.2  # pixels inside strokes that are not firm ink, for each pixel of ink (0.15)


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
    if thickness(firm) > THICKEST * box:
        raise Refused("a solid shape is on it, no strokes of a pen")
    inside = -greatest(greatest(-framed.astype(np.float32), 0, 1), 1, 1) > 40
    grey = np.count_nonzero(inside & (framed < 170)) > GREYEST * np.count_nonzero(firm)
    if grey or np.count_nonzero((framed > 64) & (framed < 190)) > SOFTEST * steps_of(firm):
        raise Refused("it looks like a photograph, not like strokes on plain paper")
