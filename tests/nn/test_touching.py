"""Digits that touch are told from one: refused where one is expected, parted and read from left to right with --all."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from no_digits import touching
from PIL import Image, ImageDraw, ImageFont
from touching import row_of

from nnlaw.nn.data.load import load_folder
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import Refused
from nnlaw.nn.images.read import read_glyphs
from nnlaw.nn.images.touching_digits import parted

MNIST_WAY = Frame()
TEXTS = ("75", "36", "28", "42", "89", "693")


def saved(path: Path, ink: np.ndarray) -> Path:
    """Black ink on white paper, as a picture file."""
    Image.fromarray(255 - np.pad(ink, 20)).save(path, "PNG")
    return path


def digit(text: str, size: int = 120) -> np.ndarray:
    """One printed digit without margins."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(n) for n in font.getbbox(text))
    sheet = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(sheet).text((-left, -top), text, fill=255, font=font)
    return np.asarray(sheet)


def row(text: str, overlap: int = 3) -> np.ndarray:
    """Printed digits in a row, the box of each overlapping that of its neighbor by some pixels."""
    digits = [digit(each) for each in text]
    sheet = np.zeros((max(map(len, digits)), sum(each.shape[1] - overlap for each in digits) + overlap), np.uint8)
    at = 0
    for each in digits:
        place = sheet[-len(each) :, at : at + each.shape[1]]
        np.maximum(place, each, out=place)
        at += each.shape[1] - overlap
    return sheet


def found(path: Path, ink: np.ndarray, several: bool = True) -> list[np.ndarray]:
    """What is read of ink on paper."""
    return read_glyphs(saved(path, ink), MNIST_WAY, several)


def likest(glyph: np.ndarray, others: list[np.ndarray]) -> int:
    """Which of the others the glyph is like, shifts by a pixel left aside."""
    shifts = [np.roll(glyph, (i, j), (0, 1)).reshape(-1) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return int(np.argmax([max(np.corrcoef(s, other.reshape(-1))[0, 1] for s in shifts) for other in others]))


@pytest.mark.parametrize("text", TEXTS)
def test_printed_digits_that_touch_are_parted_with_all(tmp_path: Path, text: str) -> None:
    """They are refused where one is expected, the way out named, and else read from left to right."""
    with pytest.raises(Refused, match=rf"it shows {len(text)} figures.*--all"):
        found(tmp_path / "a", row(text), several=False)
    alone = [found(tmp_path / "a", digit(each))[0] for each in "0123456789"]
    assert [likest(glyph, alone) for glyph in found(tmp_path / "a", row(text))] == [int(each) for each in text]


def test_digits_that_touch_within_a_number_are_parted(tmp_path: Path) -> None:
    """Of "2 75 0" all four are read, in order; without --all the picture is refused."""
    pieces = [digit("2"), row("75"), digit("0")]
    height = max(len(piece) for piece in pieces)
    number = np.hstack([np.pad(p, ((height - len(p), 0), (0, 60))) for p in pieces])
    alone = [found(tmp_path / "a", digit(each))[0] for each in "0123456789"]
    assert [likest(glyph, alone) for glyph in found(tmp_path / "a", number)] == [2, 7, 5, 0]
    with pytest.raises(Refused, match="--all"):
        found(tmp_path / "a", number, several=False)


@pytest.mark.parametrize("size", [24, 60, 140])
@pytest.mark.parametrize("wider", [0, 3])
def test_a_printed_digit_is_one(tmp_path: Path, size: int, wider: int) -> None:
    """However large, also in bold, none is taken for two."""
    for text in "0123456789":
        ink = digit(text, size)
        bold = np.max([np.roll(np.pad(ink, wider), (0, shift), (0, 1)) for shift in range(wider + 1)], axis=0)
        assert len(found(tmp_path / "a", bold)) == 1


def test_a_digit_of_a_pen_is_one(tmp_path: Path) -> None:
    """Of 100 digits that the program draws, at most one is taken for two."""
    several = [len(found(tmp_path / "a", ink)) > 1 for ink in generate_digits(3, 110, 10).train_images[:100]]
    assert sum(several) <= 1


def test_parting_neither_loses_nor_doubles_ink() -> None:
    """Each firm pixel of a row of digits is in exactly one of the figures that it is parted into."""
    rng, digits = np.random.default_rng(5), generate_digits(3, 110, 10).train_images
    counts = []
    for _ in range(20):
        ink = row_of(rng, digits, "pushed together", 3).max(axis=0).astype(np.float32)
        figures = parted(ink)
        counts.append(len(figures))
        assert sum(np.count_nonzero(figure > 127) for figure in figures) == np.count_nonzero(ink > 127)
    assert max(counts) > 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 256), (256, 1), (30, 240), (256, 256)])
def test_a_glyph_of_any_shape_is_at_least_one_figure(shape: tuple[int, int]) -> None:
    """A dot, a line and a block, dark or faint, are looked at without a fault."""
    for shade in (41, 255):
        assert len(parted(np.full(shape, shade, np.float32))) >= 1


def test_a_real_digit_is_one(mnist: Path, tmp_path: Path) -> None:
    """Of 100 test digits of MNIST none is refused for touching itself."""
    for ink in load_folder(mnist).test_images[:100]:
        assert len(found(tmp_path / "a", ink)) == 1


def test_real_digits_that_touch_are_refused_where_one_is_expected(mnist: Path, tmp_path: Path) -> None:
    """At least 56 of 60 pairs of MNIST's test digits, from two pixels of overlap to a pixel apart."""
    rng, digits, read = np.random.default_rng(11), load_folder(mnist).test_images, 0
    for _ in range(60):
        (tmp_path / "a").write_bytes(touching(rng, digits))
        with suppress(Refused):
            read += len(read_glyphs(tmp_path / "a", MNIST_WAY))
    assert read <= 4


@pytest.mark.parametrize("kind", ["side by side", "pushed together", "with a broad pen"])
def test_real_digits_that_touch_are_parted_with_all(mnist: Path, tmp_path: Path, kind: str) -> None:
    """Four in five pairs come apart into two glyphs, each more like its own digit alone than like the other."""
    rng, digits, right = np.random.default_rng(12), load_folder(mnist).test_images, 0
    for _ in range(30):
        own = row_of(rng, digits, kind, 2)
        alone = [found(tmp_path / "a", ink)[0] for ink in own]
        right += [likest(glyph, alone) for glyph in found(tmp_path / "a", own.max(axis=0))] == [0, 1]
    assert right >= 24
