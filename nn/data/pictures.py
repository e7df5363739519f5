"""A picture of one digit as the network wants it: 28×28, white on black, centered by mass as in MNIST."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spec.violation import BadInput

SIDE, BOX = 28, 20
MOST = 50_000_000  # pixels that a picture may have


def read_digit(path: Path) -> NDArray[np.uint8]:
    """The digit in a picture file, (28, 28) bytes. A 28×28 picture on black is taken as it is.

    Raises BadInput where the file is absent, no picture, or far too large.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise BadInput(f"{path}: not a file, expected a picture")
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
            if picture.width * picture.height > MOST:
                raise BadInput(f"{path}: {picture.width}×{picture.height} pixels, expected at most {MOST:,} in all")
            grey = _on_white(picture)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file, expected a picture") from None
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput(f"{path}: far too many pixels, expected at most {MOST:,} in all") from None
    except Exception as error:  # each format's decoder fails in its own way
        raise BadInput(f"{path}: not a picture that can be read, expected PNG, JPEG or the like") from error
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if np.median(border) > 127:
        grey = 255 - grey
    return grey if grey.shape == (SIDE, SIDE) else _normalized(grey)


def _on_white(picture: Image.Image) -> NDArray[np.uint8]:
    if "A" in picture.getbands() or "transparency" in picture.info:
        ink = picture.convert("RGBA")
        paper = Image.new("RGBA", ink.size, "white")
        picture = Image.alpha_composite(paper, ink)
    if picture.mode.startswith("I"):  # 16 bits, which convert() would clip, not scale
        deep = np.clip(np.asarray(picture, np.int64), 0, 65535)
        return (deep // 257).astype(np.uint8)
    return np.array(picture.convert("L"))


def _normalized(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop to the ink, fit into 20×20 with the aspect kept, put the center of mass in the middle."""
    ink = np.argwhere(grey > grey.max() / 4) if grey.any() else np.array([[0, 0], [s - 1 for s in grey.shape]])
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
    height, width = bottom - top, right - left
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cropped = Image.fromarray(grey[top:bottom, left:right])
    small = np.asarray(cropped.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC))
    mass = np.maximum(small.astype(np.float64), 1e-9)
    down = round(SIDE / 2 - float(mass.sum(axis=1) @ np.arange(size[1]) / mass.sum()))
    across = round(SIDE / 2 - float(mass.sum(axis=0) @ np.arange(size[0]) / mass.sum()))
    down, across = min(max(down, 0), SIDE - size[1]), min(max(across, 0), SIDE - size[0])
    sheet = np.zeros((SIDE, SIDE), np.uint8)
    sheet[down : down + size[1], across : across + size[0]] = small
    return sheet
