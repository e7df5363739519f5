"""Read a picture file (PNG, JPEG, GIF, ...) as images for the network: white on black, framed as in training.

    read_glyphs(path, frame)                   [image], bytes (H, W): the one digit in the picture
    read_glyphs(path, frame, several=True)     every digit, line by line from left to right
    picture_files(folder)                      the picture files in a folder

    file -> gray (transparency composited, EXIF rotation) -> ink (uneven background removed) -> glyphs -> 28×28
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from nnlaw.nn.images.framing import Bytes, Frame, Gray
from nnlaw.nn.images.ink_extraction import (
    MIN_CONTRAST,
    PictureRefused,
    Reading,
    border_pixels,
    readings,
    refine_paper,
)
from nnlaw.nn.images.lines import check_touching_frame, check_touching_underline, erase_lines
from nnlaw.nn.images.paper import find_sheet, looks_like_photo, on_sheet, turn_upright
from nnlaw.nn.images.segmentation import find_glyphs
from nnlaw.nn.images.stroke_checks import check_outline, check_strokes
from nnlaw.nn.images.touching_digits import touch
from nnlaw.spec.violation import BadInput

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # others, such as PostScript, would run programs
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
MAX_PIXELS = 50_000_000
MAX_SIDE = 65_535  # the longest that a JPEG can have; each row of a narrow picture costs as much as a wide one
MAX_FILE_SIZE = 256_000_000  # bytes
WORKING_SIZE = 256  # pixels along the longest side; larger pictures are averaged down
ROW = 1.1  # width / height of a row of digits; a narrower one may be a digit in a ring
COLORS = {"RGB", "CMYK", "YCbCr"}
SIXTEEN_TO_EIGHT = 257  # steps of 16 bits per step of 8
T = TypeVar("T")


class TouchingDigits(PictureRefused):
    """Raised for digits that touch each other: where one ends and the next begins is not guessed."""


def read_glyphs(path: Path, frame: Frame, several: bool = False) -> list[Bytes]:
    """The glyphs in a picture file, line by line, each (H, W) bytes, framed; exactly one unless `several`.

    Raises BadInput if the file does not exist, is not a picture or is too large, and PictureRefused if the picture is
    blank, noise, a texture or a photograph, or shows digits that touch, or more than one digit and `several` is false.
    """
    gray = read_gray(path)
    try:
        return _digits(gray, frame, several) if frame.has_margin else [_thing(gray, frame)]
    except PictureRefused as refusal:
        raise PictureRefused(f"{path}: {refusal}") from None


def _digits(gray: Gray, frame: Frame, several: bool) -> list[Bytes]:
    likely, *others = readings(gray)
    for other in others:  # the ink of the likely reading may be a sheet on a darker table
        if found := _digits_on_sheet(other, frame):
            return _checked_count(found, several)
    photo = looks_like_photo(likely := erase_lines(refine_paper(likely)))
    if photo and (found := _digits_on_sheet(likely, frame)):
        return _checked_count(found, several)
    found = [_framed(glyph, frame) for glyph in _checked_count(find_glyphs(likely.ink), several)]
    if photo:
        raise PictureRefused("there is more in it than digits on plain paper; crop it to the paper")
    return found


def _digits_on_sheet(reading: Reading, frame: Frame) -> list[Bytes]:
    """The digits on the sheet of the reading if that covers at most half of the border; else an empty list."""
    sheet = find_sheet(reading)
    if sheet is None or border_pixels(sheet).mean() > 0.5:
        return []
    try:
        reading = erase_lines(on_sheet(reading, sheet))
        if looks_like_photo(reading, sheet):
            return []
        return [_framed(glyph, frame) for glyph in find_glyphs(turn_upright(reading.ink, sheet))]
    except TouchingDigits:
        raise
    except PictureRefused:
        return []


def _checked_count(found: list[T], several: bool) -> list[T]:
    if len(found) > 1 and not several:
        raise PictureRefused(f"it shows {len(found)} digits, expected one; use --all to read them line by line")
    return found


def _framed(glyph: Gray, frame: Frame) -> Bytes:
    check_outline(glyph)
    row = touch(glyph)
    if not row or glyph.shape[1] < ROW * glyph.shape[0]:
        check_touching_frame(glyph)
    if row:
        raise TouchingDigits("it shows digits that touch each other; leave a gap between them, or crop it to one digit")
    framed = frame.place(glyph)
    check_strokes(framed, frame.box)
    check_touching_underline(glyph)
    return framed


def _thing(gray: Gray, frame: Frame) -> Bytes:
    """Everything that differs from the shade of the border, all shades kept, for images of things such as clothes."""
    border = float(np.median(border_pixels(gray)))
    visible = np.abs(gray - border) > MIN_CONTRAST
    if not visible.any():
        raise PictureRefused("the picture is blank")
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    light = 255 - gray if border > 127 else gray
    return frame.place(light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def read_gray(path: Path) -> Gray:
    """The shades of a picture file, (H, W) from 0 to 255, no side longer than WORKING_SIZE.

    Raises BadInput if the file does not exist, is not a picture or is too large.
    """
    try:
        _check_size(path)
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS or max(picture.size) > MAX_SIDE:
                size = f"{picture.width}×{picture.height} pixels"
                raise BadInput(f"{path}: {size}, expected at most {MAX_PIXELS:,} in all, and {MAX_SIDE:,} along a side")
            picture.draft(None, (WORKING_SIZE, WORKING_SIZE))  # a JPEG is unpacked no larger than needed
            return _to_gray(ImageOps.exif_transpose(picture))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file, expected a picture") from None
    except PermissionError:
        raise BadInput(f"{path}: permission denied, expected a readable picture") from None
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput(f"{path}: too many pixels, expected at most {MAX_PIXELS:,} in all") from None
    except Exception as error:  # each format's decoder fails in its own way
        raise BadInput(f"{path}: not a readable picture, expected PNG, JPEG or a similar format") from error


def _check_size(path: Path) -> None:
    if path.exists() and not path.is_file():  # reading a pipe could block
        raise BadInput(f"{path}: not a file, expected a picture")
    if (size := path.stat().st_size) > MAX_FILE_SIZE:  # some formats are read as a whole before their size is known
        raise BadInput(f"{path}: {size:,} bytes, expected at most {MAX_FILE_SIZE:,}")


def _to_gray(picture: Image.Image) -> Gray:
    """Convert to gray; shrink first if the mode allows it, so that memory holds a large picture no more than twice."""
    if picture.has_transparency_data:
        picture = _on_paper(_shrunk(picture.convert("RGBA")))
    if picture.mode.startswith("I"):  # 16 bits, which convert() would clip, not scale
        return (np.asarray(_shrunk(picture.convert("I")), np.float32) / np.float32(SIXTEEN_TO_EIGHT)).clip(0, 255)
    if picture.mode != "F":
        modes = {"1": "L", "P": "RGB"}
        picture = _shrunk(picture.convert(modes[picture.mode]) if picture.mode in modes else picture)
        if picture.mode in COLORS:
            return _channel_with_contrast(picture)
        picture = picture.convert("L")
    return np.nan_to_num(np.asarray(_shrunk(picture), np.float32)).clip(0, 255)


def _channel_with_contrast(picture: Image.Image) -> Gray:
    """The picture in gray, or a color channel with twice the contrast, because ink can be as bright as its paper."""
    channels = [picture.convert("L"), *picture.convert("RGB").split()]
    contrasts = [float(np.ptp(np.percentile(np.asarray(channel), (0.2, 99.8)))) for channel in channels]
    best = int(np.argmax(contrasts))
    return np.asarray(channels[best if contrasts[best] > 2 * contrasts[0] else 0], np.float32)


def _shrunk(picture: Image.Image) -> Image.Image:
    longest = max(picture.size)
    if longest <= WORKING_SIZE:
        return picture
    width, height = (max(1, round(n * WORKING_SIZE / longest)) for n in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _on_paper(picture: Image.Image) -> Image.Image:
    """A transparent picture on white, or on black if what it shows is light."""
    shades = np.asarray(picture.convert("LA"), np.float64)
    light = (shades[..., 0] * shades[..., 1]).sum() > 127 * shades[..., 1].sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if light else "white"), picture)


def picture_files(path: Path) -> list[Path]:
    """The picture files in a folder, by name, or the path itself. Raises BadInput if the folder has no pictures."""
    try:
        if not path.is_dir():
            return [path]
        found = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}, expected a picture or a folder of pictures") from error
    if not found:
        raise BadInput(f"{path}: no pictures in this folder, expected PNG, JPEG or similar files")
    return found
