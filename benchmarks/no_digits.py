"""Draw pictures that do not show one digit and should be refused.

    OTHERS["texture"](rng, digits)   the bytes of such a picture file; some use the digits (N, 28, 28)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from photos import Array, Rng, across, cropped, paper, saved, shadow, smooth
from PIL import Image, ImageDraw, ImageFont

PHOTO = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def blank(rng: Rng, digits: Array) -> bytes:
    """Blank: one shade, paper under uneven light, a shadow, a camera's noise."""
    shape = tuple(rng.integers(28, 400, 2))
    light = [lambda: np.full(shape, rng.integers(0, 256)), lambda: paper(shape, rng), lambda: 230 * shadow(shape, rng)]
    return saved(light[rng.integers(3)]() + rng.normal(0, rng.choice([0, 2, 6]), shape))


def noise(rng: Rng, digits: Array) -> bytes:
    """Noise: uniform, Gaussian, salt and pepper, in grains of 1 to 8 pixels."""
    grain = int(rng.choice([1, 1, 2, 4, 8]))
    shape = tuple(int(n) for n in rng.integers(28, 200, 2))
    made = [
        lambda: rng.integers(0, 256, shape),
        lambda: rng.normal(128, rng.uniform(10, 60), shape),
        lambda: np.where(rng.random(shape) < rng.uniform(0.02, 0.3), 0, 255),
    ]
    return saved(np.kron(made[rng.integers(3)](), np.ones((grain, grain))))


def texture(rng: Rng, digits: Array) -> bytes:
    """Stripes, checks, bricks, a weave, wood, marble."""
    shape = tuple(int(n) for n in rng.integers(80, 400, 2))
    one, other, bent = across(shape, rng), across(shape, rng), smooth(shape, rng, 0.6)
    period = rng.uniform(0.03, 0.25)
    made = {
        "stripes": lambda: np.sin(one / period * 2 * np.pi),
        "checks": lambda: np.sign(np.sin(one / period * np.pi) * np.sin(other / period * np.pi)),
        "weave": lambda: np.sin(one / period * 2 * np.pi) + np.sin(other / period * 2 * np.pi),
        "wood": lambda: np.sin((one / period + 4 * bent) * 2 * np.pi) + 0.3 * rng.standard_normal(shape),
        "marble": lambda: np.abs(smooth(shape, rng, 0.8) - 0.5) ** 0.5,
        "spots": lambda: np.sign(smooth(shape, rng, 0.7) - 0.6),
    }
    found = made[str(rng.choice(list(made)))]()
    return saved(rng.uniform(0, 60) + rng.uniform(60, 190) * (found - found.min()) / np.ptp(found))


def photo(rng: Rng, digits: Array) -> bytes:
    """A piece of a real photograph, or clouds, or overlapping shapes under uneven light."""
    kind = rng.integers(3)
    if kind == 0:
        return piece(PHOTO, rng, 1 / 3)
    shape = tuple(int(n) for n in rng.integers(100, 400, 2))
    if kind == 1:
        return saved(255 * smooth(shape, rng, rng.uniform(0.5, 1)), "JPEG", quality=85)
    sheet = Image.new("L", shape[::-1])
    pen = ImageDraw.Draw(sheet)
    for _ in range(int(rng.integers(40, 120))):
        box = np.sort(rng.uniform(-0.2, 1.2, (2, 2)) * shape[::-1], axis=0).reshape(-1)
        rng.choice([pen.ellipse, pen.rectangle])(tuple(box), fill=int(rng.integers(0, 256)))
    return saved(np.asarray(sheet) * shadow(shape, rng) + rng.normal(0, 4, shape), "JPEG", quality=85)


def piece(photo: Path, rng: Rng, least: float) -> bytes:
    """A piece of a photograph, each side at least the share `least` of the whole."""
    with Image.open(photo) as opened:
        whole = opened.convert("RGB")
    side = [int(rng.integers(max(1, int(n * least)), n)) for n in whole.size]
    left, top = (int(rng.integers(0, n - s + 1)) for n, s in zip(whole.size, side, strict=True))
    return saved(whole.crop((left, top, left + side[0], top + side[1])), "JPEG", quality=85)


def text(rng: Rng, digits: Array) -> bytes:
    """A page of 4 to 30 lines of text."""
    size = int(rng.integers(10, 28))
    font = ImageFont.load_default(size)
    words = ["".join(rng.choice(list("etaoinshrdlucmfwyp"), rng.integers(2, 9))) for _ in range(400)]
    lines = [" ".join(rng.choice(words, rng.integers(4, 10))) for _ in range(rng.integers(4, 31))]
    sheet = Image.new("L", (400, size * (len(lines) + 2) * 5 // 4), 250)
    ImageDraw.Draw(sheet).multiline_text((size, size), "\n".join(lines), fill=20, font=font)
    return saved(sheet)


def several(rng: Rng, digits: Array) -> bytes:
    """Two to five digits of one size side by side, each with the margin of its image."""
    row = digits[rng.integers(0, len(digits), rng.integers(2, 6))]
    return saved(255 - np.kron(np.hstack(list(row)), np.ones((4, 4))))


def touching(rng: Rng, digits: Array) -> bytes:
    """Two digits side by side, their boxes from two pixels of overlap to a gap of one pixel."""
    left, right = (cropped(digits[rng.integers(len(digits))]) for _ in range(2))
    start = left.shape[1] + int(rng.integers(-2, 2))
    sheet = np.zeros((28, start + right.shape[1]), np.uint8)
    for digit, at in ((left, 0), (right, start)):
        place = sheet[14 - len(digit) // 2 :, at:][: len(digit), : digit.shape[1]]
        np.maximum(place, digit, out=place)
    return saved(255 - np.kron(np.pad(sheet, 8), np.ones((4, 4))))


OTHERS: dict[str, Callable[[Rng, Array], bytes]] = {
    "blank": blank,
    "noise": noise,
    "texture": texture,
    "photo": photo,
    "page of text": text,
    "several digits": several,
    "two digits that touch, or nearly": touching,
}
