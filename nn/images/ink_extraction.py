"""Find the ink in a gray picture with an uneven background: 0 on the paper, 255 in the middle of a stroke.

    likely, *others = readings(gray)     dark ink on light paper, and light ink on dark paper
    refine_paper(likely).ink             the same with the paper's shade measured beside the strokes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nnlaw.nn.images.framing import Gray, Mask

T = TypeVar("T", bound=np.generic)

FAINT = 0.02  # of full ink: anything below is paper
MIN_CONTRAST = 25.0  # of 255: a picture with less counts as blank
MIN_SIGNAL = 6.0  # standard deviations of the noise that ink must exceed
MAX_ROUNDS = 40  # sweeps over the picture; a spiral with more turns is not filled
LONGEST_DIP = 0.45  # of the border: ink that touches it
SHARP_END = 0.003  # of the border: within how much such ink ends
TRACE = 40.0  # of 255: fainter pixels, away from darker ones, are bare paper
MARGIN = 2  # pixels: how far away
MIN_PAPER = 32  # of 255: paper is taken to be at least this light, so that black on black is not ink
BLANK = "no strokes found: nothing is much darker or lighter than the background"


class PictureRefused(Exception):
    """Raised for a readable picture that does not show one digit; the text is the reason."""


@dataclass(frozen=True)
class Reading:
    """One way to read a picture, arrays (H, W): its shades with ink dark, the paper under them, ink from 0 to 255.

    `noise` is the standard deviation of the noise in its shades.
    """

    shades: Gray
    paper: Gray
    ink: Gray
    noise: float


def readings(gray: Gray) -> list[Reading]:
    """The ways to read a picture, dark on light or light on dark, the likelier first; a weak one is left out.

        ink = (paper − gray) / paper,   because light falls on ink and paper alike
        paper = `fill_dark_regions`:    dark regions that do not reach the border, as shadows do, are filled

    The reading with the stronger contrast is correct. If both are strong, as in an 8, whose holes are as light as its
    paper, the one whose paper is at the border is. Raises PictureRefused for a blank picture.
    """
    both = np.stack([gray, 255 - gray])
    paper, noise = fill_dark_regions(both, _border_without_ink(both)), noise_level(gray)
    light, strong = _has_light_ink(both, paper)
    order = (light, 1 - light) if strong else (light,)
    return [Reading(both[i], paper[i], _scaled_ink(contrast(both[i], paper[i]), noise), noise) for i in order]


def refine_paper(reading: Reading, sheet: Mask | None = None) -> Reading:
    """The reading with the paper under its ink as light as the mean of the bare paper within a stroke's width.

    Filled paper is too dark if a stroke leads out of a shadow: the shadow's shade runs along it. With `sheet` (H, W),
    only paper of the sheet counts, and ink outside of it is removed.
    """
    inked = ndimage.maximum_filter(reading.ink > TRACE, 2 * MARGIN + 1)
    bare = ~inked & (reading.ink == 0)
    if sheet is not None:
        bare &= sheet
    size = 2 * max(MARGIN, thickness(reading.ink > 127)) + 1
    share = ndimage.uniform_filter(bare.astype(np.float64), size, mode="constant")
    light = ndimage.uniform_filter(np.where(bare, reading.shades, 0).astype(np.float64), size, mode="constant")
    near = inked & (share > 0.5 / size**2)  # at least one bare pixel
    paper = np.where(near, light / np.where(near, share, 1), reading.paper).astype(np.float32)
    ink = _scaled_ink(contrast(reading.shades, paper), reading.noise)
    return Reading(reading.shades, paper, ink if sheet is None else np.where(sheet, ink, 0), reading.noise)


def _has_light_ink(both: Gray, paper: Gray) -> tuple[int, bool]:
    """1 if the second reading, light ink on dark paper, is correct, else 0; and whether both are strong."""
    depth = paper - both
    peaks = [_peak(found) for found in depth]
    if max(peaks) < MIN_CONTRAST:
        raise PictureRefused(BLANK)
    if min(peaks) < max(peaks) / 2:
        return int(peaks[1] > peaks[0]), False
    shades = [float(both[0][found > top / 2].mean()) for found, top in zip(depth, peaks, strict=True)]
    middle = float(np.median(border_pixels(both[0])))
    return int(abs(middle - shades[0]) < abs(middle - shades[1])), True


def _scaled_ink(found: Gray, noise: float) -> Gray:
    """Contrast scaled so that firm strokes are 255; noise and faint traces become 0."""
    top = _peak(found)
    if top < max(MIN_CONTRAST, MIN_SIGNAL * noise):
        raise PictureRefused("only noise found" if top >= MIN_CONTRAST else BLANK)
    firm = float(np.percentile(found[found > top / 2], 75))
    found[found < max(FAINT * firm, 4 * noise)] = 0
    found *= np.float32(255 / firm)
    return np.minimum(found, 255, out=found)


def fill_dark_regions(shades: Gray, border: Gray) -> Gray:
    """Fill dark regions that do not reach the border, (N, H, W) and (N, 2 H + 2 W) -> (N, H, W).

        f(p) = min over the paths from the border to p of the greatest shade on the way

    This is morphological reconstruction by erosion, which scipy.ndimage does not have: sweep over the picture from all
    four sides until nothing changes.
    """
    level = np.full_like(shades, np.inf)
    height, width = shades.shape[1:]
    level[:, 0], level[:, -1] = border[:, :width], border[:, width : 2 * width]
    level[:, :, 0], level[:, :, -1] = border[:, 2 * width : -height], border[:, -height:]
    for _ in range(MAX_ROUNDS):
        before = level.copy()
        for axis in (1, 2):
            _sweep(level, shades, axis)
        settled = np.maximum(ndimage.minimum_filter(level, (1, 3, 3)), shades) >= level
        if settled.all() or (before - level).max() <= 1:
            break
    return level


def _sweep(level: Gray, floor: Gray, axis: int) -> None:
    """Lower each line of the level (N, H, W), in place, to the line before it, but not below the floor.

        level(p) <- max(floor(p), min(level(p), level of the three neighbors in the line before))    in both directions

    The lines of all N pictures are one row with walls in between, on which NumPy is more than twice as fast.
    """
    sides = ((0, 0), (0, 0), (1, 1))
    walled = [np.pad(np.moveaxis(a, axis, 0), sides, constant_values=np.inf) for a in (level, floor)]
    rows, least = (np.ascontiguousarray(a).reshape(len(a), -1) for a in walled)
    near = np.empty_like(rows[0, 1:-1])
    for forward, bottom in ((rows, least), (rows[::-1], least[::-1])):
        inner = forward[:, 1:-1]
        lines = zip(forward[:, :-2], forward[:, 2:], inner, inner[1:], bottom[1:, 1:-1], strict=False)
        for left, right, before, here, deepest in lines:
            np.minimum(left, right, out=near)
            np.minimum(near, before, out=near)
            np.minimum(near, here, out=near)
            np.maximum(near, deepest, out=here)
    level[...] = np.moveaxis(rows.reshape(walled[0].shape)[:, :, 1:-1], 0, axis)


def contrast(gray: Gray, paper: Gray) -> Gray:
    """How much darker each pixel is than the paper under it, in 255ths of the paper."""
    return np.asarray((paper - gray) * 255 / np.maximum(paper, MIN_PAPER), np.float32)


def _border_without_ink(shades: Gray) -> Gray:
    """The border (N, 2 H + 2 W) of shades (N, H, W); dips as dark as ink are raised to the shade beside them.

    Short dips are ink; longer ones, as in a picture cropped to a digit, if they start and end within a few pixels.
    """
    height, width = shades.shape[1:]
    top, bottom, left, right = np.split(border_pixels(shades), np.cumsum([width, width, height]), axis=1)
    around = np.concatenate([top, right, bottom[:, ::-1], left[:, ::-1]], axis=1)
    darkest = np.percentile(shades, 0.2, axis=(1, 2))
    deep = np.maximum((np.median(around, axis=1) - darkest) / 2, MIN_CONTRAST)
    for line, least in zip(around, deep, strict=True):
        short = ndimage.black_tophat(line, (len(line) // 16 * 2 + 1,), mode="wrap") > least
        dips = ndimage.black_tophat(line, (int(LONGEST_DIP * len(line)),), mode="wrap") > least
        inked = short | _with_sharp_ends(dips, line, least)
        line[inked] = np.interp(np.flatnonzero(inked), np.flatnonzero(~inked), line[~inked], period=len(line))
    top, right, bottom, left = np.split(around, np.cumsum([width, height, width]), axis=1)
    return np.concatenate([top, bottom[:, ::-1], left[:, ::-1], right], axis=1)


def _with_sharp_ends(dips: NDArray[np.bool_], line: Gray, least: float) -> NDArray[np.bool_]:
    """The runs of a cyclic row of marks at whose ends the shades of the line change by `least` within a few pixels."""
    found = np.zeros_like(dips)
    if dips.all():
        return found
    start, reach = int(dips.argmin()), max(1, round(SHARP_END * len(line)))
    marks, values = np.roll(dips, -start), np.roll(line, -start)
    for (run,) in ndimage.find_objects(ndimage.label(marks)[0]):
        before, after = values[run.start - reach], values[(run.stop + reach - 1) % len(values)]
        inside = values[min(run.start + reach, run.stop - 1)], values[max(run.stop - 1 - reach, run.start)]
        found[run] = before - inside[0] > least and after - inside[1] > least
    return np.roll(found, start)


def _peak(found: Gray) -> float:
    """The contrast that 1 in 2,000 pixels reaches."""
    rank = found.size // 2000 + 1
    return float(np.sort(found, axis=None)[-rank])  # partition is 20 times slower if most are 0


def thickness(mask: Mask) -> int:
    """Pixels across the thickest stroke: the side of the largest square that fits into it, an odd number."""
    return max(1, 2 * int(ndimage.distance_transform_cdt(np.pad(mask, 1), "chessboard").max()) - 1)


def noise_level(gray: Gray) -> float:
    """Standard deviation of the noise, from the smallest quarter of the differences between neighbors."""
    steps = np.abs(np.diff(gray, axis=1)) if gray.shape[1] > 1 else np.abs(np.diff(gray, axis=0))
    return float(np.percentile(steps, 25)) / (0.3186 * 2**0.5) if steps.size else 0.0


def border_pixels(shades: NDArray[T]) -> NDArray[T]:
    """The pixels along the border, (..., H, W) -> (..., 2 H + 2 W): top, bottom, left, right."""
    return np.concatenate([shades[..., 0, :], shades[..., -1, :], shades[..., 0], shades[..., -1]], axis=-1)
