"""Measure how often digits that touch each other are refused: the last table of docs/pictures.md.

    python benchmarks/touching.py ../shared/mnist [--pairs 1000]
    row_of(rng, digits, "side by side", 2)    two of the digits in a row, touching: each digit's own ink, (2, H, W)
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import numpy as np
from photos import VISIBLE, Array, Rng, cropped, larger, saved
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from nnlaw.nn.data.load import load_folder
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import read_glyphs

KINDS = {  # smallest and largest size, rows up or down, how much a pen widens the strokes, in 28ths
    "side by side": (1, 1, 0, 0, 0),
    "pushed together": (1, 1, 0, 0, 0),
    "on different lines": (1, 1, 3, 0, 0),
    "of different sizes": (0.75, 1.25, 3, 0, 0),
    "with a broad pen": (1, 1, 1, 0.25, 1.25),
    "with a fine pen": (1, 1, 1, -0.75, -0.25),
    "printed": (1, 1, 0, 0, 0),
}
OVERLAP = 2  # columns of 28 by which neighbors overlap at most


def widened(digit: Array, wider: int) -> Array:
    """The digit with strokes this many pixels wider on each side, or thinner if below 0."""
    if wider == 0:
        return digit
    filtered = ndimage.maximum_filter if wider > 0 else ndimage.minimum_filter
    return filtered(np.pad(digit, max(wider, 1)), 2 * abs(wider) + 1)


def printed(rng: Rng, font: str | None, count: int, size: int) -> list[Array]:
    """Random digits in a font, Pillow's own if None."""
    face = ImageFont.truetype(font, size) if font else ImageFont.load_default(size)
    found = []
    for text in rng.integers(0, 10, count):
        sheet = Image.new("L", (2 * size, 2 * size))
        ImageDraw.Draw(sheet).text((size // 2, size // 4), str(text), fill=255, font=face)
        found.append(cropped(np.asarray(sheet)))
    return found


def with_pen(rng: Rng, digits: Array, kind: str, scale: int) -> list[Array]:
    """The digits (n, 28, 28) without margins, in the sizes and with the pen of this kind."""
    least, most, _, fine, broad = KINDS[kind]
    found = []
    for digit in digits:
        shown = larger(cropped(digit), scale * rng.uniform(least, most))
        thick = widened(shown, round(scale * rng.uniform(fine, broad)))
        found.append(cropped(thick if (thick > 127).any() else shown))
    return found


def joined(rng: Rng, digits: list[Array], kind: str, scale: int) -> Array:
    """The digits in a row, each digit's own ink (n, H, W); the boxes or the strokes of neighbors touch, or nearly."""
    middle, up = max(len(digit) for digit in digits), KINDS[kind][2] * scale
    own = np.zeros((len(digits), 2 * middle + 2 * up, sum(digit.shape[1] for digit in digits)), np.uint8)
    at, end = 0, np.full(own.shape[1], -(10**6))
    for number, digit in enumerate(digits):
        top = middle + up - len(digit) // 2 + int(rng.integers(-up, up + 1))
        rows = slice(top, top + len(digit))
        first = np.where((digit > VISIBLE).any(axis=1), (digit > VISIBLE).argmax(axis=1), 10**6)
        if number:
            boxes = kind in ("side by side", "with a broad pen") and rng.random() < 0.8
            touch = at if boxes else int((end[rows] - first).max())
            touch = at if touch < 0 else touch  # no row has ink of both
            at = max(0, touch - int(rng.integers(-(scale if boxes else 0), OVERLAP * scale + 1)))
        own[number, rows, at : at + digit.shape[1]] = digit[:, : own.shape[2] - at]
        last = digit.shape[1] - (digit > VISIBLE)[:, ::-1].argmax(axis=1)
        end[rows] = np.maximum(end[rows], np.where(first < 10**6, at + last, -(10**6)))
        at += digit.shape[1]
    rows, columns = (np.flatnonzero(own.any(axis=(0, axis))) for axis in (2, 1))
    return own[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def row_of(rng: Rng, digits: Array, kind: str, count: int, fonts: tuple[str | None, ...] = (None,)) -> Array:
    """`count` digits in a row that touch, 1, 2 or 4 times as large as in MNIST, each digit's own ink (n, H, W)."""
    scale = int(rng.choice([1, 2, 4]))
    if kind == "printed":
        found = printed(rng, fonts[rng.integers(len(fonts))], count, 32 * scale)
    else:
        found = with_pen(rng, digits[rng.integers(0, len(digits), count)], kind, scale)
    return joined(rng, found, kind, scale)


def is_refused(ink: Array, file: Path) -> bool:
    """Whether a picture with this ink is refused."""
    file.write_bytes(saved(255 - np.pad(ink, 8)))
    try:
        read_glyphs(file, Frame())
    except PictureRefused:
        return True
    return False


@click.command()
@click.argument("mnist", type=click.Path(path_type=Path))
@click.option("--pairs", default=1000, help="Rows of each kind.")
@click.option("--seed", default=0, help="Random seed.")
def main(mnist: Path, pairs: int, seed: int) -> None:
    """Print the table in Markdown."""
    digits = load_folder(mnist).test_images
    print("| digits that touch, or nearly | pictures | refused |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for kind, count in [*((kind, 2) for kind in KINDS), ("side by side", 3)]:
            rng = np.random.default_rng(seed)
            rows = (row_of(rng, digits, kind, count).max(axis=0) for _ in range(pairs))
            refused = sum(is_refused(ink, Path(work) / "picture") for ink in rows)
            print(f"| {'two' if count == 2 else 'three'}, {kind} | {pairs:,} | {refused / pairs:.1%} |", flush=True)


if __name__ == "__main__":
    main()
