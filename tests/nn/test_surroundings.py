"""Lines around digits are erased, or the picture is refused for them; tested on drawn pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from surroundings import SURROUNDINGS

from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.synthetic.digits import NEAT_HAND_STYLE, generate_digits
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import read_glyphs

Paint = Callable[[ImageDraw.ImageDraw], object]
LEFT, TOP, RIGHT, BOTTOM = 120, 90, 180, 210  # about the digit's box


def sheet(text: str = "3", width: int = 300) -> Image.Image:
    """A printed digit, or several, in the middle of white paper."""
    image, font = Image.new("L", (width, 300), 255), ImageFont.load_default(150)
    ImageDraw.Draw(image).text((width / 2, 150), text, fill=0, font=font, anchor="mm")
    return image


def read(path: Path, image: Image.Image, several: bool = False, **settings: Any) -> list[np.ndarray]:
    """The glyphs of a picture."""
    image.save(path, "JPEG" if settings else "PNG", **settings)
    return read_glyphs(path, Frame(), several)


def painted(image: Image.Image, paint: Paint) -> Image.Image:
    """The picture with something painted on it."""
    paint(ImageDraw.Draw(image))
    return image


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    """Whether the glyphs are the same, up to the blur at their edges and a shift by a pixel."""
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return len(one) == len(other) and all(
        max(np.corrcoef(a.reshape(-1), np.roll(b, shift, (0, 1)).reshape(-1))[0, 1] for shift in shifts) > 0.93
        for a, b in zip(one, other, strict=True)
    )


AROUND: dict[str, Paint] = {
    "ring": lambda pen: pen.ellipse((50, 50, 250, 250), outline=0, width=8),
    "thick ring": lambda pen: pen.ellipse((40, 40, 260, 260), outline=0, width=16),
    "ring with a gap": lambda pen: pen.arc((50, 50, 250, 250), 20, 350, fill=0, width=6),
    "two rings": lambda pen: [pen.ellipse((n, n, 300 - n, 300 - n), outline=0, width=4) for n in (20, 40)],
    "box": lambda pen: pen.rectangle((60, 50, 240, 250), outline=0, width=3),
    "gray box": lambda pen: pen.rectangle((60, 50, 240, 250), outline=150, width=2),
    "round box": lambda pen: pen.rounded_rectangle((60, 50, 240, 250), 30, outline=0, width=5),
    "underline": lambda pen: pen.line((70, 235, 230, 235), fill=0, width=6),
    "oblique underline": lambda pen: pen.line((70, 240, 230, 230), fill=0, width=4),
    "two underlines": lambda pen: [pen.line((70, y, 230, y), fill=0, width=4) for y in (235, 248)],
    "between two lines": lambda pen: [pen.line((70, y, 230, y), fill=0, width=5) for y in (60, 240)],
    "dot": lambda pen: pen.ellipse((205, 198, 215, 208), fill=0),
}


@pytest.mark.parametrize("shades", ["dark", "light"])
@pytest.mark.parametrize("name", AROUND)
def test_lines_around_a_digit_are_erased(tmp_path: Path, name: str, shades: str) -> None:
    """The glyph is that of the digit alone, dark on light and light on dark."""
    for text in "38":
        alone, around = sheet(text), painted(sheet(text), AROUND[name])
        if shades == "light":
            alone, around = (Image.eval(image, lambda v: 255 - v) for image in (alone, around))
        assert same(read(tmp_path / "a", alone), read(tmp_path / "b", around))


def test_a_one_in_a_narrow_box_is_read(tmp_path: Path) -> None:
    """A box has corners, unlike a zero."""
    boxed = painted(sheet("1"), lambda pen: pen.rectangle((100, 65, 200, 235), outline=0, width=6))
    assert same(read(tmp_path / "a", sheet("1")), read(tmp_path / "b", boxed))


@pytest.mark.parametrize("mark", ["-", ".", ",", ":"])
def test_marks_between_digits_are_erased(tmp_path: Path, mark: str) -> None:
    """With a dash, a dot, a comma or a colon between them, two digits are two digits."""
    found = read(tmp_path / "a", sheet(f"3 {mark} 8", 500), several=True)
    assert same(found, read(tmp_path / "b", sheet("3   8", 500), several=True))


def test_digits_in_the_cells_of_a_form_are_read(tmp_path: Path) -> None:
    """The cells share their walls."""
    boxes = (60, 50, 200, 250), (197, 50, 340, 250)
    form = painted(sheet("3  8", 400), lambda pen: [pen.rectangle(box, outline=0, width=4) for box in boxes])
    assert same(read(tmp_path / "a", form, several=True), read(tmp_path / "b", sheet("3  8", 400), several=True))
    with pytest.raises(PictureRefused, match="2 digits"):
        read(tmp_path / "a", form)


@pytest.mark.parametrize("quality", [40, 60, 85, 95])
@pytest.mark.parametrize("text", "0689")
def test_ruled_paper_of_a_phone_is_read(tmp_path: Path, text: str, quality: int) -> None:
    """Digits with closed loops, at the JPEG qualities of phones."""
    pen = np.asarray(sheet(text).resize((900, 900)), np.float64)[..., None] / 255
    paper = np.full((900, 900, 3), (222, 220, 210))
    paper[np.arange(900) % 70 < 3] = (150, 180, 220)
    image = Image.fromarray((paper * pen + np.array([40, 50, 150]) * (1 - pen)).astype(np.uint8))
    assert same(read(tmp_path / "a", image, quality=quality), read(tmp_path / "b", sheet(text)))


@pytest.mark.parametrize("text", "023456789")
def test_a_digit_cropped_to_its_ink_is_read(tmp_path: Path, text: str) -> None:
    """The glyph is the same as with paper around it."""
    whole = sheet(text)
    box = Image.eval(whole, lambda v: 255 * (v < 128)).getbbox()
    assert same(read(tmp_path / "a", whole.crop(box)), read(tmp_path / "b", whole))


def test_a_one_cropped_to_its_ink_is_read(tmp_path: Path) -> None:
    """Its stroke runs along one side of the picture."""
    one = painted(sheet(" "), lambda pen: pen.line([(130, 110), (165, 60), (165, 240)], fill=0, width=18))
    box = Image.eval(one, lambda v: 255 * (v < 128)).getbbox()
    assert same(read(tmp_path / "a", one.crop(box)), read(tmp_path / "b", one))


@pytest.mark.parametrize(("pen", "paper"), [((200, 60, 60), (60, 126, 80)), ((250, 40, 40), (100, 106, 120))])
def test_ink_as_bright_as_its_paper_is_read(
    tmp_path: Path, pen: tuple[int, int, int], paper: tuple[int, int, int]
) -> None:
    """Ink and paper differ in color only."""
    ink = 1 - np.asarray(sheet("5"), np.float64)[..., None] / 255
    image = Image.fromarray((np.array(paper) * (1 - ink) + np.array(pen) * ink).astype(np.uint8))
    assert abs(np.array([0.299, 0.587, 0.114]) @ np.subtract(pen, paper)) < 5
    assert same(read(tmp_path / "a", image), read(tmp_path / "b", sheet("5")))


@pytest.mark.parametrize(
    ("text", "paint", "reason"),
    [
        ("1", lambda pen: pen.ellipse((100, 65, 200, 235), outline=0, width=8), "zero with a slash"),
        ("3", lambda pen: pen.ellipse((95, 88, 205, 212), outline=0, width=10), "touches a frame or a ring"),
        ("8", lambda pen: pen.line((60, BOTTOM - 6, 240, BOTTOM - 6), fill=0, width=8), "touches a line below"),
        ("7", lambda pen: pen.line((115, 214, 178, 214), fill=0, width=4), "a short line close below"),
        ("3", lambda pen: pen.line((240, 40, 240, 260), fill=0, width=6), "an upright line higher than the digits"),
        ("3", lambda pen: pen.line([(70, 70), (70, 240), (230, 240), (230, 70)], fill=0, width=6), "an open frame"),
        ("3", lambda pen: pen.arc((-10, 20, 310, 330), 180, 270, fill=0, width=12), "leads out of the picture"),
    ],
)
def test_lines_that_may_be_part_of_a_digit_are_refused(tmp_path: Path, text: str, paint: Paint, reason: str) -> None:
    """The message names the line."""
    with pytest.raises(PictureRefused, match=reason):
        read(tmp_path / "a", painted(sheet(text), paint))


@pytest.mark.parametrize("size", [30, 50, 80])
def test_a_small_digit_beside_a_long_upright_line_is_refused(tmp_path: Path, size: int) -> None:
    """However much higher the line is: it is not a 1 with specks."""
    image = Image.new("L", (400, 400), 255)
    image.paste(sheet("3").resize((size * 2, size * 2)), (20, 120))
    with pytest.raises(PictureRefused, match="an upright line higher than the digits"):
        read(tmp_path / "a", painted(image, lambda pen: pen.line((250, 30, 250, 370), fill=0, width=8)))


def test_specks_beside_a_one_are_not_digits(tmp_path: Path) -> None:
    """In a picture as small as those of MNIST, dirt of a few pixels beside an upright stroke is left out."""
    one = Image.new("L", (28, 28), 255)
    ImageDraw.Draw(one).line((14, 4, 14, 23), fill=0, width=3)
    dirty = one.copy()
    ImageDraw.Draw(dirty).rectangle((20, 12, 22, 14), fill=0)
    assert same(read(tmp_path / "a", dirty), read(tmp_path / "b", one))


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Synthetic digits of a neat hand."""
    return generate_digits(4, 100, 70, style=NEAT_HAND_STYLE)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SURROUNDINGS)
def test_random_surroundings_raise_no_other_exception(tmp_path: Path, kind: str, data: Dataset) -> None:
    """Each kind is read or refused with a reason."""
    rng = np.random.default_rng(1)

    def digit() -> tuple[np.ndarray, int]:
        k = int(rng.integers(100))
        return data.train_images[k], int(data.train_labels[k])

    for _ in range(6):
        (tmp_path / "a").write_bytes(SURROUNDINGS[kind](digit, rng)[0])
        try:
            assert read_glyphs(tmp_path / "a", Frame(), several=True)
        except PictureRefused as reason:
            assert str(reason).startswith(f"{tmp_path / 'a'}: ") and "\n" not in str(reason)
