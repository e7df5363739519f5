"""Check that a glyph was drawn with a pen, by a few limits that all of MNIST stays within."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from nnlaw.nn.images.framing import Bytes, Gray, outline_length
from nnlaw.nn.images.ink_extraction import PictureRefused, thickness

# Limits, with the smallest or largest value of MNIST's 60,000 training digits in parentheses.
MAX_OUTLINE = 12.0  # outline per pixel of the longest side, in the picture (8.7)
MIN_INK = 0.7  # pixels of ink per pixel of the box; this and all below are measured on the framed glyph (1.4)
MAX_ASPECT = 2.2  # width / height (1.7)
MAX_THICKNESS = 0.5  # of the box (0.45)
MAX_SOFT = 0.97  # pixels between ink and paper, per pixel of outline (0.96; 99.99% are below 0.77)
MAX_GRAY = 0.2  # pixels inside strokes that are not firm ink, per pixel of ink (0.15)


def check_outline(glyph: Gray) -> None:
    """Check a glyph (h, w) at the picture's resolution. Raises PictureRefused for a weave of many fine strokes."""
    if outline_length(glyph > 127) > MAX_OUTLINE * max(glyph.shape):
        raise PictureRefused("it looks like a texture, not like strokes on plain paper")


def check_strokes(framed: Bytes, box: int) -> None:
    """Check a framed glyph (H, W) whose longest side is `box`. Raises PictureRefused if it is not pen strokes."""
    firm = framed > 127
    rows, columns = (np.flatnonzero((framed > 40).any(axis=axis)) for axis in (1, 0))
    if np.count_nonzero(firm) < MIN_INK * box:
        raise PictureRefused("the strokes are too faint or too thin")
    if np.ptp(columns) + 1 > MAX_ASPECT * (np.ptp(rows) + 1):
        raise PictureRefused("too wide for one digit: it is a wide stroke, or several digits that touch")
    if thickness(firm) > MAX_THICKNESS * box:
        raise PictureRefused("it shows a solid shape, not pen strokes")
    inside = ndimage.minimum_filter(framed, 3) > 40
    gray = np.count_nonzero(inside & (framed < 170)) > MAX_GRAY * np.count_nonzero(firm)
    if gray or np.count_nonzero((framed > 64) & (framed < 190)) > MAX_SOFT * outline_length(firm):
        raise PictureRefused("it looks like a photograph, not like strokes on plain paper")
