"""Any picture becomes an image as in training, or is refused with a reason; tested on drawn pictures and on MNIST."""

import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from no_digits import OTHERS
from photos import FAULTS, inked, paper, shadow
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from nnlaw.nn.data.load import load_folder
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import MAX_PIXELS, WORKING_SIZE, picture_files, read_glyphs, read_gray
from nnlaw.nn.images.segmentation import connected_parts
from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.violation import BadInput

MNIST_FRAME = Frame()
Printed = Callable[[str], np.ndarray]


def only_glyph(path: Path, frame: Frame = MNIST_FRAME) -> np.ndarray:
    """The only glyph of a picture file."""
    (found,) = read_glyphs(path, frame)
    return found


def saved(path: Path, shown: np.ndarray | Image.Image, format: str = "PNG", **settings: Any) -> Path:
    """A picture file."""
    picture = shown if isinstance(shown, Image.Image) else Image.fromarray(shown)
    picture.save(path, format, **settings)
    return path


def crop(digit: np.ndarray) -> np.ndarray:
    """A digit without its margins, as float32."""
    rows, columns = (np.flatnonzero((digit > 20).any(axis=axis)) for axis in (1, 0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two glyphs, the best over shifts by one pixel, because centers are rounded to whole pixels."""
    shifts = [np.roll(other, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(float(np.corrcoef(one.reshape(-1), shifted.reshape(-1))[0, 1]) for shifted in shifts)


def bad_input(call: Callable[[], object]) -> str:
    """The message of the BadInput that a call raises."""
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and "expected" in message
    return message


# Drawn pictures


def printed(text: str, size: int = 160) -> Image.Image:
    """Black print on white paper, with margins."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    sheet = Image.new("L", (int(right - left) + size, int(bottom - top) + size), 255)
    ImageDraw.Draw(sheet).text((size / 2 - left, size / 2 - top), text, fill=0, font=font)
    return sheet


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """A function from a text to its printed glyph, which is read once."""
    path = tmp_path_factory.mktemp("printed") / "a"
    return cache(lambda text: only_glyph(saved(path, printed(text))))


def pen_strokes(points: list[tuple[int, int]], width: int) -> Image.Image:
    """Pen strokes on white paper."""
    sheet = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(sheet).line(points, fill=0, width=width, joint="curve")
    return sheet


def photo_of(digit: Image.Image, rng: np.random.Generator, fault: str) -> Image.Image:
    """A printed digit with one fault of photographs."""
    ink = 255 - np.asarray(digit).astype(np.float64)
    light = {"paper": paper, "shadow": lambda shape, rng: 230 * shadow(shape, rng)}
    if fault in light:
        shown = inked(light[fault](ink.shape, rng), ink)
    elif fault == "noise":
        shown = 230 - 0.8 * ink + rng.normal(0, 12, ink.shape)
    elif fault == "pen":
        shown = np.array([250, 245, 230]) * (1 - ink[..., None] / 255) + np.array([30, 50, 190]) * ink[..., None] / 255
    elif fault == "ruled":
        lines = np.where(np.arange(len(ink)) % 30 < 2, 190, 250)[:, None] * np.ones(ink.shape)
        shown = inked(lines, ink)
    elif fault == "chalk":
        shown = 40 + 0.7 * ink
    elif fault == "transparent":
        shown = np.dstack([np.zeros((*ink.shape, 3)), ink])
    else:
        return digit.filter(ImageFilter.GaussianBlur(3))
    return Image.fromarray(np.rint(shown).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("fault", ["paper", "shadow", "noise", "pen", "ruled", "chalk", "transparent", "blur"])
@pytest.mark.parametrize("text", "2048")
def test_a_fault_of_the_picture_barely_changes_the_glyph(tmp_path: Path, fault: str, text: str, clean: Printed) -> None:
    """With uneven light, noise, colors, ruled lines or blur, the glyph is nearly the same as on white paper."""
    print_ = printed(text)
    photo = photo_of(print_, np.random.default_rng(3), fault)
    assert similarity(clean(text), only_glyph(saved(tmp_path / "b", photo))) > 0.93


@pytest.mark.parametrize("text", "0147")
def test_a_stroke_is_as_wide_in_the_light_as_in_the_shadow(tmp_path: Path, text: str, clean: Printed) -> None:
    """A slightly blurred glyph that leads out of a shadow is the same as on white paper."""
    print_ = printed(text)
    ink = 255 - np.asarray(print_).astype(np.float64)
    light = 180 + 60 * np.tanh((np.arange(len(ink)) - len(ink) / 2) / 8)
    shown = inked(light[:, None] * np.ones(ink.shape), ink)
    blurred = Image.fromarray(np.rint(shown).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    assert similarity(clean(text), only_glyph(saved(tmp_path / "b", blurred))) > 0.97


def test_a_glyph_is_framed_as_in_mnist(tmp_path: Path) -> None:
    """The longest side is 20, and the center of mass is at index 14, to the nearest pixel."""
    for text in "1234567890":
        digit = only_glyph(saved(tmp_path / "a", printed(text))).astype(np.float64)
        rows, columns = (np.flatnonzero(digit.any(axis=axis)) for axis in (1, 0))
        assert digit.shape == (28, 28) and max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        for axis in (0, 1):
            center = digit.sum(axis=1 - axis) @ np.arange(28) / digit.sum()
            assert 13.5 <= center <= 14.5


@pytest.mark.parametrize("tag", range(1, 9))
def test_the_picture_is_rotated_according_to_exif(tmp_path: Path, tag: int, clean: Printed) -> None:
    """Each of the eight orientations of EXIF gives the same glyph."""
    undo = [None, 0, 3, 1, 5, 4, 6, 2][tag - 1]  # FLIP_LEFT_RIGHT, ROTATE_180, FLIP_TOP_BOTTOM, TRANSPOSE, ...
    back = [None, 0, 3, 1, 5, 2, 6, 4][tag - 1]
    print_ = printed("4")
    stored = print_ if undo is None else print_.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = tag
    path = saved(tmp_path / "a", stored, "JPEG", exif=exif, quality=95)
    assert np.abs(only_glyph(path).astype(int) - clean("4")).mean() < 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "transparent", "white"])
def test_every_mode_gives_the_same_glyph(tmp_path: Path, mode: str) -> None:
    """A bar away from the center of its paper fills 20 rows in the middle, in every color mode."""
    bar = np.full((300, 200), 255, np.uint8)
    bar[30:130, 20:60] = 0
    path = tmp_path / "bar"
    if mode == "I;16":
        saved(path, bar.astype(np.uint16) * 200)  # gray paper, more than 8 bits
    elif mode == "transparent":
        saved(path, np.dstack([bar * 0] * 3 + [255 - bar]))
    elif mode == "white":  # light ink on nothing
        saved(path, np.dstack([bar * 0 + 255] * 3 + [255 - bar]))
    else:
        rgb = Image.fromarray(bar).convert("RGB" if mode == "CMYK" else "L")
        saved(path, rgb.convert(mode), "TIFF" if mode in ("CMYK", "F") else "PNG")
    digit = only_glyph(path)
    rows, columns = np.nonzero(digit > 127)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 8)
    assert abs(rows.mean() - 13.5) <= 0.5 and abs(columns.mean() - 13.5) <= 0.5


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_every_format_is_detected_by_its_content(tmp_path: Path, format: str, clean: Printed) -> None:
    """The suffix of the file name does not matter."""
    assert np.abs(only_glyph(saved(tmp_path / "b.txt", printed("3"), format)).astype(int) - clean("3")).mean() < 5


def test_a_thin_pen_is_widened_to_a_usual_one(tmp_path: Path) -> None:
    """A ballpoint's line, a hundredth of the digit's size, becomes about as wide as MNIST's strokes."""
    points = [(60, 60), (220, 60), (120, 250)]
    thin, usual = (only_glyph(saved(tmp_path / "a", pen_strokes(points, width))).astype(float) for width in (3, 22))
    assert 0.5 < thin.sum() / usual.sum() < 1.5
    assert np.corrcoef(thin.reshape(-1), usual.reshape(-1))[0, 1] > 0.8


def test_dirt_is_ignored(tmp_path: Path, clean: Printed) -> None:
    """Specks away from the digit neither move nor shrink it."""
    print_ = printed("5")
    for place in ((4, 4), (200, 30), (10, 200)):
        print_.paste(60, (*place, place[0] + 4, place[1] + 3))
    assert np.abs(only_glyph(saved(tmp_path / "b", print_)).astype(int) - clean("5")).mean() < 1


def test_several_digits_are_read_from_left_to_right(tmp_path: Path) -> None:
    """With `several` each is framed by itself; otherwise the picture is refused, and the message names --all."""
    path = saved(tmp_path / "a", printed("2 7 5"))
    with pytest.raises(PictureRefused, match=r"it shows 3 digits.*--all"):
        only_glyph(path)
    apart = [only_glyph(saved(tmp_path / "b", printed(text))) for text in "275"]
    together = read_glyphs(path, MNIST_FRAME, several=True)
    assert len(together) == 3
    assert all(similarity(a, b) > 0.9 for a, b in zip(apart, together, strict=True))


def test_digits_in_two_lines_are_read_line_by_line(tmp_path: Path) -> None:
    """Lines from top to bottom, each from left to right; two digits above each other are never one."""
    upper, lower = printed("27"), printed("53")
    sheet = Image.new("L", (400, 700), 255)
    sheet.paste(upper.resize((400, 350)), (0, 0))
    sheet.paste(lower.resize((400, 350)), (0, 350))
    apart = [only_glyph(saved(tmp_path / "b", printed(text))) for text in "2753"]
    together = read_glyphs(saved(tmp_path / "a", sheet), MNIST_FRAME, several=True)
    assert len(together) == 4
    for glyph, same in zip(together, range(4), strict=True):
        assert max(range(4), key=lambda other: similarity(glyph, apart[other])) == same
    with pytest.raises(PictureRefused, match="2 digits"):
        only_glyph(saved(tmp_path / "a", sheet.crop((0, 0, 200, 700))))


@pytest.mark.parametrize("shade", [20, 90, 140])
@pytest.mark.parametrize("text", ["2", "0", "8", "1"])
def test_a_sheet_on_a_darker_table_is_read(tmp_path: Path, text: str, shade: int, clean: Printed) -> None:
    """The glyph is the same as if the sheet filled the picture, also if the sheet is rotated or cut off."""
    print_ = printed(text)
    for angle, corner in ((0, (60, 80)), (12, (60, 80)), (-25, (30, 40)), (0, (0, 80))):
        table = Image.new("L", (500, 520), shade)
        whole = Image.new("L", print_.size, 255).rotate(angle, expand=True)
        table.paste(print_.rotate(angle, Image.Resampling.BICUBIC, expand=True), corner, whole)
        assert similarity(clean(text), only_glyph(saved(tmp_path / "b", table))) > 0.93


def test_a_digit_among_other_things_is_refused(tmp_path: Path) -> None:
    """Among areas of different shades, as in a photograph, no stroke is read as a digit."""
    sheet = printed("3")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, sheet.width, 60), fill=110)
    pen.polygon([(0, 60), (70, 60), (0, sheet.height)], fill=150)
    pen.polygon([(sheet.width, 60), (sheet.width, sheet.height), (sheet.width - 70, 60)], fill=80)
    with pytest.raises(PictureRefused, match="more in it than digits on plain paper"):
        only_glyph(saved(tmp_path / "a", sheet))


def test_a_cut_off_shape_with_soft_outlines_is_refused(tmp_path: Path) -> None:
    """A dark shape that continues outside of the picture and is blurred on one side is part of a photograph."""
    shades = np.full((200, 200), 220.0)
    shades[60:, 80:110] = 40
    shades[60:, 110:150] = np.linspace(40, 220, 40)
    with pytest.raises(PictureRefused):
        only_glyph(saved(tmp_path / "a", shades.astype(np.uint8)))


def test_a_separate_stroke_belongs_to_its_digit(tmp_path: Path) -> None:
    """A 5 whose upper stroke does not touch it is one glyph."""
    sheet = printed("5")
    pen = ImageDraw.Draw(sheet)
    left, top, right, _ = Image.eval(sheet, lambda v: 255 - v).getbbox() or (0, 0, 0, 0)
    pen.line([(right + 6, top - 6), (left + 50, top - 6)], fill=0, width=8)
    assert len(read_glyphs(saved(tmp_path / "a", sheet), MNIST_FRAME)) == 1


def test_a_digit_that_reaches_the_border_is_read(tmp_path: Path) -> None:
    """A picture cropped to the box of a zero gives the same glyph."""
    print_ = printed("0")
    box = Image.eval(print_, lambda v: 255 - v).getbbox()
    whole, cropped = only_glyph(saved(tmp_path / "a", print_)), only_glyph(saved(tmp_path / "b", print_.crop(box)))
    assert similarity(whole, cropped) > 0.93


# Pictures that show no digit


@pytest.mark.slow
@pytest.mark.parametrize("kind", OTHERS)
def test_a_picture_without_a_single_digit_is_refused(tmp_path: Path, kind: str) -> None:
    """Blank paper, noise, textures, photographs, pages and several digits are refused with a reason."""
    rng, read = np.random.default_rng(1), 0
    digits = generate_digits(1, 70, 10).train_images
    for _ in range(12):
        (tmp_path / "a").write_bytes(OTHERS[kind](rng, digits))
        try:
            only_glyph(tmp_path / "a")
            read += 1
        except PictureRefused as reason:
            assert str(reason).startswith(f"{tmp_path / 'a'}: ") and "\n" not in str(reason)
    assert read <= (0 if kind in ("blank", "page of text", "several digits") else 1)


@pytest.mark.parametrize(
    ("paint", "words"),
    [
        (lambda pen: None, "no strokes found"),
        (lambda pen: pen.ellipse((100, 100, 200, 200), fill=0), "solid shape"),
        (lambda pen: pen.line((20, 150, 280, 150), fill=0, width=12), "too wide for one digit"),
        (lambda pen: pen.ellipse((100, 100, 110, 110), fill=0), "speck"),
        (lambda pen: pen.rectangle((20, 20, 280, 280), fill=0), "ink covers most"),
        (lambda pen: [pen.line((x, 20, x, 280), fill=0, width=2) for x in range(20, 280, 5)], "small marks"),
        (lambda pen: [pen.line((p, 30, p, 270), fill=0, width=2) or pen.line((30, p, 270, p), fill=0, width=2)
                      for p in range(30, 271, 12)], "texture"),
        (lambda pen: [pen.line((60, 60, 240, 240), fill=160 - 2 * w, width=70 - w) for w in (0, 60)], "photograph"),
    ],
)
def test_each_refusal_names_its_reason(tmp_path: Path, paint: Callable[[Any], object], words: str) -> None:
    """The message names the content of the picture."""
    sheet = Image.new("L", (300, 300), 255)
    paint(ImageDraw.Draw(sheet))
    with pytest.raises(PictureRefused, match=words):
        only_glyph(saved(tmp_path / "a", sheet))


def test_a_very_faint_stroke_is_refused(tmp_path: Path) -> None:
    """A dot with a faint tail, in a small picture, has too little ink for a digit."""
    sheet = np.full((40, 40), 255, np.uint8)
    sheet[10:30, 20:22] = 190
    sheet[28:30, 20:22] = 0
    with pytest.raises(PictureRefused, match="faint"):
        only_glyph(saved(tmp_path / "a", sheet))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (28, 29), (3, 3)])
def test_a_blank_picture_of_any_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    """Also a single pixel, or a single row of pixels."""
    for shade in (0, 90, 255):
        with pytest.raises(PictureRefused, match="no strokes found"):
            only_glyph(saved(tmp_path / "a", np.full(size, shade, np.uint8)))


# Files that are not pictures, or too large to be unpacked


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50), b"P5 0 0 255\n", b"II*\0\x08\0\0\0\xff\xff"]
)
def test_a_file_that_is_not_a_picture_raises_bad_input(tmp_path: Path, content: bytes) -> None:
    """For text, and for headers without data, the message names the file, and nothing warns."""
    (tmp_path / "a").write_bytes(content)
    with warnings.catch_warnings(action="error"):
        assert bad_input(lambda: only_glyph(tmp_path / "a")).startswith(f"{tmp_path / 'a'}: not a readable picture")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_truncated_picture_raises_no_other_exception(tmp_path: Path, format: str) -> None:
    """A truncated picture file raises BadInput or PictureRefused, or is read if its format allows that."""
    path = saved(tmp_path / "a", printed("3", 40), format)
    whole = path.read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:length])
        try:
            assert only_glyph(path).shape == (28, 28)
        except (BadInput, PictureRefused) as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_damaged_picture_raises_no_other_exception(tmp_path: Path, format: str) -> None:
    """A file with random bytes in its header or data raises BadInput or PictureRefused, or is read."""
    path, rng = saved(tmp_path / "a", printed("3", 40), format), np.random.default_rng(2)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(30):
        damaged = whole.copy()
        location = rng.integers(0, [64, len(whole)][rng.integers(2)], 4)
        damaged[location.clip(0, len(whole) - 1)] = rng.integers(0, 256, 4)
        path.write_bytes(damaged.tobytes())
        try:
            assert only_glyph(path).shape == (28, 28)
        except (BadInput, PictureRefused) as error:
            assert str(path) in str(error)


def test_a_format_that_runs_programs_is_not_opened(tmp_path: Path) -> None:
    """PostScript, which Pillow would run in Ghostscript, is not accepted."""
    (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 30 30\n%%EndComments\n")
    assert "not a readable picture" in bad_input(lambda: only_glyph(tmp_path / "a.eps"))


@pytest.mark.parametrize(("make", "words"), [(lambda p: None, "no such file"), (Path.mkdir, "not a file")])
def test_a_path_without_a_file_raises_bad_input(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    """The messages for a missing file and for a folder differ."""
    make(tmp_path / "a")
    assert words in bad_input(lambda: only_glyph(tmp_path / "a"))


def test_a_file_without_permission_raises_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message differs from that for a damaged file."""

    def forbid(*args: object, **kwargs: object) -> None:
        raise PermissionError

    path = saved(tmp_path / "a", printed("3"))
    monkeypatch.setattr("PIL.Image.open", forbid)
    assert "permission denied" in bad_input(lambda: only_glyph(path))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Some formats are read as a whole before their size is known."""
    with (tmp_path / "a").open("wb") as file:
        file.truncate(300_000_000)
    assert "bytes, expected at most" in bad_input(lambda: only_glyph(tmp_path / "a"))


@pytest.mark.slow
@pytest.mark.parametrize("side", [7_100, 10_000, 20_000])
def test_a_picture_with_too_many_pixels_is_not_read(tmp_path: Path, side: int) -> None:
    """Above our limit, and above the two limits of Pillow, the message names the limit."""
    with warnings.catch_warnings():
        Image.new("1", (side, side)).save(tmp_path / "a", "PNG")
    with warnings.catch_warnings(action="error"):
        assert f"at most {MAX_PIXELS:,} in all" in bad_input(lambda: only_glyph(tmp_path / "a"))


@pytest.mark.parametrize("side", [7_000, 100_000, 2**31 - 1])
def test_a_header_with_a_wrong_size_costs_no_memory(tmp_path: Path, side: int) -> None:
    """A PNG of a few bytes whose header gives a huge size raises BadInput, and arrays stay small."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    ends = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    (tmp_path / "a").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + ends)
    tracemalloc.start()
    try:
        bad_input(lambda: only_glyph(tmp_path / "a"))
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_large_picture_takes_bounded_memory(tmp_path: Path) -> None:
    """25 million transparent pixels, 300 kB as a file, are read in less than 400 MB."""
    sheet = Image.new("LA", (5_000, 5_000))
    sheet.paste((0, 255), (2_000, 1_000, 2_900, 4_000))
    saved(tmp_path / "a", sheet, compress_level=1)
    code = (
        "import resource, sys; from pathlib import Path; from nnlaw.nn.images.read import read_gray\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_gray(Path(sys.argv[1])); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 400e6


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    """At most WORKING_SIZE pixels along the longest side, and the aspect is kept."""
    saved(tmp_path / "a", Image.new("RGB", (2000, 500), "white"), "JPEG")
    assert read_gray(tmp_path / "a").shape == (WORKING_SIZE // 4, WORKING_SIZE)
    assert read_gray(saved(tmp_path / "b", np.full((28, 30), 7, np.uint8))).tolist() == np.full((28, 30), 7).tolist()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    """Shades of 16 bits keep their order and their proportion."""
    deep = 257 * np.array([[10, 100, 255]], np.uint16)
    assert read_gray(saved(tmp_path / "a", deep)).tolist() == [[10, 100, 255]]


def test_a_folder_is_searched_for_pictures_by_suffix(tmp_path: Path) -> None:
    """Hidden files are left out; a folder without pictures raises BadInput; a file is itself."""
    for name in ("b.PNG", "a.jpg", "notes.txt", "._a.jpg"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in picture_files(tmp_path)] == ["a.jpg", "b.PNG"]
    assert picture_files(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    (tmp_path / "empty").mkdir()
    assert "no pictures in this folder" in bad_input(lambda: picture_files(tmp_path / "empty"))
    assert "expected a picture or a folder" in bad_input(lambda: picture_files(tmp_path / ("x" * 300)))


# Parts and frames


def test_connected_parts_have_eight_neighbors_per_pixel() -> None:
    """The parts of random masks are those that a search from pixel to pixel finds, diagonals included."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        mask = rng.random(rng.integers(1, 14, 2)) < rng.uniform(0.2, 0.7)
        labels, count = connected_parts(mask)
        left, parts = {(int(r), int(c)) for r, c in np.argwhere(mask)}, 0
        while left:
            parts, reached = parts + 1, [left.pop()]
            number = labels[reached[0]]
            while reached:
                row, column = reached.pop()
                assert labels[row, column] == number > 0
                near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
                left -= near
                reached += near
        assert parts == count == labels.max(initial=0) and not labels[~mask].any()


def test_the_frame_of_a_data_set_is_found() -> None:
    """For digits centered by mass, digits centered by their boxes, and things that fill the image."""
    digits = generate_digits(1, 300, 10).train_images
    assert Frame.of(digits) == MNIST_FRAME
    by_box = np.stack([Frame(32, 30, 24, by_mass=False).place(crop(d)) for d in digits])
    assert Frame.of(by_box) == Frame(32, 30, 24, by_mass=False)
    things = np.stack([Frame(28, 28, 28, by_mass=False).place(crop(d)) for d in digits])
    assert not Frame.of(things).has_margin
    assert Frame.of(np.zeros((3, 5, 4), np.uint8)) == Frame(5, 4, 5, by_mass=False)


def test_a_thing_fills_its_image_and_keeps_its_shades(tmp_path: Path) -> None:
    """If the training images have no margin, as those of clothes, the picture is cropped and keeps its shades."""
    frame = Frame(28, 28, 28, by_mass=False)
    sheet = np.full((200, 200), 240, np.uint8)
    sheet[40:160, 70:130] = 100
    found = only_glyph(saved(tmp_path / "a", sheet), frame)
    assert found.any(axis=1).all() and found.any(axis=0).sum() == 14 and abs(int(found[14, 14]) - 155) <= 1
    with pytest.raises(PictureRefused, match="the picture is blank"):
        only_glyph(saved(tmp_path / "a", np.full((50, 50), 9, np.uint8)), frame)


@pytest.mark.slow
def test_importing_the_package_loads_nothing_heavy() -> None:
    """nnlaw.nn.data by itself imports neither Pillow nor any of its own modules."""
    code = "import sys, nnlaw.nn.data; print('PIL' in sys.modules, 'nnlaw.nn.data.dataset' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert done.stdout.split() == ["False", "False"], done.stderr


@pytest.mark.slow
def test_scipy_is_imported_only_to_read_pictures(tiny_folder: Path, tmp_path: Path) -> None:
    """`nn train`, `nn verify` with its worker, and spec do not import SciPy; a run records its frame without it."""
    code = (
        "import sys, nnlaw.spec, nnlaw.nn.verify.child; from nnlaw.cli.main import run\n"
        "assert run(['train', sys.argv[1], '--epochs', '1', '--json', '--run', sys.argv[2]]) == 0\n"
        "assert run(['verify', 'relu']) == 0\n"
        "print('scipy' in sys.modules); import nnlaw.nn.images.read; print('scipy' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tiny_folder), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert done.stdout.split()[-2:] == ["False", "True"], done.stdout + done.stderr


# On the real MNIST


@cache
def trained(mnist: Path) -> Any:
    """A function from images to classes (N,): a network trained on the real MNIST for three epochs."""
    import tempfile

    from nnlaw.cli.main import run
    from nnlaw.nn.run_folder.folder import Run
    from nnlaw.nn.runs.predictor import Predictor

    with tempfile.TemporaryDirectory() as folder:
        flags = ["--epochs", "3", "--optimizer", "adam", "--lr", "0.001", "--batch-size", "128"]
        assert run(["train", str(mnist), *flags, "--json", "--run", f"{folder}/r"]) == 0
        reader = Predictor(Run(Path(folder) / "r"))
    assert reader.frame == MNIST_FRAME
    return lambda images: np.array([reader.probabilities(image).argmax() for image in images])


@pytest.mark.slow
@pytest.mark.no_cover
def test_framing_a_digit_of_mnist_changes_almost_nothing(mnist: Path, tmp_path: Path) -> None:
    """Size and place stay the same, and at most 2 in 1,000 are classified differently."""
    digits, classify = load_folder(mnist).test_images[:1000], trained(mnist)
    framed = np.stack([only_glyph(saved(tmp_path / "a", digit)) for digit in digits])
    assert np.abs(framed.astype(int) - digits).mean() < 1
    assert (classify(framed) != classify(digits)).mean() <= 0.002


SAME = [
    "inverted",
    "JPEG, quality 60",
    "margins",
    "margins of white",
    "1 to 4 times as large",
    "transparent",
    "paper lit from one side",
]


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("fault", SAME)
def test_the_prediction_does_not_depend_on_the_picture(mnist: Path, tmp_path: Path, fault: str) -> None:
    """At least 98% of 500 test digits are classified as they are without the fault."""
    rng, classify = np.random.default_rng(7), trained(mnist)
    digits = load_folder(mnist).test_images[:500]
    found = []
    for digit in digits:
        (tmp_path / "a").write_bytes(FAULTS[fault](digit, rng))
        try:
            found.append(only_glyph(tmp_path / "a"))
        except PictureRefused:
            found.append(np.zeros((28, 28), np.uint8))
    assert (classify(found) == classify(digits)).mean() >= 0.98
