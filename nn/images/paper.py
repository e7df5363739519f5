"""Find the sheet of paper in a picture, and distinguish ink on paper from the edges in a photograph."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from nnlaw.nn.images.framing import Gray, Mask
from nnlaw.nn.images.ink_extraction import (
    BLANK,
    MIN_PAPER,
    TRACE,
    PictureRefused,
    Reading,
    border_pixels,
    refine_paper,
)
from nnlaw.nn.images.segmentation import connected_parts

SHARP = 0.35  # of the contrast across a glyph's outline: a sharper edge is not a shadow's
NOISY = 1.75  # of the usual contrast between neighbors: added to it
PHOTO = 0.65  # of the outline: more of the signs of a photograph make one
CLEARANCE = 0.02  # of the longest side: edges closer to the ink are not counted
STEP = 0.2  # of the shade: a higher step between neighbors ends a sheet
MIN_SHEET = 0.1  # of the picture
MAX_INK = 0.4  # of a sheet: more is the inside of a frame
MIN_FILLED = 0.85  # of the smallest rectangle around a sheet
ANGLES = np.arange(-45, 45)  # degrees


def looks_like_photo(reading: Reading, region: Mask | None = None) -> bool:
    """True if the ink in `region` (H, W), or anywhere, looks like part of a photograph, not like pen on paper.

        steps + 5 · cut + 10 · soft > PHOTO,   each as a share of the pixels along the ink's outline

    steps: pixels of bare paper where its shade changes and does not come back as beyond a line, with an edge of more
    than SHARP · (contrast at the outline) · shade + NOISY · noise. cut: ink at the picture's border, unless the picture
    is cropped to the ink and its paper has no such edges. soft: pixels of the outline with less than half of its usual
    contrast. The weights and the limit come from a linear discriminant between 2,000 training digits with one fault
    each and 180 pieces of photographs that no other check refuses.
    """
    shades, firm, traced = reading.shades, reading.ink > 127, reading.ink > TRACE
    outline = ndimage.morphological_gradient(firm.astype(np.uint8), (3, 3)) > 0
    reach = max(2, round(CLEARANCE * max(firm.shape))) + 1
    free = ~ndimage.maximum_filter(traced, 2 * reach + 1)
    if region is not None:
        free &= ndimage.minimum_filter(region, 2 * reach + 1)
    length = np.count_nonzero(outline)
    if not length:
        return False
    sharpness = relative_edges(shades)[outline]
    usual = float(np.median(sharpness))
    cut, soft = np.count_nonzero(border_pixels(firm)), np.count_nonzero(sharpness < usual / 2)
    paper = shades + np.where(traced, 0, ndimage.black_tophat(shades, 2 * reach + 1))  # without lines and dots
    edges = ndimage.morphological_gradient(paper, (3, 3))
    least = SHARP * usual * np.maximum(ndimage.maximum_filter(paper, 3), MIN_PAPER)
    least += NOISY * float(np.median(edges[free])) if free.any() else 0
    steps = np.count_nonzero(free & (edges > least))
    cropped = not steps and all(side.any() for side in (firm[0], firm[-1], firm[:, 0], firm[:, -1]))
    return bool(steps + (0 if cropped else 5 * cut) + 10 * soft > PHOTO * length)


def relative_edges(shades: Gray) -> Gray:
    """The range of the shades of each pixel and its eight neighbors, as a share of the lightest."""
    lightest = np.maximum(ndimage.maximum_filter(shades, 3), MIN_PAPER)
    return np.asarray(ndimage.morphological_gradient(shades, (3, 3)) / lightest, np.float32)


def find_sheet(reading: Reading) -> Mask | None:
    """The sheet under the ink (H, W): paper connected to it without an edge, if that is about a rectangle."""
    labels, _ = connected_parts(relative_edges(reading.paper) < STEP)
    label = int(np.bincount(labels[reading.ink > 127]).argmax())
    mask: Mask = labels == label
    area = np.count_nonzero(mask)
    if label == 0 or area < MIN_SHEET * mask.size or np.count_nonzero(mask & (reading.ink > 127)) > MAX_INK * area:
        return None
    return None if smallest_rectangle(mask)[0] < MIN_FILLED else mask


def on_sheet(reading: Reading, sheet: Mask) -> Reading:
    """The reading without the ink beside the sheet."""
    ink: Gray = np.where(sheet, reading.ink, 0)
    if not (ink > 127).any():
        raise PictureRefused(BLANK)
    return refine_paper(Reading(reading.shades, reading.paper, ink, reading.noise), sheet)


def smallest_rectangle(mask: Mask) -> tuple[float, int]:
    """How much of the smallest rectangle around it a region fills, and the angle of that, in degrees clockwise."""
    mask = np.pad(mask, 1)
    rows, columns = np.nonzero(mask & ~ndimage.minimum_filter(mask, 3))
    angles = np.deg2rad(ANGLES)
    along = np.outer(np.cos(angles), columns) + np.outer(np.sin(angles), rows)
    across = np.outer(np.cos(angles), rows) - np.outer(np.sin(angles), columns)
    areas = (np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
    return float(np.count_nonzero(mask) / areas.min()), int(ANGLES[areas.argmin()])


def turn_upright(ink: Gray, sheet: Mask) -> Gray:
    """The ink (H, W) rotated so that its sheet is upright, in a picture large enough for it."""
    turned = Image.fromarray(ink).rotate(smallest_rectangle(sheet)[1], Image.Resampling.BICUBIC, expand=True)
    return np.asarray(turned, np.float32).clip(0, 255)
