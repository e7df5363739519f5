"""The sheet that a glyph lies on: whatever else the picture shows, it must be plain paper around its glyphs."""

from __future__ import annotations

import numpy as np
from PIL import Image

from nnlaw.nn.images.ink_extraction import (
    DARKEST,
    TRACE,
    Grey,
    Mask,
    Reading,
    Refused,
    border_of,
    evened,
    greatest,
    grown,
    shrunk,
)
from nnlaw.nn.images.segmentation import components

SHARP = 0.35  # of the contrast across a glyph's outline: an edge as sharp as this is no shadow's
NOISY = 1.75  # of the usual contrast between neighbors: what is added to it
PHOTO = 0.65  # of the outline: so much of what photographs show makes one
CLEAR = 0.02  # of the longest side: how near
STEP = 0.2  # of the shade: a step from pixel to pixel as high as this ends a sheet
LEAST_SHEET = 0.1  # of the picture
SQUARE = 0.85  # of the least rectangle around it that a sheet fills
TURNS = np.arange(-45, 45)  # degrees


def is_plain(reading: Reading, location: Mask | None = None) -> bool:
    """Whether the ink `where` (H, W), everywhere if None, looks drawn on plain paper; a photograph's does not.

        steps + 5 · cut + 10 · soft <= PHOTO,   each a share of the pixels along the ink's outline

    steps: pixels of the bare paper where its shade steps and does not come back, as beyond a line, |edge| being above
    SHARP · (contrast at the outline) · shade + NOISY · noise. cut: ink that the picture's border cuts. soft: pixels of
    the outline with less than half of its usual contrast. Weights and limit are of a discriminant between 2,000
    training digits with one fault each and 180 pieces of photographs that nothing else had refused.
    """
    shades, firm = reading.shades, reading.ink > 127
    outline = grown(firm, 1) & ~shrunk(firm, 1)
    near = max(2, round(CLEAR * max(firm.shape))) + 1
    free = ~grown(reading.ink > TRACE, near)
    if location is not None:
        free &= shrunk(location, near)
    length = np.count_nonzero(outline)
    if not length:
        return True
    sharpness = (edges_of(shades) / np.maximum(spread(shades), DARKEST))[outline]
    usual = float(np.median(sharpness))
    cut, soft = np.count_nonzero(border_of(firm)), np.count_nonzero(sharpness < usual / 2)
    paper = np.where(reading.ink > TRACE, shades, closed(shades, near))
    edges = edges_of(paper)
    least = SHARP * usual * np.maximum(spread(paper), DARKEST)
    least += NOISY * float(np.median(edges[free])) if free.any() else 0
    steps = np.count_nonzero(free & (edges > least))
    return bool(steps + 5 * cut + 10 * soft <= PHOTO * length)


def sheet_of(reading: Reading) -> Mask | None:
    """The sheet under the ink (H, W): what is reached from it over paper without an edge, if about a rectangle."""
    firm = reading.ink > 127
    calm = edges_of(reading.paper) < STEP * np.maximum(spread(reading.paper), DARKEST)
    labels, _ = components(calm)
    number = int(np.bincount(labels[firm]).argmax())
    mask = labels == number
    if number == 0 or np.count_nonzero(mask) < LEAST_SHEET * mask.size or fitted(mask)[0] < SQUARE:
        return None
    return np.asarray(mask)


def on_sheet(reading: Reading, sheet: Mask) -> Reading:
    """The reading with nothing but what is on the sheet."""
    ink: Grey = np.where(sheet, reading.ink, 0)
    if not (ink > 127).any():
        raise Refused("nothing is drawn on it")
    return evened(Reading(reading.shades, reading.paper, ink, reading.noise), sheet)


def fitted(mask: Mask) -> tuple[float, int]:
    """How much of the least rectangle around it a region fills, and by how many degrees, clockwise, that is turned."""
    mask = np.pad(mask, 1)
    rows, columns = np.nonzero(mask & ~shrunk(mask, 1))
    turns = np.deg2rad(TURNS)
    along = np.outer(np.cos(turns), columns) + np.outer(np.sin(turns), rows)
    across = np.outer(np.cos(turns), rows) - np.outer(np.sin(turns), columns)
    areas = (np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
    return float(np.count_nonzero(mask) / areas.min()), int(TURNS[areas.argmin()])


def upright(ink: Grey, sheet: Mask) -> Grey:
    """The ink (H, W) with its sheet turned upright, in a picture large enough for it."""
    turned = Image.fromarray(ink).rotate(fitted(sheet)[1], Image.Resampling.BICUBIC, expand=True)
    return np.asarray(turned, np.float32).clip(0, 255)


def spread(shades: Grey) -> Grey:
    """The greatest shade of each pixel and its eight neighbors."""
    return greatest(greatest(shades, 0, 1), 1, 1)


def edges_of(shades: Grey) -> Grey:
    """How far the shades of each pixel and its eight neighbors lie apart."""
    return spread(shades) + spread(-shades)


def closed(shades: Grey, reach: int) -> Grey:
    """The shades without dark lines and dots up to 2 `reach` wide; steps stay."""
    light = greatest(greatest(shades, 0, reach), 1, reach)
    return -greatest(greatest(-light, 0, reach), 1, reach)
