"""Any picture becomes what the network was trained on, or is refused with a reason; the laws hold on the real MNIST."""

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
from nnlaw.nn.images.ink_extraction import Refused
from nnlaw.nn.images.read import MOST, WORK, pictures_in, read_glyphs, read_grey
from nnlaw.nn.images.segmentation import components
from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.violation import BadInput

MNIST_WAY = Frame()


def one(path: Path, frame: Frame = MNIST_WAY) -> np.ndarray:
    """The only glyph of a picture file."""
    (found,) = read_glyphs(path, frame)
    return found


def saved(path: Path, shown: np.ndarray | Image.Image, format: str = "PNG", **settings: Any) -> Path:
    """A picture file."""
    picture = shown if isinstance(shown, Image.Image) else Image.fromarray(shown)
    picture.save(path, format, **settings)
    return path


def cut(digit: np.ndarray) -> np.ndarray:
    """A digit without its margins, as float32."""
    rows, columns = (np.flatnonzero((digit > 20).any(axis=axis)) for axis in (1, 0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two glyphs, the best over shifts by one pixel, since the center may be rounded either way."""
    shifts = [np.roll(other, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(float(np.corrcoef(one.reshape(-1), shifted.reshape(-1))[0, 1]) for shifted in shifts)


def refusal(call: Callable[[], object]) -> str:
    """The one sentence with which a call finds its input unreadable."""
    with pytest.raises(BadInput) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and "expected" in sentence
    return sentence


# Drawn pictures


def printed(text: str, size: int = 160) -> Image.Image:
    """Black print on white paper, with margins."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    sheet = Image.new("L", (int(right - left) + size, int(bottom - top) + size), 255)
    ImageDraw.Draw(sheet).text((size / 2 - left, size / 2 - top), text, fill=0, font=font)
    return sheet


def pencil(points: list[tuple[int, int]], width: int) -> Image.Image:
    """Strokes of a pen on white paper."""
    sheet = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(sheet).line(points, fill=0, width=width, joint="curve")
    return sheet


def sheet_of(digit: Image.Image, rng: np.random.Generator, fault: str) -> Image.Image:
    """The black print on white with one fault of photographs."""
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
def test_a_fault_of_the_picture_hardly_changes_the_glyph(tmp_path: Path, fault: str, text: str) -> None:
    """Light, noise, colors, ruled lines and focus leave what the network sees nearly as it is on white paper."""
    print_ = printed(text)
    clean = one(saved(tmp_path / "a", print_))
    assert likeness(clean, one(saved(tmp_path / "b", sheet_of(print_, np.random.default_rng(3), fault)))) > 0.93


@pytest.mark.parametrize("text", "0147")
def test_a_stroke_is_as_wide_in_the_light_as_in_the_shadow(tmp_path: Path, text: str) -> None:
    """A glyph that leads out of a shadow, a little out of focus, is what it is on white paper."""
    print_ = printed(text)
    ink = 255 - np.asarray(print_).astype(np.float64)
    light = 180 + 60 * np.tanh((np.arange(len(ink)) - len(ink) / 2) / 8)
    shown = inked(light[:, None] * np.ones(ink.shape), ink)
    blurred = Image.fromarray(np.rint(shown).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    clean = one(saved(tmp_path / "a", print_))
    assert likeness(clean, one(saved(tmp_path / "b", blurred))) > 0.97


def test_a_glyph_is_framed_as_mnist_was(tmp_path: Path) -> None:
    """Longest side 20, the aspect kept, the center of mass at index 14, whole pixels wherever it stood."""
    for text in "1234567890":
        digit = one(saved(tmp_path / "a", printed(text))).astype(np.float64)
        rows, columns = (np.flatnonzero(digit.any(axis=axis)) for axis in (1, 0))
        assert digit.shape == (28, 28) and max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        for axis in (0, 1):
            center = digit.sum(axis=1 - axis) @ np.arange(28) / digit.sum()
            assert 13.5 <= center <= 14.5


@pytest.mark.parametrize("tag", range(1, 9))
def test_the_picture_is_turned_as_the_camera_says(tmp_path: Path, tag: int) -> None:
    """Each of the eight orientations of EXIF gives the same glyph."""
    undo = [None, 0, 3, 1, 5, 4, 6, 2][tag - 1]  # FLIP_LEFT_RIGHT, ROTATE_180, FLIP_TOP_BOTTOM, TRANSPOSE, ...
    back = [None, 0, 3, 1, 5, 2, 6, 4][tag - 1]
    print_ = printed("4")
    stored = print_ if undo is None else print_.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = tag
    path = saved(tmp_path / "a", stored, "JPEG", exif=exif, quality=95)
    clean = one(saved(tmp_path / "b", print_)).astype(int)
    assert np.abs(one(path).astype(int) - clean).mean() < 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "transparent", "white"])
def test_every_mode_gives_the_same_glyph(tmp_path: Path, mode: str) -> None:
    """A bar off the center of its paper fills 20 rows in the middle, in whatever colors it was saved."""
    bar = np.full((300, 200), 255, np.uint8)
    bar[30:130, 20:60] = 0
    path = tmp_path / "bar"
    if mode == "I;16":
        saved(path, bar.astype(np.uint16) * 200)  # grey paper, beyond 8 bits
    elif mode == "transparent":
        saved(path, np.dstack([bar * 0] * 3 + [255 - bar]))
    elif mode == "white":  # light ink on nothing
        saved(path, np.dstack([bar * 0 + 255] * 3 + [255 - bar]))
    else:
        rgb = Image.fromarray(bar).convert("RGB" if mode == "CMYK" else "L")
        saved(path, rgb.convert(mode), "TIFF" if mode in ("CMYK", "F") else "PNG")
    digit = one(path)
    rows, columns = np.nonzero(digit > 127)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 8)
    assert abs(rows.mean() - 13.5) <= 0.5 and abs(columns.mean() - 13.5) <= 0.5


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_every_format_is_read_whatever_its_name(tmp_path: Path, format: str) -> None:
    """What people have is told by its content, not by its name."""
    clean = one(saved(tmp_path / "a", printed("3"))).astype(int)
    assert np.abs(one(saved(tmp_path / "b.txt", printed("3"), format)).astype(int) - clean).mean() < 5


def test_a_thin_pen_is_widened_to_a_usual_one(tmp_path: Path) -> None:
    """A ballpoint's line, a hundredth of the digit, becomes about as wide as MNIST's strokes, in the same place."""
    points = [(60, 60), (220, 60), (120, 250)]
    thin, usual = (one(saved(tmp_path / "a", pencil(points, width))).astype(float) for width in (3, 22))
    assert 0.5 < thin.sum() / usual.sum() < 1.5
    assert np.corrcoef(thin.reshape(-1), usual.reshape(-1))[0, 1] > 0.8


def test_dirt_is_left_out(tmp_path: Path) -> None:
    """Specks far from the digit neither move nor shrink it."""
    print_ = printed("5")
    clean = one(saved(tmp_path / "a", print_)).astype(int)
    for place in ((4, 4), (200, 30), (10, 200)):
        print_.paste(60, (*place, place[0] + 4, place[1] + 3))
    assert np.abs(one(saved(tmp_path / "b", print_)).astype(int) - clean).mean() < 1


def test_several_digits_are_read_from_left_to_right(tmp_path: Path) -> None:
    """Asked for all, each is framed by itself; otherwise the picture is refused, and the way out is named."""
    path = saved(tmp_path / "a", printed("2 7 5"))
    with pytest.raises(Refused, match=r"it shows 3 figures.*--all"):
        one(path)
    apart = [one(saved(tmp_path / "b", printed(text))) for text in "275"]
    together = read_glyphs(path, MNIST_WAY, several=True)
    assert len(together) == 3
    assert all(likeness(a, b) > 0.9 for a, b in zip(apart, together, strict=True))


def test_digits_in_two_lines_are_read_line_by_line(tmp_path: Path) -> None:
    """Lines from top to bottom, each from left to right; two digits above one another are never one."""
    upper, lower = printed("27"), printed("53")
    sheet = Image.new("L", (400, 700), 255)
    sheet.paste(upper.resize((400, 350)), (0, 0))
    sheet.paste(lower.resize((400, 350)), (0, 350))
    apart = [one(saved(tmp_path / "b", printed(text))) for text in "2753"]
    together = read_glyphs(saved(tmp_path / "a", sheet), MNIST_WAY, several=True)
    assert len(together) == 4
    for glyph, same in zip(together, range(4), strict=True):
        assert max(range(4), key=lambda other: likeness(glyph, apart[other])) == same
    with pytest.raises(Refused, match="2 figures"):
        one(saved(tmp_path / "a", sheet.crop((0, 0, 200, 700))))


@pytest.mark.parametrize("shade", [20, 90, 140])
@pytest.mark.parametrize("text", ["2", "0", "8", "1"])
def test_a_sheet_on_a_darker_table_is_read(tmp_path: Path, text: str, shade: int) -> None:
    """As if the sheet filled the picture, upright: also where it lies aslant, or is cut by the border."""
    print_ = printed(text)
    clean = one(saved(tmp_path / "a", print_))
    for angle, corner in ((0, (60, 80)), (12, (60, 80)), (-25, (30, 40)), (0, (0, 80))):
        table = Image.new("L", (500, 520), shade)
        whole = Image.new("L", print_.size, 255).rotate(angle, expand=True)
        table.paste(print_.rotate(angle, Image.Resampling.BICUBIC, expand=True), corner, whole)
        assert likeness(clean, one(saved(tmp_path / "b", table))) > 0.93


def test_a_digit_among_other_things_is_refused(tmp_path: Path) -> None:
    """Where shades lie side by side as in a photograph, no stroke of them is taken for a digit."""
    sheet = printed("3")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, sheet.width, 60), fill=110)
    pen.polygon([(0, 60), (70, 60), (0, sheet.height)], fill=150)
    pen.polygon([(sheet.width, 60), (sheet.width, sheet.height), (sheet.width - 70, 60)], fill=80)
    with pytest.raises(Refused, match="more than figures on plain paper"):
        one(saved(tmp_path / "a", sheet))


def test_what_the_border_cuts_with_soft_outlines_is_refused(tmp_path: Path) -> None:
    """A dark form that runs out of the picture and is blurred on one side is a piece of a photograph."""
    shades = np.full((200, 200), 220.0)
    shades[60:, 80:110] = 40
    shades[60:, 110:150] = np.linspace(40, 220, 40)
    with pytest.raises(Refused):
        one(saved(tmp_path / "a", shades.astype(np.uint8)))


def test_a_stroke_apart_belongs_to_its_digit(tmp_path: Path) -> None:
    """A 5 whose upper stroke doesn't touch it is one figure."""
    sheet = printed("5")
    pen = ImageDraw.Draw(sheet)
    left, top, right, _ = Image.eval(sheet, lambda v: 255 - v).getbbox() or (0, 0, 0, 0)
    pen.line([(right + 6, top - 6), (left + 50, top - 6)], fill=0, width=8)
    assert len(read_glyphs(saved(tmp_path / "a", sheet), MNIST_WAY)) == 1


def test_a_cut_out_digit_that_reaches_the_border_is_read(tmp_path: Path) -> None:
    """A picture cropped exactly to a zero still gives the zero."""
    print_ = printed("0")
    box = Image.eval(print_, lambda v: 255 - v).getbbox()
    assert likeness(one(saved(tmp_path / "a", print_)), one(saved(tmp_path / "b", print_.crop(box)))) > 0.93


# Pictures that show no digit


@pytest.mark.parametrize("kind", OTHERS)
def test_what_shows_no_single_digit_is_refused(tmp_path: Path, kind: str) -> None:
    """Blank paper, noise, textures, photographs, pages and several digits are refused with a reason."""
    rng, read = np.random.default_rng(1), 0
    digits = generate_digits(1, 70, 10).train_images
    for _ in range(12):
        (tmp_path / "a").write_bytes(OTHERS[kind](rng, digits))
        try:
            one(tmp_path / "a")
            read += 1
        except Refused as reason:
            assert str(reason).startswith(f"{tmp_path / 'a'}: ") and "\n" not in str(reason)
    assert read <= (0 if kind in ("blank", "page of text", "several digits") else 1)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda pen: None, "nothing is drawn"),
        (lambda pen: pen.ellipse((100, 100, 200, 200), fill=0), "solid shape"),
        (lambda pen: pen.line((20, 150, 280, 150), fill=0, width=12), "wide stroke"),
        (lambda pen: pen.ellipse((100, 100, 110, 110), fill=0), "speck"),
        (lambda pen: pen.rectangle((20, 20, 280, 280), fill=0), "inked all over"),
        (lambda pen: [pen.line((x, 20, x, 280), fill=0, width=2) for x in range(20, 280, 5)], "small marks"),
        (lambda pen: [pen.line((p, 30, p, 270), fill=0, width=2) or pen.line((30, p, 270, p), fill=0, width=2)
                      for p in range(30, 271, 12)], "texture"),
        (lambda pen: [pen.line((60, 60, 240, 240), fill=160 - 2 * w, width=70 - w) for w in (0, 60)], "photograph"),
    ],
)
def test_each_refusal_says_why(tmp_path: Path, draw: Callable[[Any], object], words: str) -> None:
    """What kind of thing was found is in the sentence."""
    sheet = Image.new("L", (300, 300), 255)
    draw(ImageDraw.Draw(sheet))
    with pytest.raises(Refused, match=words):
        one(saved(tmp_path / "a", sheet))


def test_a_stroke_hardly_there_is_refused(tmp_path: Path) -> None:
    """A dot with a faint tail, in a small picture, has too little ink for a digit."""
    sheet = np.full((40, 40), 255, np.uint8)
    sheet[10:30, 20:22] = 190
    sheet[28:30, 20:22] = 0
    with pytest.raises(Refused, match="faint"):
        one(saved(tmp_path / "a", sheet))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (28, 29), (3, 3)])
def test_a_blank_of_any_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel and a thread of one shade show nothing."""
    for shade in (0, 90, 255):
        with pytest.raises(Refused, match="nothing is drawn"):
            one(saved(tmp_path / "a", np.full(size, shade, np.uint8)))


# Files that are no pictures, or not to be unpacked


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50), b"P5 0 0 255\n", b"II*\0\x08\0\0\0\xff\xff"]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    """Text, and headers without a picture behind them, are refused by name and without a warning."""
    (tmp_path / "a").write_bytes(content)
    with warnings.catch_warnings(action="error"):
        assert refusal(lambda: one(tmp_path / "a")).startswith(f"{tmp_path / 'a'}: not a picture")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_cut_picture_is_never_a_traceback(tmp_path: Path, format: str) -> None:
    """A picture file cut anywhere is unreadable or refused, or read where its format allows."""
    path = saved(tmp_path / "a", printed("3", 40), format)
    whole = path.read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:length])
        try:
            assert one(path).shape == (28, 28)
        except (BadInput, Refused) as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_damaged_picture_is_never_a_traceback(tmp_path: Path, format: str) -> None:
    """Bytes exchanged at random, header or content, lead to a sentence or to a picture."""
    path, rng = saved(tmp_path / "a", printed("3", 40), format), np.random.default_rng(2)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(30):
        broken = whole.copy()
        location = rng.integers(0, [64, len(whole)][rng.integers(2)], 4)
        broken[location.clip(0, len(whole) - 1)] = rng.integers(0, 256, 4)
        path.write_bytes(broken.tobytes())
        try:
            assert one(path).shape == (28, 28)
        except (BadInput, Refused) as error:
            assert str(path) in str(error)


def test_a_format_that_runs_programs_is_not_opened(tmp_path: Path) -> None:
    """PostScript, which Pillow would hand to Ghostscript, is no picture here."""
    (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 30 30\n%%EndComments\n")
    assert "not a picture" in refusal(lambda: one(tmp_path / "a.eps"))


@pytest.mark.parametrize(("make", "words"), [(lambda p: None, "no such file"), (Path.mkdir, "not a file")])
def test_a_path_without_a_file_is_refused(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    """An absent picture and a folder are told apart."""
    make(tmp_path / "a")
    assert words in refusal(lambda: one(tmp_path / "a"))


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbidden is not the same as broken."""

    def forbid(*args: object, **kwargs: object) -> None:
        raise PermissionError

    path = saved(tmp_path / "a", printed("3"))
    monkeypatch.setattr("PIL.Image.open", forbid)
    assert "may not be read" in refusal(lambda: one(path))


def test_a_file_far_too_heavy_is_refused_unread(tmp_path: Path) -> None:
    """Some formats would be read whole only to learn their size."""
    with (tmp_path / "a").open("wb") as file:
        file.truncate(300_000_000)
    assert "bytes, expected at most" in refusal(lambda: one(tmp_path / "a"))


@pytest.mark.parametrize("side", [7_100, 10_000, 20_000])
def test_a_picture_far_too_large_is_refused_unread(tmp_path: Path, side: int) -> None:
    """Above the limit, and above the two limits of Pillow itself, the sentence names how much is allowed."""
    with warnings.catch_warnings():
        Image.new("1", (side, side)).save(tmp_path / "a", "PNG")
    with warnings.catch_warnings(action="error"):
        assert f"at most {MOST:,} in all" in refusal(lambda: one(tmp_path / "a"))


@pytest.mark.parametrize("side", [7_000, 100_000, 2**31 - 1])
def test_a_header_that_lies_about_the_size_is_found_out(tmp_path: Path, side: int) -> None:
    """A PNG of a few bytes that claims a huge picture is refused, and our own arrays stay small."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    ends = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    (tmp_path / "a").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + ends)
    tracemalloc.start()
    try:
        refusal(lambda: one(tmp_path / "a"))
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_the_largest_picture_takes_bounded_memory(tmp_path: Path) -> None:
    """25 million transparent pixels, 300 kB as a file, are read in less than 400 MB: no array of them is made."""
    sheet = Image.new("LA", (5_000, 5_000))
    sheet.paste((0, 255), (2_000, 1_000, 2_900, 4_000))
    saved(tmp_path / "a", sheet, compress_level=1)
    code = (
        "import resource, sys; from pathlib import Path; from nnlaw.nn.images.read import read_grey\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_grey(Path(sys.argv[1])); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 400e6


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    """Whatever comes in, at most WORK pixels a side are worked on, the aspect kept."""
    saved(tmp_path / "a", Image.new("RGB", (2000, 500), "white"), "JPEG")
    assert read_grey(tmp_path / "a").shape == (WORK // 4, WORK)
    assert read_grey(saved(tmp_path / "b", np.full((28, 30), 7, np.uint8))).tolist() == np.full((28, 30), 7).tolist()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    """Shades of 16 bits keep their order and their proportion."""
    deep = 257 * np.array([[10, 100, 255]], np.uint16)
    assert read_grey(saved(tmp_path / "a", deep)).tolist() == [[10, 100, 255]]


def test_a_folder_gives_its_pictures_by_name(tmp_path: Path) -> None:
    """Known endings only, nothing hidden; a folder without any is refused; a file is itself."""
    for name in ("b.PNG", "a.jpg", "notes.txt", "._a.jpg"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in pictures_in(tmp_path)] == ["a.jpg", "b.PNG"]
    assert pictures_in(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    (tmp_path / "empty").mkdir()
    assert "without pictures" in refusal(lambda: pictures_in(tmp_path / "empty"))
    assert "expected a picture or a folder" in refusal(lambda: pictures_in(tmp_path / ("x" * 300)))


# Parts and frames


def test_connected_parts_are_those_of_a_search() -> None:
    """The parts of random masks are what a plain search from pixel to pixel finds."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        mask = rng.random(rng.integers(1, 14, 2)) < rng.uniform(0.2, 0.7)
        labels, count = components(mask)
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
    """Built-in digits are framed as MNIST; centered by their boxes, or filling the picture, is told apart."""
    digits = generate_digits(1, 300, 10).train_images
    assert Frame.of(digits) == MNIST_WAY
    by_box = np.stack([Frame(32, 30, 24, by_mass=False).place(cut(d)) for d in digits])
    assert Frame.of(by_box) == Frame(32, 30, 24, by_mass=False)
    things = np.stack([Frame(28, 28, 28, by_mass=False).place(cut(d)) for d in digits])
    assert not Frame.of(things).drawn
    assert Frame.of(np.zeros((3, 5, 4), np.uint8)) == Frame(5, 4, 5, by_mass=False)


def test_a_thing_fills_its_picture_and_keeps_its_shades(tmp_path: Path) -> None:
    """Where the training images fill their pictures, as clothes do, no stroke is looked for."""
    frame = Frame(28, 28, 28, by_mass=False)
    sheet = np.full((200, 200), 240, np.uint8)
    sheet[40:160, 70:130] = 100
    found = one(saved(tmp_path / "a", sheet), frame)
    assert found.any(axis=1).all() and found.any(axis=0).sum() == 14 and abs(int(found[14, 14]) - 155) <= 1
    with pytest.raises(Refused, match="nothing is on it"):
        one(saved(tmp_path / "a", np.full((50, 50), 9, np.uint8)), frame)


def test_importing_the_package_loads_nothing_heavy() -> None:
    """nnlaw.nn.data by itself imports neither Pillow nor any of its own modules."""
    code = "import sys, nnlaw.nn.data; print('PIL' in sys.modules, 'nnlaw.nn.data.dataset' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert done.stdout.split() == ["False", "False"], done.stderr


# The laws on the real MNIST


@cache
def trained(mnist: Path) -> Any:
    """Answers (N,) of a network that learnt the real MNIST in three epochs, and the test digits."""
    import tempfile

    from nnlaw.cli.main import run
    from nnlaw.nn.run_folder.folder import Run
    from nnlaw.nn.runs.predictor import Reader

    with tempfile.TemporaryDirectory() as folder:
        flags = ["--epochs", "3", "--optimizer", "adam", "--lr", "0.001", "--batch-size", "128"]
        assert run(["train", str(mnist), *flags, "--json", "--run", f"{folder}/r"]) == 0
        reader = Reader(Run(Path(folder) / "r"))
    assert reader.frame == MNIST_WAY
    return lambda images: np.array([reader.probabilities(image).argmax() for image in images])


def test_normalizing_a_normalized_digit_changes_next_to_nothing(mnist: Path, tmp_path: Path) -> None:
    """Real digits come back nearly as they are, in size and place, and are read as before, but for 2 in 1,000."""
    digits, answers = load_folder(mnist).test_images[:2000], trained(mnist)
    again = np.stack([one(saved(tmp_path / "a", digit)) for digit in digits])
    assert np.abs(again.astype(int) - digits).mean() < 1
    assert (answers(again) != answers(digits)).mean() <= 0.002


SAME = [
    "inverted",
    "JPEG, quality 60",
    "margins",
    "margins of white",
    "1 to 4 times as large",
    "transparent",
    "paper lit from one side",
]


@pytest.mark.parametrize("fault", SAME)
def test_the_answer_does_not_depend_on_how_the_digit_was_pictured(mnist: Path, tmp_path: Path, fault: str) -> None:
    """At least 98% of 1,000 real digits get the answer that they get as they stand in MNIST."""
    rng, answers = np.random.default_rng(7), trained(mnist)
    digits = load_folder(mnist).test_images[:1000]
    found = []
    for digit in digits:
        (tmp_path / "a").write_bytes(FAULTS[fault](digit, rng))
        try:
            found.append(one(tmp_path / "a"))
        except Refused:
            found.append(np.zeros((28, 28), np.uint8))
    assert (answers(found) == answers(digits)).mean() >= 0.98
