"""The glyphs in a picture: ink gathered into connected parts, parts that belong together into one glyph each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.images.ink_extraction import Grey, Mask, Refused, border_of

EDGE = 40.0  # of 255: where a stroke ends; fainter is the blur around it, which a box would take for ink
HALF = 100.0  # likewise for a glyph of more than LARGE pixels, whose blur is wider than a pixel of the net
LARGE = 40  # pixels along the longest side
SPECK = 0.03  # of the largest part's ink: a smaller part is dirt
CUT = 0.25  # likewise, for a part that the border cuts: the end of a shadow, or of something else
ALONE = 0.88  # of all ink: what the parts that are kept must hold
MOST = 40  # parts, dirt counted; more are a texture or a page
PIECES = 4  # parts that one glyph may be drawn in
NEAR = 0.22  # of the tallest part's height: parts nearer than this belong together, unless both are tall
STACKED = 0.4  # likewise of parts one above the other, as the bar of a 5
TALL = 0.7  # of the tallest part's height: two parts as tall as this, side by side, are two glyphs
LINE = 0.1  # likewise: as far above one another, two such parts are two lines; nearer, they are one broken glyph
FULL = 0.55  # of the area that ink may cover
TOUCHING = 0.35  # of the border that ink may cover
SMALLEST = 0.05  # of the picture's longest side: what is smaller is dirt on an empty sheet
MARKS = "it is full of small marks, as noise, a texture or a page of text is"


@dataclass(frozen=True)
class Glyph:
    """Parts that belong together: their numbers, and the box around them, bottom and right excluded."""

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

    def with_(self, other: Glyph) -> Glyph:
        """Both as one."""
        first = (min(self.top, other.top), min(self.left, other.left))
        return Glyph(self.parts + other.parts, *first, max(self.bottom, other.bottom), max(self.right, other.right))


def glyphs(ink: Grey) -> list[Grey]:
    """Each glyph's own ink, cut out along its box, line by line, from left to right.

    Raises Refused where there is none, or what there is looks like a page of text, a texture or a photograph.
    """
    if (ink > 127).mean() > FULL or (border_of(ink) > 127).mean() > TOUCHING:
        raise Refused("it is inked all over, as a photograph or a texture is")
    labels, count = components(ink > EDGE)
    if count > MOST:
        raise Refused(MARKS)
    weight = np.bincount(labels.reshape(-1), ink.reshape(-1), count + 1)
    weight[0] = 0
    least = np.full(count + 1, SPECK)
    least[border_of(labels)] = CUT
    kept = np.flatnonzero(weight > least * weight.max())
    if weight[kept].sum() < ALONE * weight.sum():
        raise Refused(MARKS)
    found = gathered([_box(labels, int(number)) for number in kept])
    if max(len(glyph.parts) for glyph in found) > PIECES:
        raise Refused(MARKS)
    if max(glyph.side for glyph in found) < SMALLEST * max(ink.shape):
        raise Refused("there is only a speck on it")
    return [_cut(ink, labels, glyph) for line in lines_of(found) for glyph in line]


def lines_of(found: list[Glyph]) -> list[list[Glyph]]:
    """Glyphs as they are read: lines from top to bottom, each from left to right.

    A glyph stands in the line whose lowest glyph it overlaps by half of the lesser height.
    """
    lines: list[list[Glyph]] = []
    for glyph in sorted(found, key=lambda glyph: glyph.top + glyph.bottom):
        line = next((line for line in lines if _beside(glyph, line[-1])), None)
        if line is None:
            lines.append([glyph])
        else:
            line.append(glyph)
    return [sorted(line, key=lambda glyph: glyph.left + glyph.right) for line in lines]


def _beside(a: Glyph, b: Glyph) -> bool:
    return min(a.bottom, b.bottom) - max(a.top, b.top) >= min(a.height, b.height) / 2


def components(mask: Mask) -> tuple[NDArray[np.intp], int]:
    """The connected parts of a mask, eight neighbors a pixel: their numbers from 1 at each pixel, and how many.

    Every pixel points to the least pixel that it knows of in its part, until none learns of a lesser one.
    """
    size = int(np.count_nonzero(mask))
    place = np.full((mask.shape[0] + 1, mask.shape[1] + 2), -1)
    place[:-1, 1:-1][mask] = np.arange(size)
    here = place[:-1, 1:-1]
    pairs = []
    for there in (place[:-1, 2:], place[1:, :-2], place[1:, 1:-1], place[1:, 2:]):
        both = (here >= 0) & (there >= 0)
        pairs.append((here[both], there[both]))
    a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
    root = np.arange(size)
    while len(a):
        least = np.minimum(root[a], root[b])
        np.minimum.at(root, root[a], least)
        np.minimum.at(root, root[b], least)
        while not np.array_equal(root, root[root]):
            root = root[root]
        apart = root[a] != root[b]
        a, b = a[apart], b[apart]
    numbers = np.cumsum(root == np.arange(size))
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = numbers[root]
    return labels, int(numbers[-1]) if size else 0


def gathered(parts: list[Glyph]) -> list[Glyph]:
    """Parts put together, two at a time, until no two belong together."""
    tallest = max(part.height for part in parts)
    while True:
        pairs = ((a, b) for i, a in enumerate(parts) for b in parts[i + 1 :] if _belong(a, b, tallest))
        pair = next(pairs, None)
        if pair is None:
            return parts
        parts = [part for part in parts if part not in pair] + [pair[0].with_(pair[1])]


def _belong(a: Glyph, b: Glyph, tallest: int) -> bool:
    """Whether two parts are strokes of one glyph: near each other, and not two tall ones in a row or a column."""
    across = max(a.left, b.left) - min(a.right, b.right)
    down = max(a.top, b.top) - min(a.bottom, b.bottom)
    if min(a.height, b.height) >= TALL * tallest and (across >= 0 or down > LINE * tallest):
        return False
    return across <= NEAR * tallest and down <= (STACKED if across < 0 else NEAR) * tallest


def _box(labels: NDArray[np.intp], number: int) -> Glyph:
    rows, columns = np.nonzero(labels == number)
    return Glyph((number,), int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)


def _cut(ink: Grey, labels: NDArray[np.intp], glyph: Glyph) -> Grey:
    box = np.s_[glyph.top : glyph.bottom, glyph.left : glyph.right]
    return boxed(np.where(np.isin(labels[box], (0, *glyph.parts)), ink[box], 0))


def boxed(ink: Grey) -> Grey:
    """Cut to the box around the strokes."""
    seen = ink > (HALF if max(ink.shape) > LARGE and (ink > HALF).any() else EDGE)
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
