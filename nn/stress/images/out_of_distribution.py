"""Images that do not show one digit, which a network of ten classes should reject rather than classify.

    out_of_distribution(images, labels, 200, rng)["letters"]        (n, 28, 28) in [0, 1]
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nnlaw.nn.stress.images.image_ops import rotations, warp
from nnlaw.spec.arrays import Array

SIDE, BOX = 28, 20  # pixels of an image, and of the ink in it, as in MNIST
LETTERS = "ACEFHJKMNPRTUVWXYaefhkmnrtvwxy"  # without those that look like a digit: O, I, S, Z, B, G, D, Q, L, b, q


def out_of_distribution(images: Array, labels: Array, count: int, rng: np.random.Generator) -> dict[str, Array]:
    """`count` images of each kind: noise, one shade all over, letters, two digits of `images` side by side."""
    return {
        "noise": rng.random((count, SIDE, SIDE), dtype=np.float32),
        "blank": np.broadcast_to(np.linspace(0, 1, count, dtype=np.float32)[:, None, None], (count, SIDE, SIDE)),
        "letters": letters(count, rng),
        "two digits": two_digits(images, labels, count, rng),
    }


def letters(count: int, rng: np.random.Generator) -> Array:
    """Letters of Pillow's own font in a 20×20 box, rotated by up to 15° to either side."""
    upright = np.stack([_letter(LETTERS[i]) for i in rng.integers(0, len(LETTERS), count)])
    angle = rng.uniform(-np.pi / 12, np.pi / 12, count)
    return warp(upright, rotations(angle), np.zeros((count, 2)))


def _letter(text: str) -> Array:
    canvas = Image.new("L", (96, 96), 0)
    ImageDraw.Draw(canvas).text((16, 8), text, fill=255, font=ImageFont.load_default(64))
    ink = canvas.crop(canvas.getbbox())
    size = [max(1, round(side * BOX / max(ink.size))) for side in ink.size]
    image = Image.new("L", (SIDE, SIDE), 0)
    small = ink.resize((size[0], size[1]), Image.Resampling.BOX)
    image.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(image, np.float32) / 255


def two_digits(images: Array, labels: Array, count: int, rng: np.random.Generator) -> Array:
    """Two images of different classes, scaled to 0.6, seven pixels left and right of the middle."""
    left = rng.integers(0, len(images), count)
    right = np.array([rng.choice(np.flatnonzero(labels != labels[i])) for i in left])
    small, zero = np.broadcast_to(np.eye(2) / 0.6, (count, 2, 2)), np.zeros(count)
    halves = [
        warp(images[rows], small, np.stack([zero, zero + side * 7 / 0.6], axis=1))
        for rows, side in ((left, 1), (right, -1))
    ]
    return np.maximum(*halves)
