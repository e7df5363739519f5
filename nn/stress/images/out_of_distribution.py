"""Pictures that are no digit, or not one: what a network that knows ten classes should rather refuse.

    oddities(pictures, labels, 200, rng)["letters"]        (n, 28, 28) in [0, 1]
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nnlaw.nn.stress.images.image_ops import warp
from nnlaw.spec.arrays import Array

SIDE, BOX = 28, 20  # pixels of a picture, and of the ink in it, as in MNIST
LETTERS = "ACEFHJKMNPRTUVWXYaefhkmnrtvwxy"  # none that could be read as a digit: no O, I, S, Z, B, G, D, Q, L, b, q


def oddities(pictures: Array, labels: Array, count: int, rng: np.random.Generator) -> dict[str, Array]:
    """`count` pictures of each kind: noise, one shade all over, letters, two digits of `pictures` side by side."""
    return {
        "noise": rng.random((count, SIDE, SIDE), dtype=np.float32),
        "blank": np.broadcast_to(np.linspace(0, 1, count, dtype=np.float32)[:, None, None], (count, SIDE, SIDE)),
        "letters": letters(count, rng),
        "two digits": two_digits(pictures, labels, count, rng),
    }


def letters(count: int, rng: np.random.Generator) -> Array:
    """Letters of Pillow's own font in a 20×20 box, turned by up to 15° to either side."""
    drawn = np.stack([_letter(LETTERS[i]) for i in rng.integers(0, len(LETTERS), count)])
    angle = rng.uniform(-np.pi / 12, np.pi / 12, count)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
    return warp(drawn, turned, np.zeros((count, 2)))


def _letter(text: str) -> Array:
    sheet = Image.new("L", (96, 96), 0)
    ImageDraw.Draw(sheet).text((16, 8), text, fill=255, font=ImageFont.load_default(64))
    ink = sheet.crop(sheet.getbbox())
    size = [max(1, round(side * BOX / max(ink.size))) for side in ink.size]
    picture = Image.new("L", (SIDE, SIDE), 0)
    small = ink.resize((size[0], size[1]), Image.Resampling.BOX)
    picture.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(picture, np.float32) / 255


def two_digits(pictures: Array, labels: Array, count: int, rng: np.random.Generator) -> Array:
    """Two pictures of different classes, each 0.6 times as large, seven pixels left and right of the middle."""
    left = rng.integers(0, len(pictures), count)
    right = np.array([rng.choice(np.flatnonzero(labels != labels[i])) for i in left])
    small, zero = np.broadcast_to(np.eye(2) / 0.6, (count, 2, 2)), np.zeros(count)
    halves = [
        warp(pictures[rows], small, np.stack([zero, zero + side * 7 / 0.6], axis=1))
        for rows, side in ((left, 1), (right, -1))
    ]
    return np.maximum(*halves)
