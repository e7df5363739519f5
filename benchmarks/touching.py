"""Digits that touch each other, parted and read: the table of docs/pictures.md.

    python benchmarks/touching.py ../shared/mnist [--pairs 1000]     a network is trained by the default recipe
    row_of(rng, digits, "side by side", 2)    two of the digits in a row, touching: each one's own ink, (2, H, W)
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import click
import numpy as np
from photos import SEEN, Array, Rng, cropped, larger, saved
from pictures import Bench
from PIL import Image, ImageDraw, ImageFont

from nnlaw.nn.images.ink_extraction import Refused, greatest
from nnlaw.nn.images.read import read_glyphs

KINDS = {  # factors of size, rows up or down, how broad a pen draws, in 28ths
    "side by side": (1, 1, 0, 0, 0),
    "pushed together": (1, 1, 0, 0, 0),
    "on different lines": (1, 1, 3, 0, 0),
    "of different sizes": (0.75, 1.25, 3, 0, 0),
    "with a broad pen": (1, 1, 1, 0.25, 1.25),
    "with a fine pen": (1, 1, 1, -0.75, -0.25),
    "printed": (1, 1, 0, 0, 0),
}
OVERLAP = 2  # columns of 28 by which neighbors overlap at most


def penned(digit: Array, wider: int) -> Array:
    """Drawn with a pen so many pixels wider on each side, or finer where below 0."""
    ink = np.pad(digit, max(wider, 1)).astype(np.float32) * (1 if wider > 0 else -1)
    return np.abs(greatest(greatest(ink, 0, abs(wider)), 1, abs(wider))).astype(np.uint8) if wider else digit


def printed(rng: Rng, font: str | None, count: int, size: int) -> list[Array]:
    """Digits of a font, the built-in one if None."""
    face = ImageFont.truetype(font, size) if font else ImageFont.load_default(size)
    found = []
    for text in rng.integers(0, 10, count):
        sheet = Image.new("L", (2 * size, 2 * size))
        ImageDraw.Draw(sheet).text((size // 2, size // 4), str(text), fill=255, font=face)
        found.append(cropped(np.asarray(sheet)))
    return found


def drawn(rng: Rng, digits: Array, kind: str, scale: int) -> list[Array]:
    """The digits (n, 28, 28) without margins, as large and with such a pen as the kind says."""
    least, most, _, fine, broad = KINDS[kind]
    found = []
    for digit in digits:
        shown = larger(cropped(digit), scale * rng.uniform(least, most))
        thick = penned(shown, round(scale * rng.uniform(fine, broad)))
        found.append(cropped(thick if (thick > 127).any() else shown))
    return found


def joined(rng: Rng, digits: list[Array], kind: str, scale: int) -> Array:
    """Each digit's own ink (n, H, W) in a row: neighbors touch, or nearly, with their boxes or with their strokes."""
    middle, up = max(len(digit) for digit in digits), KINDS[kind][2] * scale
    own = np.zeros((len(digits), 2 * middle + 2 * up, sum(digit.shape[1] for digit in digits)), np.uint8)
    at, end = 0, np.full(own.shape[1], -(10**6))
    for number, digit in enumerate(digits):
        top = middle + up - len(digit) // 2 + int(rng.integers(-up, up + 1))
        rows = slice(top, top + len(digit))
        first = np.where((digit > SEEN).any(axis=1), (digit > SEEN).argmax(axis=1), 10**6)
        if number:
            boxes = kind in ("side by side", "with a broad pen") and rng.random() < 0.8
            touch = at if boxes else int((end[rows] - first).max())
            touch = at if touch < 0 else touch  # no row holds ink of both
            at = max(0, touch - int(rng.integers(-(scale if boxes else 0), OVERLAP * scale + 1)))
        own[number, rows, at : at + digit.shape[1]] = digit[:, : own.shape[2] - at]
        last = digit.shape[1] - (digit > SEEN)[:, ::-1].argmax(axis=1)
        end[rows] = np.maximum(end[rows], np.where(first < 10**6, at + last, -(10**6)))
        at += digit.shape[1]
    rows, columns = (np.flatnonzero(own.any(axis=(0, axis))) for axis in (2, 1))
    return own[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def row_of(rng: Rng, digits: Array, kind: str, count: int, fonts: tuple[str | None, ...] = (None,)) -> Array:
    """`count` digits in a row that touch, 1, 2 or 4 times as large as in MNIST, each one's own ink (n, H, W)."""
    scale = int(rng.choice([1, 2, 4]))
    if kind == "printed":
        found = printed(rng, fonts[rng.integers(len(fonts))], count, 32 * scale)
    else:
        found = drawn(rng, digits[rng.integers(0, len(digits), count)], kind, scale)
    return joined(rng, found, kind, scale)


class Rows(Bench):
    """A trained network, to which rows of digits are handed."""

    def alone(self, own: Array) -> Array:
        """The class of each digit (n, H, W) as it stands alone."""
        return self.answers([self.reader.frame.place(cropped(digit).astype(np.float32)) for digit in own])

    def outcome(self, own: Array) -> str:
        """What becomes of the row with --all: refused, one, right, or wrong; without, all but "one" is refused."""
        self.file.write_bytes(saved(255 - np.pad(own.max(axis=0), 8)))
        try:
            found = self.answers(read_glyphs(self.file, self.reader.frame, several=True))
        except Refused:
            return "refused"
        if len(found) == 1:
            return "one"
        return "right" if np.array_equal(found, self.alone(own)) else "wrong"


@click.command()
@click.argument("mnist", type=click.Path(path_type=Path))
@click.option("--pairs", default=1000, help="Of each kind.")
@click.option("--seed", default=0, help="Of all pictures.")
def main(mnist: Path, pairs: int, seed: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as work:
        bench = Rows(mnist, Path(work))
        table(bench, bench.data.test_images, pairs, seed)


def table(bench: Rows, digits: Array, pairs: int, seed: int) -> None:
    """The table in Markdown."""
    print("| digits that touch, or nearly | pictures | refused | `--all`: as alone | otherwise | refused | as one |")
    print("|---|---|---|---|---|---|---|")
    for kind, count in [*((kind, 2) for kind in KINDS), ("side by side", 3)]:
        rng = np.random.default_rng(seed)
        found = Counter(bench.outcome(row_of(rng, digits, kind, count)) for _ in range(pairs))
        counts = (pairs - found["one"], found["right"], found["wrong"], found["refused"], found["one"])
        shares = " | ".join(f"{n / pairs:.1%}" for n in counts)
        print(f"| {'two' if count == 2 else 'three'}, {kind} | {pairs:,} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
