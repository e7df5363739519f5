"""Find the glyphs in a picture: connected ink, and parts that belong together as one glyph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nnlaw.nn.images.framing import Gray, Mask
from nnlaw.nn.images.ink_extraction import PictureRefused, border_pixels

EDGE = 40.0  # of 255: where a stroke ends; anything fainter is the blur around it, which is not part of the box
EDGE_OF_LARGE = 100.0  # the same for a glyph of more than LARGE pixels, whose blur is wider than a pixel of the frame
LARGE = 40  # pixels along the longest side
SPECK = 0.03  # of the largest part's ink: a smaller part is dirt
CUT_OFF = 0.25  # the same for a part at the border: the end of a shadow, or of something else
MIN_KEPT = 0.88  # of all ink, in the parts that are kept
MAX_PARTS = 40  # dirt included; more are a texture or a page
MAX_PIECES = 4  # parts of one glyph
NEAR = 0.22  # of the tallest part's height: closer parts belong together, unless both are tall
STACKED = 0.4  # the same for parts above each other, such as the bar of a 5
TALL = 0.7  # of the tallest part's height: two parts as tall as this, side by side, are two glyphs
LINE = 0.1  # the same: two tall parts this far above each other are in two lines; closer, they are one broken glyph
MAX_COVERED = 0.55  # of the area
MAX_BORDER = 0.45  # of the border
MIN_SIZE = 0.05  # of the picture's longest side: anything smaller is dirt on an empty sheet
EIGHT_NEIGHBORS = np.ones((3, 3), int)
MANY_MARKS = "too many small marks, as in noise, a texture or a page of text"


@dataclass(frozen=True)
class Glyph:
    """Parts that belong together: their labels, and the box around them, bottom and right excluded."""

    parts: tuple[int, ...]
    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def side(self) -> int:
        """Pixels along the longest side."""
        return max(self.height, self.right - self.left)

    def merged(self, other: Glyph) -> Glyph:
        """Both as one glyph."""
        first = (min(self.top, other.top), min(self.left, other.left))
        return Glyph(self.parts + other.parts, *first, max(self.bottom, other.bottom), max(self.right, other.right))


def find_glyphs(ink: Gray) -> list[Gray]:
    """Each glyph's own ink, cropped to its box, line by line, from left to right.

    Raises PictureRefused if there is no glyph, or if the picture looks like a page of text, a texture or a photograph.
    """
    if (ink > 127).mean() > MAX_COVERED or (border_pixels(ink) > 127).mean() > MAX_BORDER:
        raise PictureRefused("ink covers most of the picture, as in a photograph or a texture")
    labels, count = connected_parts(ink > EDGE)
    if count > MAX_PARTS:
        raise PictureRefused(MANY_MARKS)
    weight = np.bincount(labels.reshape(-1), ink.reshape(-1), count + 1)
    weight[0] = 0
    least = np.full(count + 1, SPECK)
    least[border_pixels(labels)] = CUT_OFF
    kept = np.flatnonzero(weight > least * weight.max())
    if weight[kept].sum() < MIN_KEPT * weight.sum():
        raise PictureRefused(MANY_MARKS)
    boxes = ndimage.find_objects(labels)
    found = group_parts([_part(int(label), boxes[label - 1]) for label in kept])
    if max(len(glyph.parts) for glyph in found) > MAX_PIECES:
        raise PictureRefused(MANY_MARKS)
    if max(glyph.side for glyph in found) < MIN_SIZE * max(ink.shape):
        raise PictureRefused("only a speck found")
    return [_crop(ink, labels, glyph) for line in in_lines(found) for glyph in line]


def connected_parts(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """The connected parts of a mask (eight neighbors per pixel): their labels (H, W) from 1, and how many there are."""
    labels, count = ndimage.label(mask, EIGHT_NEIGHBORS)
    return labels.astype(np.int32, copy=False), int(count)


def in_lines(found: list[Glyph]) -> list[list[Glyph]]:
    """Glyphs in reading order: lines from top to bottom, each from left to right.

    A glyph belongs to a line if it overlaps its lowest glyph by half of the smaller height.
    """
    lines: list[list[Glyph]] = []
    for glyph in sorted(found, key=lambda glyph: glyph.top + glyph.bottom):
        line = next((line for line in lines if _side_by_side(glyph, line[-1])), None)
        if line is None:
            lines.append([glyph])
        else:
            line.append(glyph)
    return [sorted(line, key=lambda glyph: glyph.left + glyph.right) for line in lines]


def _side_by_side(a: Glyph, b: Glyph) -> bool:
    return min(a.bottom, b.bottom) - max(a.top, b.top) >= min(a.height, b.height) / 2


def group_parts(parts: list[Glyph]) -> list[Glyph]:
    """Merge parts, two at a time, until no two belong together."""
    tallest = max(part.height for part in parts)
    while True:
        pairs = ((a, b) for i, a in enumerate(parts) for b in parts[i + 1 :] if _belong_together(a, b, tallest))
        pair = next(pairs, None)
        if pair is None:
            return parts
        parts = [part for part in parts if part not in pair] + [pair[0].merged(pair[1])]


def _belong_together(a: Glyph, b: Glyph, tallest: int) -> bool:
    """True for two strokes of one glyph: near each other, and not two tall parts in a row or a column."""
    across = max(a.left, b.left) - min(a.right, b.right)
    down = max(a.top, b.top) - min(a.bottom, b.bottom)
    if min(a.height, b.height) >= TALL * tallest and (across >= 0 or down > LINE * tallest):
        return False
    return across <= NEAR * tallest and down <= (STACKED if across < 0 else NEAR) * tallest


def _part(label: int, box: tuple[slice, ...]) -> Glyph:
    rows, columns = box
    return Glyph((label,), rows.start, columns.start, rows.stop, columns.stop)


def _crop(ink: Gray, labels: NDArray[np.int32], glyph: Glyph) -> Gray:
    box = np.s_[glyph.top : glyph.bottom, glyph.left : glyph.right]
    return crop_to_strokes(np.where(np.isin(labels[box], (0, *glyph.parts)), ink[box], 0))


def crop_to_strokes(ink: Gray) -> Gray:
    """The ink cropped to the box around its strokes."""
    seen = ink > (EDGE_OF_LARGE if max(ink.shape) > LARGE and (ink > EDGE_OF_LARGE).any() else EDGE)
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
