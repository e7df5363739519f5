"""Draw pictures of a digit as people take them, with one fault each.

    FAULTS["shadow"](digit, rng)     a digit (28, 28), white on black -> the bytes of a picture file with that fault
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[Any]
Rng = np.random.Generator
VISIBLE = 40  # of 255: anything fainter is paper


def saved(picture: Image.Image | Array, format: str = "PNG", **settings: Any) -> bytes:
    """The bytes of a picture file."""
    shown = picture if isinstance(picture, Image.Image) else Image.fromarray(np.rint(picture).clip(0, 255).astype("u1"))
    out = io.BytesIO()
    shown.save(out, format, **settings)
    return out.getvalue()


def cropped(digit: Array) -> Array:
    """The digit without its margins."""
    rows, columns = (np.flatnonzero((digit > VISIBLE).any(axis=axis)) for axis in (1, 0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def larger(digit: Array, factor: float) -> Array:
    """The digit (h, w) with `factor` times as many pixels a side."""
    height, width = (max(1, round(n * factor)) for n in digit.shape)
    return np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC))


def padded(digit: Array, rng: Rng, most: float = 1.0) -> Array:
    """The digit with a margin of 0 to `most` times its size on each side."""
    return np.pad(digit, [tuple(rng.integers(0, int(most * len(digit)) + 1, 2)) for _ in range(2)])


def smooth(shape: tuple[int, ...], rng: Rng, fine: float = 1.0) -> Array:
    """Clouds from 0 to 1 whose amplitude is frequency to the power of −1/fine."""
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) * n for n in shape), indexing="ij"))
    wave = np.fft.fft2(rng.standard_normal(shape)) / np.maximum(frequency, 1) ** (1 / fine)
    wave[0, 0] = 0
    found = np.fft.ifft2(wave).real
    return (found - found.min()) / np.ptp(found)


def across(shape: tuple[int, ...], rng: Rng) -> Array:
    """The position of each pixel along a random direction, from −1 to 1."""
    v, u = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    turn = rng.uniform(0, 2 * np.pi)
    found = u * np.cos(turn) + v * np.sin(turn)
    return found / np.abs(found).max()


def paper(shape: tuple[int, ...], rng: Rng) -> Array:
    """Paper lit from one side: 200 to 245 on the light side, 35% to 55% darker on the other."""
    return rng.uniform(200, 245) * (1 - rng.uniform(0.35, 0.55) * (across(shape, rng) + 1) / 2)


def shadow(shape: tuple[int, ...], rng: Rng) -> Array:
    """The share of light: 0.6 in a shadow, 1 outside of it, with a soft edge at a random place."""
    edge = rng.uniform(-0.5, 0.5) + 0.3 * (smooth(shape, rng, 0.5) - 0.5)
    return 0.8 + 0.2 * np.tanh((across(shape, rng) - edge) / 0.06)


def inked(light: Array, ink: Array, pen: float = 30) -> Array:
    """Ink (H, W) of bytes on paper under uneven light, which falls on ink and paper alike."""
    share = ink / 255
    return light * (1 - share + share * pen / 255)


def photographed(digit: Array, rng: Rng) -> bytes:
    """All faults at once: blue pen, paper lit from one side, a shadow, blur, noise, JPEG."""
    ink = padded(larger(digit, rng.uniform(6, 14)), rng, 0.6)
    light = paper(ink.shape, rng) * shadow(ink.shape, rng)
    channels = [inked(light * tint, ink, pen) for tint, pen in ((1, 40), (0.98, 60), (0.9, 150))]
    blurred = Image.fromarray(np.dstack(channels).astype("u1")).filter(ImageFilter.GaussianBlur(2))
    return saved(np.asarray(blurred) + rng.normal(0, 5, (*ink.shape, 3)), "JPEG", quality=60)


def turned(digit: Array, rng: Rng) -> bytes:
    """Rotated by the camera, with the rotation in EXIF."""
    turns = {6: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180, 8: Image.Transpose.ROTATE_270}
    tag = int(rng.choice(list(turns)))
    exif = Image.Exif()
    exif[0x0112] = tag
    return saved(Image.fromarray(255 - larger(digit, 4)).transpose(turns[tag]), "JPEG", exif=exif, quality=90)


def clear(digit: Array, rng: Rng) -> bytes:
    """Ink on a transparent background, black or white."""
    ink = larger(digit, rng.uniform(1, 5))
    return saved(np.dstack([np.full((*ink.shape, 3), rng.choice([0, 255])), ink]))


def colored(digit: Array, rng: Rng) -> bytes:
    """A pen of one color on paper of another."""
    ink = larger(digit, 5)[..., None] / 255
    pen = np.array([(200, 30, 40), (20, 40, 180), (10, 130, 60), (230, 190, 0), (120, 40, 140)][rng.integers(5)])
    sheet = np.array([(255, 255, 255), (250, 240, 215), (255, 235, 240)][rng.integers(3)])
    return saved(sheet * (1 - ink) + pen * ink)


def specked(digit: Array, rng: Rng) -> bytes:
    """Dark specks of dust on light paper."""
    ink = padded(larger(digit, 5), rng, 0.4).copy()
    for _ in range(rng.integers(3, 12)):
        row, column = (int(rng.integers(0, n - 3)) for n in ink.shape)
        ink[row : row + rng.integers(1, 4), column : column + rng.integers(1, 4)] = rng.integers(100, 255)
    return saved(255 - ink)


def lit(digit: Array, rng: Rng, left: Callable[[tuple[int, ...], Rng], Array]) -> bytes:
    """The digit ×5 with margins, on paper under this light."""
    ink = padded(larger(digit, 5), rng, 0.4)
    return saved(inked(left(ink.shape, rng), ink))


def turned_sheet(digit: Array, rng: Rng) -> tuple[Array, Array]:
    """A sheet of paper rotated by up to 20 degrees, with margins around it: its shades and its mask, from 0 to 1."""
    sheet = np.pad(255 - larger(digit, 5), [tuple(rng.integers(5, 60, 2)) for _ in range(2)], constant_values=255)
    angle, margins = float(rng.uniform(-20, 20)), [tuple(rng.integers(10, 80, 2)) for _ in range(2)]
    shown, there = (
        np.pad(np.asarray(Image.fromarray(a).rotate(angle, Image.Resampling.BICUBIC, expand=True)), margins) / 255
        for a in (sheet, np.full_like(sheet, 255))
    )
    return shown, there


def on_table(digit: Array, rng: Rng) -> bytes:
    """A slightly rotated sheet of paper on a darker table, with or without wood grain, lit from one side."""
    shown, there = turned_sheet(digit, rng)
    grain = np.sin((across(shown.shape, rng) / rng.uniform(0.05, 0.2) + 4 * smooth(shown.shape, rng, 0.6)) * 2 * np.pi)
    table = rng.uniform(40, 130) * (1 + rng.choice([0, 0.1]) * grain)
    light = 1 - rng.uniform(0, 0.4) * (across(shown.shape, rng) + 1) / 2
    lit = light * ((30 + 200 * shown) * there + table * (1 - there))
    return saved(lit + rng.normal(0, 3, shown.shape), "JPEG", quality=80)


def on_white(digit: Array, rng: Rng) -> bytes:
    """The same digit, rotated as far as on the table, with white around it."""
    shown, there = turned_sheet(digit, rng)
    return saved(255 * (shown * there + 1 - there))


FAULTS: dict[str, Callable[[Array, Rng], bytes]] = {
    "unchanged, 28×28": lambda d, r: saved(d),
    "inverted": lambda d, r: saved(255 - d),
    "margins": lambda d, r: saved(padded(d, r)),
    "margins of white": lambda d, r: saved(255 - padded(d, r)),
    "1 to 4 times as large": lambda d, r: saved(larger(d, r.uniform(1, 4))),
    "10 to 40 times as large": lambda d, r: saved(larger(d, r.uniform(10, 40))),
    "transparent": clear,
    "JPEG, quality 60": lambda d, r: saved(d, "JPEG", quality=60),
    "JPEG, quality 60, 4 times as large, on white": lambda d, r: saved(255 - larger(d, 4), "JPEG", quality=60),
    "GIF, 256 colors": lambda d, r: saved(Image.fromarray(255 - larger(d, 4)).convert("P"), "GIF"),
    "WebP, lossy": lambda d, r: saved(Image.fromarray(255 - larger(d, 4)), "WEBP", quality=60),
    "turned by EXIF": turned,
    "colored pen": colored,
    "faint pencil": lambda d, r: saved(235 - 0.25 * larger(d, 5)),
    "specks": specked,
    "paper lit from one side": lambda d, r: lit(d, r, paper),
    "shadow": lambda d, r: lit(d, r, lambda s, r: 230 * shadow(s, r)),
    "a camera's noise": lambda d, r: saved(230 - 0.8 * (ink := larger(d, 8)) + r.normal(0, 12, ink.shape)),
    "a sheet on a darker table": on_table,
    "turned by up to 20°, on white": on_white,
    "all of a phone's faults at once": photographed,
}
