"""Digits that touch each other are refused, also with `several`; close ones are read, and single ones too."""

import re
from pathlib import Path

import numpy as np
import pytest
from no_digits import touching
from PIL import Image, ImageDraw, ImageFont
from touching import row_of

from nnlaw.nn.data.load import load_folder
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import read_glyphs
from nnlaw.nn.images.touching_digits import touch

MNIST_FRAME = Frame()
TEXTS = ("75", "36", "28", "42", "89", "693")
CLOSE, TOUCHING = 3, 15  # pixels by which the boxes of printed digits overlap: their ink does not, or does


def saved(path: Path, ink: np.ndarray) -> Path:
    """Black ink on white paper, as a picture file."""
    Image.fromarray(255 - np.pad(ink, 20)).save(path, "PNG")
    return path


def digit(text: str, size: int = 120) -> np.ndarray:
    """One printed digit without margins."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(n) for n in font.getbbox(text))
    canvas = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(canvas).text((-left, -top), text, fill=255, font=font)
    return np.asarray(canvas)


def row(text: str, overlap: int) -> np.ndarray:
    """Printed digits in a row, the box of each overlapping that of its neighbor by a few pixels."""
    digits = [digit(each) for each in text]
    ink = np.zeros((max(map(len, digits)), sum(each.shape[1] - overlap for each in digits) + overlap), np.uint8)
    at = 0
    for each in digits:
        place = ink[-len(each) :, at : at + each.shape[1]]
        np.maximum(place, each, out=place)
        at += each.shape[1] - overlap
    return ink


def most_similar(glyph: np.ndarray, others: list[np.ndarray]) -> int:
    """The number of the glyph among the others that this one is most similar to, up to a shift by one pixel."""
    shifts = [np.roll(glyph, (i, j), (0, 1)).reshape(-1) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return int(np.argmax([max(np.corrcoef(s, other.reshape(-1))[0, 1] for s in shifts) for other in others]))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """The glyph of each printed digit."""
    path = tmp_path_factory.mktemp("printed") / "a"
    return [read_glyphs(saved(path, digit(each)), MNIST_FRAME)[0] for each in "0123456789"]


def read(path: Path, ink: np.ndarray, alone: list[np.ndarray]) -> list[int]:
    """The printed digits that the glyphs in a picture are most similar to."""
    return [most_similar(glyph, alone) for glyph in read_glyphs(saved(path, ink), MNIST_FRAME, several=True)]


def number(pieces: list[np.ndarray]) -> np.ndarray:
    """Digits in one line with gaps between them."""
    height = max(len(piece) for piece in pieces)
    return np.hstack([np.pad(p, ((height - len(p), 0), (0, 60))) for p in pieces])


def is_read(path: Path, ink: np.ndarray, several: bool = False) -> bool:
    """False if the digits are refused because they touch or because they are more than one."""
    try:
        read_glyphs(saved(path, ink), MNIST_FRAME, several)
    except PictureRefused as refusal:
        assert re.search("digits that touch|[2-9] digits, expected", str(refusal))
        return False
    return True


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_printed_digits_that_touch_are_refused(tmp_path: Path, text: str, several: bool) -> None:
    """With and without `several`; the message also suggests what to do."""
    with pytest.raises(PictureRefused, match="it shows digits that touch each other; leave a gap between them"):
        read_glyphs(saved(tmp_path / "a", row(text, TOUCHING)), MNIST_FRAME, several)


@pytest.mark.parametrize("text", TEXTS)
def test_printed_digits_that_are_close_are_read_with_several(
    tmp_path: Path, text: str, alone: list[np.ndarray]
) -> None:
    """From left to right; without `several` the message names --all."""
    with pytest.raises(PictureRefused, match=rf"it shows {len(text)} digits.*--all"):
        read_glyphs(saved(tmp_path / "a", row(text, CLOSE)), MNIST_FRAME)
    assert read(tmp_path / "a", row(text, CLOSE), alone) == [int(each) for each in text]


def test_close_digits_within_a_number_are_read(tmp_path: Path, alone: list[np.ndarray]) -> None:
    """Of "2 75 0" all four are read, in order."""
    assert read(tmp_path / "a", number([digit("2"), row("75", CLOSE), digit("0")]), alone) == [2, 7, 5, 0]


def test_a_number_in_which_two_digits_touch_is_refused(tmp_path: Path) -> None:
    """With `several`, "2 75 0" is refused because 7 and 5 touch; without it, because there are several glyphs."""
    ink = number([digit("2"), row("75", TOUCHING), digit("0")])
    with pytest.raises(PictureRefused, match="digits that touch each other"):
        read_glyphs(saved(tmp_path / "a", ink), MNIST_FRAME, several=True)
    with pytest.raises(PictureRefused, match=r"3 digits, expected one.*--all"):
        read_glyphs(saved(tmp_path / "a", ink), MNIST_FRAME)


def test_digits_that_touch_on_a_sheet_are_refused(tmp_path: Path) -> None:
    """On a sheet of paper on a darker table the reason is the same."""
    table = np.full((500, 520), 90, np.uint8)
    ink = np.pad(row("36", TOUCHING), 60)
    table[60 : 60 + len(ink), 50 : 50 + ink.shape[1]] = 255 - ink
    Image.fromarray(table).save(tmp_path / "a", "PNG")
    with pytest.raises(PictureRefused, match="touch"):
        read_glyphs(tmp_path / "a", MNIST_FRAME)


@pytest.mark.parametrize("size", [24, 60, 140])
@pytest.mark.parametrize("wider", [0, 3])
def test_a_printed_digit_is_not_refused(tmp_path: Path, size: int, wider: int) -> None:
    """In any size, also in bold."""
    for text in "0123456789":
        ink = digit(text, size)
        bold = np.max([np.roll(np.pad(ink, wider), (0, shift), (0, 1)) for shift in range(wider + 1)], axis=0)
        assert is_read(tmp_path / "a", bold)


@pytest.mark.slow
def test_a_built_in_digit_is_not_refused(tmp_path: Path) -> None:
    """Of 100 built-in digits, at most one."""
    refused = [not is_read(tmp_path / "a", ink) for ink in generate_digits(3, 110, 10).train_images[:100]]
    assert sum(refused) <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 256), (256, 1), (30, 240), (256, 256)])
def test_a_glyph_of_any_shape_is_checked(shape: tuple[int, int]) -> None:
    """A dot, a line and a block, dark or faint, raise no exception."""
    for shade in (41, 255):
        assert touch(np.full(shape, shade, np.float32)) in (False, True)


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_digit_of_mnist_is_not_refused(mnist: Path, tmp_path: Path) -> None:
    """None of 100 test digits."""
    for ink in load_folder(mnist).test_images[:100]:
        assert is_read(tmp_path / "a", ink)


@pytest.mark.slow
@pytest.mark.no_cover
def test_digits_of_mnist_that_touch_are_refused(mnist: Path, tmp_path: Path) -> None:
    """At least 56 of 60 pairs of test digits, from two pixels of overlap to a gap of one pixel."""
    rng, digits, refused = np.random.default_rng(11), load_folder(mnist).test_images, 0
    for _ in range(60):
        (tmp_path / "a").write_bytes(touching(rng, digits))
        try:
            read_glyphs(tmp_path / "a", MNIST_FRAME)
        except PictureRefused:
            refused += 1
    assert refused >= 56


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("kind", ["side by side", "pushed together", "with a broad pen"])
def test_digits_of_mnist_that_touch_are_refused_with_several(mnist: Path, tmp_path: Path, kind: str) -> None:
    """At least four in five rows are refused or read as two glyphs, not read as one."""
    rng, digits, right = np.random.default_rng(12), load_folder(mnist).test_images, 0
    for _ in range(30):
        try:
            ink = row_of(rng, digits, kind, 2).max(axis=0)
            right += len(read_glyphs(saved(tmp_path / "a", ink), MNIST_FRAME, several=True)) == 2
        except PictureRefused:
            right += 1
    assert right >= 24
