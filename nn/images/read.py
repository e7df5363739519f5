"""Any picture file, PNG, JPEG, GIF, BMP, WebP and more, as the network wants it: white on black, framed as in training.

    file -> grey (alpha composited, turned as the camera says) -> ink (background evened out) -> glyphs -> 28×28
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from nnlaw.nn.images.framing import Bytes, Frame
from nnlaw.nn.images.ink_extraction import LEAST, Grey, Reading, Refused, border_of, evened, readings
from nnlaw.nn.images.paper import is_plain, on_sheet, sheet_of, upright
from nnlaw.nn.images.segmentation import glyphs
from nnlaw.nn.images.stroke_checks import judge_marks, judge_strokes
from nnlaw.nn.images.touching_digits import parted
from nnlaw.spec.violation import BadInput

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # others, as PostScript, would run programs
KNOWN = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
MOST = 50_000_000  # pixels that a picture may have
HEAVIEST = 256_000_000  # bytes that its file may have
WORK = 256  # pixels along the longest side in which glyphs are looked for; larger pictures are averaged down
DEEP = 257  # steps of 16 bits to one of 8
T = TypeVar("T")


def read_glyphs(path: Path, frame: Frame, several: bool = False) -> list[Bytes]:
    """The glyphs in a picture file, line by line, each (H, W) bytes, framed; just one unless `several`.

    Raises BadInput where the file is absent, no picture, or far too large, and Refused where the picture is blank,
    noise, a texture or a photograph, or shows several glyphs and one was expected.
    """
    grey = read_grey(path)
    try:
        return _written(grey, frame, several) if frame.drawn else [_thing(grey, frame)]
    except Refused as refusal:
        raise Refused(f"{path}: {refusal}") from None


def _written(grey: Grey, frame: Frame, several: bool) -> list[Bytes]:
    likely, *others = readings(grey)
    for other in others:  # what is like ink may be a sheet on a darker table
        if found := _on_sheet(other, frame):
            return _expected(found, several)
    plain = is_plain(likely := evened(likely))
    if not plain and (found := _on_sheet(likely, frame)):
        return _expected(found, several)
    found = _expected(_framed(_expected(glyphs(likely.ink), several), frame), several)
    if not plain:
        raise Refused("it shows more than figures on plain paper, as a photograph does")
    return found


def _on_sheet(reading: Reading, frame: Frame) -> list[Bytes]:
    """What is written on the sheet of the reading, if that holds at most half of the border; else nothing."""
    sheet = sheet_of(reading)
    try:
        if sheet is not None and border_of(sheet).mean() <= 0.5 and is_plain(here := on_sheet(reading, sheet), sheet):
            return _framed(glyphs(upright(here.ink, sheet)), frame)
    except Refused:
        pass
    return []


def _expected(found: list[T], several: bool) -> list[T]:
    if len(found) > 1 and not several:
        raise Refused(f"it shows {len(found)} figures, expected one; --all reads them line by line")
    return found


def _framed(found: list[Grey], frame: Frame) -> list[Bytes]:
    framed = []
    for glyph in found:
        judge_marks(glyph)
        for figure in parted(glyph):
            framed.append(frame.place(figure))
            judge_strokes(framed[-1], frame.box)
    return framed


def _thing(grey: Grey, frame: Frame) -> Bytes:
    """What stands out from the shade of the border, all shades kept: clothes fill their picture."""
    border = float(np.median(border_of(grey)))
    seen = np.abs(grey - border) > LEAST
    if not seen.any():
        raise Refused("nothing is on it")
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    light = 255 - grey if border > 127 else grey
    return frame.place(light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def read_grey(path: Path) -> Grey:
    """The shades of a picture file, (H, W) from 0 to 255, no side longer than WORK.

    Raises BadInput where the file is absent, no picture, or far too large.
    """
    try:
        _weigh(path)
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST:
                raise BadInput(f"{path}: {picture.width}×{picture.height} pixels, expected at most {MOST:,} in all")
            picture.draft(None, (WORK, WORK))  # a JPEG is unpacked no larger than needed
            return _grey(ImageOps.exif_transpose(picture))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file, expected a picture") from None
    except PermissionError:
        raise BadInput(f"{path}: may not be read, expected a picture") from None
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput(f"{path}: far too many pixels, expected at most {MOST:,} in all") from None
    except Exception as error:  # each format's decoder fails in its own way
        raise BadInput(f"{path}: not a picture that can be read, expected PNG, JPEG or the like") from error


def _weigh(path: Path) -> None:
    if path.exists() and not path.is_file():  # a pipe would wait for ever
        raise BadInput(f"{path}: not a file, expected a picture")
    if (size := path.stat().st_size) > HEAVIEST:  # some formats are read whole before they are looked at
        raise BadInput(f"{path}: a file of {size:,} bytes, expected at most {HEAVIEST:,}")


def _grey(picture: Image.Image) -> Grey:
    """Shrunk before it is converted, where the mode allows, so that memory holds a large picture no more than twice."""
    if picture.has_transparency_data:
        picture = _on_paper(_shrunk(picture.convert("RGBA")))
    if picture.mode.startswith("I"):  # 16 bits, which convert() would clip, not scale
        return (np.asarray(_shrunk(picture.convert("I")), np.float32) / np.float32(DEEP)).clip(0, 255)
    if picture.mode != "F":
        picture = _shrunk(picture.convert("L") if picture.mode in ("1", "P") else picture).convert("L")
    return np.nan_to_num(np.asarray(_shrunk(picture), np.float32)).clip(0, 255)


def _shrunk(picture: Image.Image) -> Image.Image:
    longest = max(picture.size)
    if longest <= WORK:
        return picture
    width, height = (max(1, round(n * WORK / longest)) for n in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _on_paper(picture: Image.Image) -> Image.Image:
    """What is drawn, on white; on black where it is light itself."""
    shades = np.asarray(picture.convert("LA"), np.float64)
    light = (shades[..., 0] * shades[..., 1]).sum() > 127 * shades[..., 1].sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if light else "white"), picture)


def pictures_in(path: Path) -> list[Path]:
    """The picture files of a folder by name, or the path itself. Raises BadInput where the folder holds none."""
    try:
        if not path.is_dir():
            return [path]
        found = sorted(f for f in path.iterdir() if f.suffix.lower() in KNOWN and not f.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}, expected a picture or a folder of them") from error
    if not found:
        raise BadInput(f"{path}: a folder without pictures, expected PNG, JPEG or the like in it")
    return found
