"""The sheet that a glyph lies on: whatever else the picture shows, it must be plain paper around its glyphs."""

from __future__ import annotations

import numpy as np

from nn.data.glyphs import components
from nn.data.ink import DARKEST, Grey, Mask, Reading, Refused, greatest

SHARP = 0.35  # of the contrast across a glyph's outline: an edge as sharp as this is no shadow's
NOISY = 1.75  # of the usual contrast between neighbors: what is added to it
LOOSE = 0.03  # such pixels, for each pixel along the outlines, that may lie elsewhere
TRACE = 40.0  # of 255: ink as faint as this, and what is near it, is part of the glyphs or dirt
CLEAR = 0.02  # of the longest side: how near
DIM = 0.7  # of the paper's shade under the glyphs: what is darker is not the same sheet
LEAST_SHEET = 0.1  # of the picture
SQUARE = 0.85  # of the least rectangle around it that a sheet fills
TURNS = np.deg2rad(np.arange(0, 90, 3))


def is_plain(reading: Reading, where: Mask | None = None) -> bool:
    """Whether the paper `where` (H, W), everywhere if None, bears no edges as sharp as the glyphs' own.

        |edge| > SHARP · (contrast at the outlines) · shade + NOISY · noise    in hardly any pixel
    """
    top = spread(reading.shades)
    edges = top + spread(-reading.shades)
    top = np.maximum(top, DARKEST)
    firm = reading.ink > 127
    outline = grown(firm, 1) & ~shrunk(firm, 1)
    near = max(2, round(CLEAR * max(firm.shape))) + 1
    free = ~grown(reading.ink > TRACE, near)
    if where is not None:
        free &= shrunk(where, near)
    if not free.any() or not outline.any():
        return True
    least = SHARP * float(np.median(edges[outline] / top[outline])) * top + NOISY * float(np.median(edges[free]))
    return bool(np.count_nonzero(free & (edges > least)) <= LOOSE * np.count_nonzero(outline))


def sheet_of(reading: Reading) -> Mask | None:
    """The sheet under the ink (H, W): paper of one shade, as a rectangle; None where there is none."""
    firm = reading.ink > 127
    labels, _ = components(reading.paper > DIM * float(np.median(reading.paper[firm])))
    number = int(np.bincount(labels[firm]).argmax())
    mask = labels == number
    if number == 0 or np.count_nonzero(mask) < LEAST_SHEET * mask.size or squareness(mask) < SQUARE:
        return None
    return np.asarray(mask)


def on_sheet(reading: Reading, sheet: Mask) -> Reading:
    """The reading with nothing but what is on the sheet."""
    ink: Grey = np.where(shrunk(sheet, 1), reading.ink, 0)
    if not (ink > 127).any():
        raise Refused("nothing is drawn on it")
    return Reading(reading.shades, reading.paper, ink)


def squareness(mask: Mask) -> float:
    """How much of the least rectangle around it a region fills, however it is turned."""
    mask = np.pad(mask, 1)
    rows, columns = np.nonzero(mask & ~shrunk(mask, 1))
    along = np.outer(np.cos(TURNS), columns) + np.outer(np.sin(TURNS), rows)
    across = np.outer(np.cos(TURNS), rows) - np.outer(np.sin(TURNS), columns)
    return float(np.count_nonzero(mask) / ((np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)).min())


def spread(shades: Grey) -> Grey:
    """The greatest shade of each pixel and its eight neighbors."""
    return greatest(greatest(shades, 0, 1), 1, 1)


def grown(mask: Mask, reach: int) -> Mask:
    """What lies within `reach` of a region, it included."""
    return np.asarray(greatest(greatest(mask.astype(np.float32), 0, reach), 1, reach) > 0)


def shrunk(mask: Mask, reach: int) -> Mask:
    """What lies deeper than `reach` in a region; the picture's border does not bound it."""
    return ~grown(~mask, reach)
