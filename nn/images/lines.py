"""Erase what is drawn around digits: frames and rings, underlines, dashes and dots, the lines of ruled paper.

    reading = erase_lines(reading)     the same without them, so that digits in the cells of a form are read

Raises PictureRefused for a line that may be part of a digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nnlaw.nn.images.framing import Gray, Mask, outline_length
from nnlaw.nn.images.ink_extraction import MARGIN, PictureRefused, Reading, border_pixels, contrast
from nnlaw.nn.images.segmentation import CUT_OFF, EDGE, SPECK, connected_parts

RULED = 1.3  # of the darkness of lines at the border: fainter ink is part of such lines
FAINT_LINES = 0.6  # of full ink: darker lines at the border may be strokes
SECTORS = 36  # of the circle around a part
SURROUNDED = 0.8  # of these sectors: a part in more of them is a frame
HALF_OPEN = 0.6  # the same: a part in more of them may be one
MIN_INSIDE = 0.2  # of the frame's height or width: a smaller part inside is a mark in a zero
ROUND = 0.85  # width / height: a narrower ring around a stroke may be a slashed zero
CORNER = 0.12  # of the height and the width: a corner of a box, slightly rounded or tilted
STRAIGHT = 3.0  # length / width of a line
LEVEL = 25  # degrees between a line and the horizontal
BESIDE = 0.05  # of the digits' height: an underline is this much longer than the digits on both sides
APART_BELOW, APART_ABOVE = 0.15, 0.35  # the same: or it is this far away
PIECE = 0.06  # the same: a closer one is a piece of the digit
LARGEST = 2.5  # the same: a larger part at the border is a digit, cropped to it, and others are its pieces
HIGHER = 1.1  # the same: a higher upright line may be a separator
MUCH_HIGHER = 4.0  # than all else, and that lower than SMALLEST: the line is a 1, the rest specks
SMALLEST = 6  # pixels: lower parts are too small for digits
GAP = 0.04  # of a glyph's longest side: half of the widest gap in a frame that is taken as closed
MAX_ENCLOSED = 0.18  # of a glyph's ink, further inside than a stroke (99.9% of MNIST: below 0.16)
LEAST_HEIGHT = 24  # pixels: the edges of smaller digits are too short to look for a line
FLAT = 0.02  # of the height: the lower edge of an underline is straighter
BOTH_SIDES, ONE_SIDE = 0.04, 0.1  # of the height: an underline is this much longer than what is above it
DOT, MARK, COMMA = 0.2, 0.35, 0.45  # the same: smaller marks beside them: several in a column, one alone, upright


@dataclass(frozen=True, eq=False)
class Part:
    """Connected ink: its label, and the rows and columns of its pixels."""

    label: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right; the last two excluded."""
        return int(self.rows.min()), int(self.columns.min()), int(self.rows.max()) + 1, int(self.columns.max()) + 1

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.box[3] - self.box[1]

    @property
    def has_corners(self) -> bool:
        """True for a box, whose pixels reach the corners of the box around them, unlike those of a ring."""
        down, across = ((v - v.min()) / max(1, np.ptp(v)) for v in (self.rows, self.columns))
        return all((np.abs(down - i) + np.abs(across - j)).min() < CORNER for i in (0, 1) for j in (0, 1))

    @cached_property
    def slant(self) -> float:
        """Degrees from the horizontal, 0 to 90, of a straight line; NaN for other parts."""
        (down, both), (_, across) = np.cov(self.rows, self.columns, bias=True)
        middle, half = (down + across) / 2 + 1 / 12, float(np.hypot((across - down) / 2, both))  # 1/12: of a pixel
        straight = middle + half > STRAIGHT**2 * (middle - half)
        return abs(float(np.degrees(np.arctan2(2 * both, across - down) / 2))) if straight else np.nan


def erase_lines(reading: Reading) -> Reading:
    """The reading without lines that are not part of a digit. Raises PictureRefused for lines that may be one."""
    firm = reading.ink >= RULED * ruled_lines(reading)
    ink = np.where(ndimage.maximum_filter(firm, 2 * MARGIN + 1), reading.ink, 0)
    labels, count = connected_parts(ink > EDGE)
    weight = np.bincount(labels.reshape(-1), ink.reshape(-1), count + 1)
    weight[0] = 0
    parts = [Part(int(k), *np.nonzero(labels == k)) for k in np.flatnonzero(weight > SPECK * weight.max())]
    at_border = set(border_pixels(labels).tolist())
    cut = {part for part in parts if part.label in at_border and weight[part.label] > CUT_OFF * weight.max()}
    inside = [part.height for part in parts if part not in cut]
    digit = max(inside, default=0)
    if any(HIGHER * digit < max(part.height, part.width) < LARGEST * digit for part in cut):
        raise PictureRefused("something larger than the digits leads out of the picture; crop it to the digits")
    digits = [part for part in parts if not any(surrounds(part, other) for other in parts)]
    digits = without_marks(without_bars(digits))
    others = np.isin(labels, [part.label for part in parts if part not in digits])
    if others.any():
        near = ndimage.maximum_filter(others, 2 * MARGIN + 1)
        others |= near & ~ndimage.maximum_filter((labels > 0) & ~others, 3)
    others |= ink < reading.ink
    shades = np.where(others, reading.paper, reading.shades)
    return replace(reading, shades=shades, ink=np.where(others, 0, ink))


def ruled_lines(reading: Reading) -> float:
    """How dark the lines are that cross the border, from 0 to 255; 0 if there are none, or if they may be strokes."""
    firm = reading.ink > 127
    if not firm.any():
        return 0.0
    full = float(np.median(contrast(reading.shades, reading.paper)[firm]))
    border = border_pixels(reading.shades)
    dips = contrast(border, border + ndimage.black_tophat(border, (len(border) // 16 * 2 + 1,))) / full
    lines = dips > max(0.05, 6 * reading.noise / full)
    if ndimage.label(lines)[1] < 4:
        return 0.0
    darkness = float(np.percentile(dips[lines], 90))
    return 255 * darkness if darkness < FAINT_LINES else 0.0


def surrounds(part: Part, other: Part) -> bool:
    """True if a part is a frame or a ring around the other. Raises PictureRefused if it may be one."""
    (top, left, bottom, right), inner = part.box, other.box
    if other is part or not (top < inner[0] and left < inner[1] and inner[2] < bottom and inner[3] < right):
        return False
    if max(other.height / part.height, other.width / part.width) < MIN_INSIDE:
        return False
    angles = np.arctan2(part.rows - (inner[0] + inner[2]) / 2, part.columns - (inner[1] + inner[3]) / 2)
    seen = len(np.unique(np.floor(angles / (2 * np.pi) * SECTORS)))
    if seen < SURROUNDED * SECTORS:
        if seen > HALF_OPEN * SECTORS:
            raise PictureRefused("it shows a digit inside of an open frame or ring; crop it to the digit")
        return False
    narrow = part.width < ROUND * part.height and not part.has_corners
    if narrow and other.slant > LEVEL and other.height > 0.6 * part.height:
        raise PictureRefused("it shows a 1 in a ring, or a zero with a slash")
    return True


def without_bars(parts: list[Part]) -> list[Part]:
    """The parts without level lines below, above or between them.

    A line above that is not longer than the digit on both sides may be the upper stroke of a 5, and stays.
    """
    bars = [part for part in parts if part.slant < LEVEL]
    digits = [part for part in parts if part not in bars]
    return parts if not digits else [part for part in parts if part in digits or not _is_extra(part, digits)]


def _is_extra(bar: Part, digits: list[Part]) -> bool:
    """True for an underline, a line above, or a dash. Raises PictureRefused for a short line close below a digit."""
    tallest = max(digit.height for digit in digits)
    _, left, _, right = bar.box
    over = [digit for digit in digits if digit.box[1] < right and digit.box[3] > left]
    if not over:
        return any(digit.box[3] <= left for digit in digits) and any(digit.box[1] >= right for digit in digits)
    rows, columns = (np.concatenate([getattr(digit, name) for digit in over]) for name in ("rows", "columns"))
    away = rows - np.polyval(np.polyfit(bar.columns, bar.rows, 1), columns)
    if away.min() <= 0 <= away.max():
        return False
    longer = min(columns.min() - left, right - 1 - columns.max()) > BESIDE * tallest
    below = away.max() < 0
    gap = float(np.abs(away).min()) / tallest
    if longer or len(over) > 1 or gap > (APART_BELOW if below else APART_ABOVE):
        return True
    if below and gap > PIECE:
        raise PictureRefused("it shows a short line close below a digit: an underline, or a part of the digit")
    return False


def without_marks(parts: list[Part]) -> list[Part]:
    """The parts without dots and commas beside the digits. Raises PictureRefused for an upright line between them."""
    heights = [part.height for part in parts]
    usual = max((part.height for part in parts if not part.slant > 45), default=max(heights))
    if usual < SMALLEST and max(heights) > MUCH_HIGHER * usual:
        usual = max(heights)
    digits = [part for part in parts if part.height > usual / 2]
    if any(part.slant > 45 and part.height > HIGHER * usual for part in digits):
        raise PictureRefused("it shows an upright line higher than the digits: a 1, or a line that separates them")

    def is_mark(part: Part) -> bool:
        _, left, _, right = part.box
        over = [other for other in parts if other is not part and other.box[1] < right and other.box[3] > left]
        most = COMMA if part.slant > 45 else DOT if over else MARK
        return max(part.height, part.width) < most * usual and not any(digit in over for digit in digits)

    return [part for part in parts if not is_mark(part)]


def check_touching_frame(glyph: Gray) -> None:
    """Raise PictureRefused for a digit (h, w) that touches a frame around it: much ink inside of the outermost stroke.

    Gaps in the frame are closed first.
    """
    reach = int(GAP * max(glyph.shape)) + 1
    firm = np.pad(glyph > 127, 2 * reach + 1)
    filled = ndimage.binary_fill_holes(ndimage.maximum_filter(firm, 2 * reach + 1))
    depth = ndimage.distance_transform_edt(ndimage.minimum_filter(filled, 2 * reach + 1) | firm)
    if np.count_nonzero(firm & (depth > 2 * _pen(firm) + 1)) > MAX_ENCLOSED * np.count_nonzero(firm):
        raise PictureRefused("it shows a digit that touches a frame or a ring; crop it to the digit")


def check_touching_underline(glyph: Gray) -> None:
    """Raise PictureRefused for a digit (h, w) that touches an underline: a straight edge, longer on both sides."""
    firm = glyph > 127
    height, width = firm.shape
    if height < LEAST_HEIGHT:
        return
    columns = np.flatnonzero(firm.any(axis=0))
    lowest = height - 1 - firm[::-1, columns].argmax(axis=0)
    line = np.polyfit(columns, lowest, 1) if len(columns) > 1 else (0.0, 0.0)
    flat = np.quantile(np.abs(lowest - np.polyval(line, columns)), 0.9) < FLAT * height
    higher = np.arange(height)[:, None] < np.polyval(line, np.arange(width)) - 1.6 * _pen(np.pad(firm, 1))
    above = np.flatnonzero((firm & higher).any(axis=0))
    if flat and len(above):
        beside = (above[0] / height, (width - 1 - above[-1]) / height)
        if min(beside) > BOTH_SIDES and max(beside) > ONE_SIDE:
            raise PictureRefused("it shows a digit that touches a line below it; crop it to the digit")


def _pen(firm: Mask) -> float:
    """The mean width of the strokes of a mask with a margin, in pixels."""
    return 2 * int(np.count_nonzero(firm)) / max(1, outline_length(firm))
