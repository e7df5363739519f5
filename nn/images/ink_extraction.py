"""Ink on an uneven background: a grey picture becomes an array of ink, 0 on the paper and 255 where the pen pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

FAINT = 0.02  # of full ink: below it is paper
LEAST = 25.0  # of 255: contrast below which a picture counts as blank
ROUGH = 6.0  # deviations of the noise that ink must stand out
ROUNDS = 40  # sweeps at most; a spiral of more turns is left unfinished
TRACE = 40.0  # of 255: ink as faint as this, and what is near it, is not bare paper
BLUR = 2  # pixels: how near
DARKEST = 32  # of 255: paper is not taken for darker, or nothing divided by nothing would be ink


class Refused(Exception):
    """A picture that can be read but shows no single figure; the text says why."""


@dataclass(frozen=True)
class Reading:
    """One way to read a picture, each (H, W): its shades with ink dark, the paper under them, ink from 0 to 255.

    `noise` is the deviation of the noise in its shades.
    """

    shades: Grey
    paper: Grey
    ink: Grey
    noise: float


def readings(grey: Grey) -> list[Reading]:
    """The ways to read a picture, dark on light or light on dark, the likelier first; a weak one is left out.

        ink = (paper − grey) / paper,   for light falls on ink and paper alike
        paper = `filled`: what is dark and does not reach the border, as shadows do, filled up

    The reading with the stronger contrast is right. Where both are strong, as in an 8, whose holes are as light as its
    paper, the border tells: it is paper. Raises Refused where nothing stands out.
    """
    both = np.stack([grey, 255 - grey])
    paper, noise = filled(both, raised(both)), noise_of(grey)
    light, strong = _is_light(both, paper)
    order = (light, 1 - light) if strong else (light,)
    return [Reading(both[i], paper[i], _pressed(contrast(both[i], paper[i]), noise), noise) for i in order]


def evened(reading: Reading, sheet: Mask | None = None) -> Reading:
    """The reading anew: under its ink the paper is as light as the mean of what lies bare within a stroke's width.

    Filled paper is too dark where a stroke leads out of a shadow: the shadow's shade runs along it. Nothing but what is
    on the sheet, where one is told, counts as bare.
    """
    firm = reading.ink > 127
    inked, reach = grown(reading.ink > TRACE, BLUR), max(BLUR, thickness(firm))
    bare = ~inked & (reading.ink == 0)
    if sheet is not None:
        bare &= sheet
    count, light = (summed(summed(of, 0, reach), 1, reach) for of in (bare, np.where(bare, reading.shades, 0)))
    paper = np.where(inked & (count > 0), light / np.maximum(count, 1), reading.paper).astype(np.float32)
    ink = _pressed(contrast(reading.shades, paper), reading.noise)
    return Reading(reading.shades, paper, ink if sheet is None else np.where(sheet, ink, 0), reading.noise)


def _is_light(both: Grey, paper: Grey) -> tuple[int, bool]:
    """1 where the second of both readings is right, else 0; and whether both are strong."""
    depth = paper - both
    peaks = [peak(found) for found in depth]
    if max(peaks) < LEAST:
        raise Refused("nothing is drawn on it")
    if min(peaks) < max(peaks) / 2:
        return int(peaks[1] > peaks[0]), False
    shades = [float(both[0][found > top / 2].mean()) for found, top in zip(depth, peaks, strict=True)]
    middle = float(np.median(border_of(both[0])))
    return int(abs(middle - shades[0]) < abs(middle - shades[1])), True


def _pressed(found: Grey, noise: float) -> Grey:
    top = peak(found)
    if top < max(LEAST, ROUGH * noise):
        raise Refused("nothing stands out from its noise" if top >= LEAST else "nothing is drawn on it")
    firm = float(np.percentile(found[found > top / 2], 75))
    found[found < max(FAINT * firm, 4 * noise)] = 0
    found *= np.float32(255 / firm)
    return np.minimum(found, 255, out=found)


def filled(shades: Grey, border: Grey) -> Grey:
    """Dark regions that do not reach the border filled up, (N, H, W) and (N, 2 H + 2 W) -> (N, H, W).

        f(p) = min over the paths from the border to p of the greatest shade on the way

    It is swept over the picture from all four sides until nothing changes.
    """
    level = np.full_like(shades, np.inf)
    height, width = shades.shape[1:]
    level[:, 0], level[:, -1] = border[:, :width], border[:, width : 2 * width]
    level[:, :, 0], level[:, :, -1] = border[:, 2 * width : -height], border[:, -height:]
    for _ in range(ROUNDS):
        before = level.copy()
        for axis in (1, 2):
            swept(level, shades, axis)
        if not (before - level > 1).any() or _settled(level, shades):
            break
    return level


def swept(level: Grey, floor: Grey, axis: int) -> None:
    """Each line of the level (N, H, W) lowered, in place, to the line before it, and no deeper than the floor.

        level(p) <- max(floor(p), min(level(p), level of the three neighbors in the line before))    there and back
    """
    lines, least = (np.ascontiguousarray(np.moveaxis(a, axis, 0)) for a in (level, floor))
    lines = np.pad(lines, ((0, 0), (0, 0), (1, 1)), constant_values=np.inf)
    near = np.empty_like(least[0])
    for there, bottom in ((lines, least), (lines[::-1], least[::-1])):
        for before, here, deepest in zip(there, there[1:, :, 1:-1], bottom[1:], strict=False):
            np.minimum(before[:, :-2], before[:, 2:], out=near)
            np.minimum(near, before[:, 1:-1], out=near)
            np.minimum(near, here, out=near)
            np.maximum(near, deepest, out=here)
    level[...] = np.moveaxis(lines[:, :, 1:-1], 0, axis)


def _settled(level: Grey, floor: Grey) -> bool:
    """Whether no pixel has a neighbor that would lower it."""
    return not (np.maximum(floor, -greatest(greatest(-level, 1, 1), 2, 1)) < level).any()


def contrast(grey: Grey, paper: Grey) -> Grey:
    """How much darker than the paper around it each pixel is, in 255ths of the paper."""
    return np.asarray((paper - grey) * 255 / np.maximum(paper, DARKEST), np.float32)


def raised(shades: Grey) -> Grey:
    """The border (N, 2 H + 2 W) of shades (N, H, W), without the ink that reaches it: short and as dark as ink is."""
    border = border_of(shades)
    reach = border.shape[1] // 16
    dips = -greatest(-greatest(border, 1, reach), 1, reach) - border
    darkest = np.percentile(shades, 0.2, axis=(1, 2))
    deep = (np.median(border, axis=1) - darkest) / 2
    return np.where(dips > np.maximum(deep, LEAST)[:, None], border + dips, border)


def peak(found: Grey) -> float:
    """The contrast that one pixel in 2,000 reaches."""
    rank = found.size // 2000 + 1
    return float(np.sort(found, axis=None)[-rank])  # partition is 20 times slower where most are 0


def greatest(shades: Grey, axis: int, reach: int) -> Grey:
    """The greatest of the shades up to `reach` away along one axis, by windows that double."""
    shades = shades.swapaxes(0, axis)
    reach = min(reach, len(shades))
    found, covered = np.full((len(shades) + 2 * reach, *shades.shape[1:]), -np.inf, shades.dtype), 1
    found[reach : len(found) - reach] = shades
    while covered < 2 * reach + 1:
        step = min(covered, 2 * reach + 1 - covered)
        found, covered = np.maximum(found[:-step], found[step:]), covered + step
    return found.swapaxes(0, axis)


def grown(mask: Mask, reach: int) -> Mask:
    """What lies within `reach` of a region, it included."""
    return np.asarray(greatest(greatest(mask.astype(np.float32), 0, reach), 1, reach) > 0)


def shrunk(mask: Mask, reach: int) -> Mask:
    """What lies deeper than `reach` in a region; the picture's border does not bound it."""
    return ~grown(~mask, reach)


def summed(shades: NDArray[Any], axis: int, reach: int) -> NDArray[np.float64]:
    """The sum of the shades up to `reach` away along one axis."""
    sums = np.cumsum(shades, axis=axis, dtype=np.float64)
    last = np.arange(shades.shape[axis]) + reach
    upper = sums.take(last.clip(max=len(last) - 1), axis)
    return np.asarray(upper - np.insert(sums, 0, 0, axis).take((last - 2 * reach).clip(min=0), axis))


def thickness(mask: Mask) -> int:
    """Pixels across the thickest stroke: the largest odd square that fits into it; 1 where there is none."""
    inside, peeled = np.pad(mask, 1).astype(np.float32), 0
    while (inside := -greatest(greatest(-inside, 0, 1), 1, 1)).any():
        peeled += 1
    return 2 * peeled + 1


def noise_of(grey: Grey) -> float:
    """The deviation of the noise, told by the quieter quarter of the differences between neighbors, edges left out."""
    steps = np.abs(np.diff(grey, axis=1)) if grey.shape[1] > 1 else np.abs(np.diff(grey, axis=0))
    return float(np.percentile(steps, 25)) / (0.3186 * 2**0.5) if steps.size else 0.0


def border_of(shades: NDArray[T]) -> NDArray[T]:
    """The pixels along the border, (..., H, W) -> (..., 2 H + 2 W): top, bottom, left, right."""
    return np.concatenate([shades[..., 0, :], shades[..., -1, :], shades[..., 0], shades[..., -1]], axis=-1)


def steps_of(firm: Mask) -> int:
    """How often ink and paper meet between neighbors in a row or a column."""
    down, across = firm[1:] != firm[:-1], firm[:, 1:] != firm[:, :-1]
    return int(np.count_nonzero(down)) + int(np.count_nonzero(across))
