"""Draw digits with what people have around them: rings, frames, underlines, separators, ruled paper, tight crops.

    SURROUNDINGS["in a ring"](digits, rng)   the bytes of a picture file, and the digits in it, such as [3]

`digits` is a function that returns a random image (28, 28), white on black, and its label. Sizes, distances, widths,
angles, colors, and the file format are random. A picture of a letter shows no digit: [].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from photos import Array, Rng, cropped, larger, paper, saved
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Digits = Callable[[], tuple[Array, int]]
Made = tuple[bytes, list[int]]
SCALE = 3  # lines are drawn this much larger, and averaged down
PAPERS = ((255, 255, 255), (250, 240, 215), (222, 220, 210), (235, 245, 235))
PENS = ((0, 0, 0), (40, 50, 150), (20, 40, 110), (150, 30, 40), (60, 60, 60))
GRAYS = ((150, 150, 150), (120, 120, 120), (110, 140, 190), (190, 120, 120))
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabcdefghijkmnpqrtuvwxy"  # without those that look like a digit


@dataclass
class Sheet:
    """A picture while it is drawn: the ink of the digits (H, W) and of everything else, from 0 to 255."""

    digits: Array
    rng: Rng
    numbers: list[int]

    def __post_init__(self) -> None:
        self.other = np.zeros_like(self.digits)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the digits."""
        rows, columns = (np.flatnonzero((self.digits > 40).any(axis=axis)) for axis in (1, 0))
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)

    def draw(self, paint: Callable[[Any], object]) -> None:
        """Paint lines, in units of SCALE per pixel, on top of the other lines."""
        height, width = self.digits.shape
        image = Image.new("L", (width * SCALE, height * SCALE))
        paint(ImageDraw.Draw(image))
        self.other = np.maximum(self.other, np.asarray(image.resize((width, height), Image.Resampling.BOX)))

    def finish(self, gray: float = 0.3, light: Array | None = None) -> Made:
        """The picture: colors, sometimes light digits on dark, blur, uneven light, noise; as PNG or JPEG."""
        rng = self.rng
        sheet, pen = np.array(pick(PAPERS, rng)), np.array(pick(PENS, rng))
        line = np.array(pick(GRAYS, rng)) if rng.random() < gray else pen
        ink, other = self.digits[..., None] / 255, self.other[..., None] / 255
        shown = np.minimum(sheet * (1 - ink) + pen * ink, sheet * (1 - other) + line * other)
        if rng.random() < 0.2:
            shown = 255 - shown
        elif rng.random() < 0.2:
            shown = shown * (paper(self.digits.shape, rng) / 255)[..., None]
        if light is not None:
            shown = shown * light[..., None]
        if rng.random() < 0.3:
            blurred = Image.fromarray(shown.astype("u1")).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
            shown = np.asarray(blurred) + rng.normal(0, rng.uniform(0, 4), shown.shape)
        shown = np.rint(shown).clip(0, 255).astype("u1")
        if rng.random() < 0.4:
            return saved(Image.fromarray(shown)), self.numbers
        return saved(Image.fromarray(shown), "JPEG", quality=int(rng.integers(40, 96))), self.numbers


def pick(options: Any, rng: Rng) -> Any:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def row(digits: Digits, rng: Rng, count: int, gap: float = 0.35, margin: float = 0.8) -> Sheet:
    """Some digits of one height side by side, with margins; `gap` is the least distance, in heights."""
    height, found, numbers = int(rng.integers(50, 260)), [], []
    for place in range(count):
        digit, number = digits()
        digit = cropped(digit)
        factor = height / max(digit.shape)
        wide = int(height * (gap + rng.uniform(0, 0.4))) if place else 0
        found.append(np.pad(larger(digit, factor), ((0, 0), (wide, 0)))[:height])
        numbers.append(number)
    tall = max(len(each) for each in found)
    heights = [tall - len(each) for each in found]
    found = [np.pad(each, ((n - n // 2, n // 2), (0, 0))) for each, n in zip(found, heights, strict=True)]
    edges = [tuple(int(height * margin * rng.uniform(0.6, 1.6)) for _ in range(2)) for _ in range(2)]
    return Sheet(np.pad(np.hstack(found), edges), rng, numbers)


def scaled(values: Any) -> list[Any]:
    """Coordinates of a picture, in units of SCALE."""
    return [tuple(v * SCALE for v in value) if isinstance(value, tuple) else value * SCALE for value in values]


def line_width(sheet: Sheet) -> float:
    """Pixels: from a hundredth of the digits' height to a ninth."""
    _, top, _, bottom = sheet.box
    return max(1.0, (bottom - top) * sheet.rng.choice([0.01, 0.02, 0.03, 0.05, 0.08, 0.11]))


def ellipse(sheet: Sheet, width: float, distance: float, closed: float = 360) -> None:
    """A slightly uneven ring around everything, at a distance in pixels; less than 360 degrees leaves it open."""
    left, top, right, bottom = sheet.box
    half = np.hypot(right - left, bottom - top) / 2 + distance
    stretch = sheet.rng.uniform(0.9, 1.15)
    wave, phase, start = sheet.rng.uniform(0, 0.04), *sheet.rng.uniform(0, 2 * np.pi, 2)
    turn = start + np.deg2rad(np.linspace(0, closed, 120))
    reach = half * (1 + wave * np.sin(2 * turn + phase))
    x = (left + right) / 2 + reach * stretch * np.cos(turn)
    y = (top + bottom) / 2 + reach / stretch**0.5 * np.sin(turn)
    points = scaled(list(zip(x.tolist(), y.tolist(), strict=True)))
    sheet.draw(lambda pen: pen.line(points, fill=255, width=round(width * SCALE), joint="curve"))


def frame(sheet: Sheet, width: float, distance: float, radius: float = 0) -> None:
    """A box around everything."""
    left, top, right, bottom = sheet.box
    box = scaled([left - distance, top - distance, right + distance, bottom + distance])
    sheet.draw(lambda pen: pen.rounded_rectangle(box, radius * SCALE, outline=255, width=round(width * SCALE)))


def tilted(sheet: Sheet, most: float) -> None:
    """Turn all lines, but not the digits, by up to `most` degrees."""
    angle = float(sheet.rng.uniform(-most, most))
    sheet.other = np.asarray(Image.fromarray(sheet.other).rotate(angle, Image.Resampling.BICUBIC))


def ring(digits: Digits, rng: Rng) -> Made:
    """A digit in a ring."""
    sheet = row(digits, rng, 1)
    width = line_width(sheet)
    ellipse(sheet, width, width + (sheet.box[3] - sheet.box[1]) * rng.uniform(0.03, 0.35))
    return sheet.finish()


def open_ring(digits: Digits, rng: Rng) -> Made:
    """A digit in a ring with a gap, or whose ends cross."""
    sheet = row(digits, rng, 1)
    width = line_width(sheet)
    ellipse(sheet, width, width + (sheet.box[3] - sheet.box[1]) * rng.uniform(0.05, 0.35), rng.uniform(325, 355))
    return sheet.finish()


def box(digits: Digits, rng: Rng) -> Made:
    """A digit in a box, sometimes with round corners, sometimes tilted."""
    sheet = row(digits, rng, 1)
    width, height = line_width(sheet), sheet.box[3] - sheet.box[1]
    frame(sheet, width, width + height * rng.uniform(0.05, 0.4), rng.choice([0, 0.1, 0.3]) * height)
    tilted(sheet, rng.choice([0, 3]))
    return sheet.finish(gray=0.5)


def touched_ring(digits: Digits, rng: Rng) -> Made:
    """A digit that touches its ring."""
    sheet = row(digits, rng, 1)
    left, top, right, bottom = sheet.box
    half, width = max(right - left, bottom - top) / 2, line_width(sheet)
    ellipse(sheet, width, half * rng.uniform(0.9, 1.0) - np.hypot(right - left, bottom - top) / 2)
    return sheet.finish(gray=0)


def boxed_row(digits: Digits, rng: Rng) -> Made:
    """Several digits in one box or ring."""
    sheet = row(digits, rng, int(rng.integers(2, 4)))
    width, height = line_width(sheet), sheet.box[3] - sheet.box[1]
    pick([ellipse, frame], rng)(sheet, width, width + height * rng.uniform(0.05, 0.3))
    return sheet.finish()


def cells(digits: Digits, rng: Rng) -> Made:
    """Digits in the cells of a form, which share their walls."""
    sheet = row(digits, rng, int(rng.integers(2, 5)), gap=0.5)
    left, top, right, bottom = sheet.box
    width, apart = line_width(sheet), (bottom - top) * rng.uniform(0.08, 0.2)
    frame(sheet, width, width + apart)
    gaps = np.flatnonzero(~(sheet.digits[:, int(left) : int(right)] > 40).any(axis=0)) + left
    for gap in np.split(gaps, np.flatnonzero(np.diff(gaps) > 1) + 1):
        if len(gap) > 4 * width:
            wall = scaled([(gap.mean(), top - apart), (gap.mean(), bottom + apart)])
            sheet.draw(lambda pen, wall=wall: pen.line(wall, fill=255, width=round(width * SCALE)))
    return sheet.finish(gray=0.5)


def underline(digits: Digits, rng: Rng, count: int = 1, touch: bool = False) -> Made:
    """Digits with one or two lines below them."""
    sheet = row(digits, rng, count)
    left, top, right, bottom = sheet.box
    height, width = bottom - top, line_width(sheet)
    start, end = left - height * rng.uniform(-0.15, 0.6), right + height * rng.uniform(-0.15, 0.6)
    at = bottom + (-0.5 * width if touch else width + height * rng.uniform(0.03, 0.3))
    lean = np.tan(np.deg2rad(rng.choice([0, 4]) * rng.uniform(-1, 1))) * (end - start) / 2
    for _ in range(1 if touch else rng.choice([1, 1, 2])):
        points = scaled([(start, at + lean), (end, at - lean)])
        sheet.draw(lambda pen, points=points: pen.line(points, fill=255, width=round(width * SCALE)))
        at += 3 * width
    return sheet.finish()


def overline(digits: Digits, rng: Rng) -> Made:
    """A digit with a line above it, and one below."""
    sheet = row(digits, rng, 1)
    left, top, right, bottom = sheet.box
    height, width = bottom - top, line_width(sheet)
    for at in (top - width - height * rng.uniform(0.05, 0.3), bottom + width + height * rng.uniform(0.05, 0.3)):
        points = scaled([(left - height * 0.4, at), (right + height * 0.4, at)])
        sheet.draw(lambda pen, points=points: pen.line(points, fill=255, width=round(width * SCALE)))
    return sheet.finish()


def separated(digits: Digits, rng: Rng) -> Made:
    """Two to four digits with a bar, slash, dash, dot, comma or colon between them."""
    sheet = row(digits, rng, int(rng.integers(2, 5)), gap=0.6)
    left, top, right, bottom = sheet.box
    height, width, kind = bottom - top, line_width(sheet), pick("|/-.,:", rng)
    gaps = np.flatnonzero(~(sheet.digits[:, int(left) : int(right)] > 40).any(axis=0)) + left
    for gap in np.split(gaps, np.flatnonzero(np.diff(gaps) > 1) + 1):
        if len(gap) < 0.4 * height:
            continue
        x, lean, dot = gap.mean(), 0.15 * height, max(width, 0.05 * height)
        lines = {
            "|": [(x, top - 0.15 * height, x, bottom + 0.15 * height)],
            "/": [(x + lean, top - 0.1 * height, x - lean, bottom + 0.1 * height)],
            "-": [(x - lean, (top + bottom) / 2, x + lean, (top + bottom) / 2)],
            ".": [(x, bottom - dot, x, bottom)],
            ",": [(x + dot / 2, bottom - dot, x - dot / 2, bottom + 2 * dot)],
            ":": [(x, at, x, at + dot) for at in (top + 0.3 * height, bottom - 0.3 * height)],
        }[kind]
        broad = dot if kind in ".,:" else width
        for each in lines:
            thick = round(broad * SCALE)
            sheet.draw(lambda pen, each=each, thick=thick: pen.line(scaled(each), fill=255, width=thick))
    return sheet.finish(gray=0.15)


def ruled(digits: Digits, rng: Rng, count: int = 1, squared: bool = False) -> Made:
    """Digits on ruled or squared paper, sometimes with a red margin, slightly tilted; always a JPEG."""
    sheet = row(digits, rng, count, margin=1.5)
    height, (rows, columns) = sheet.box[3] - sheet.box[1], sheet.digits.shape
    step, width = height * rng.uniform(0.15, 0.9), max(1.0, height * rng.uniform(0.005, 0.03))
    angle = np.deg2rad(rng.choice([0, 1, 3]) * rng.uniform(-1, 1))
    y, x = np.mgrid[:rows, :columns]
    along, across = y + np.tan(angle) * x, x - np.tan(angle) * y

    def lines(place: Any) -> Any:
        return (0.5 + width / 2 - np.abs((place + rng.uniform(0, step)) % step - step / 2)).clip(0, 1)

    made = lines(along)
    if squared:
        made = np.maximum(made, lines(across))
    sheet.other = (255 * made).astype("u1")
    sheet_color, pen = np.array(pick(PAPERS, rng)), np.array(pick(PENS, rng))
    color = np.array(pick(((150, 180, 220), (190, 200, 225), (170, 170, 170), (130, 160, 210), (200, 210, 200)), rng))
    ink, other = sheet.digits[..., None] / 255, sheet.other[..., None] / 255
    shown = np.minimum(sheet_color * (1 - ink) + pen * ink, sheet_color * (1 - other) + color * other)
    if rng.random() < 0.3:
        shown = shown * (paper((rows, columns), rng) / 255)[..., None]
    factor = rng.choice([1, 2, 4])
    image = Image.fromarray(shown.astype("u1"))
    image = image.resize((int(columns * factor), int(rows * factor)), Image.Resampling.BICUBIC)
    return saved(image, "JPEG", quality=int(rng.integers(40, 96))), sheet.numbers


def tight(digits: Digits, rng: Rng) -> Made:
    """A digit cropped to its ink, or with up to two pixels of paper."""
    digit, number = digits()
    ink = larger(cropped(digit), rng.uniform(1.5, 20))
    rows, columns = (np.flatnonzero((ink > 127).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ink = np.where(ink > 127, 255, 0).astype("u1") if rng.random() < 0.5 else ink
    edges = [tuple(rng.integers(0, 3, 2)) for _ in range(2)] if rng.random() < 0.6 else 0
    return Sheet(np.pad(ink, edges), rng, [number]).finish()


def cut_off(digits: Digits, rng: Rng) -> Made:
    """A digit that leads out of the picture on one or two sides, by a few percent."""
    digit, number = digits()
    ink = larger(cropped(digit), rng.uniform(4, 12))
    height, width = ink.shape
    ink = np.pad(ink, int(0.3 * height))
    first = [int(0.3 * height + n * rng.uniform(0, 0.06)) if rng.random() < 0.5 else 0 for n in (height, width)]
    return Sheet(ink[first[0] :, first[1] :], rng, [number]).finish()


def same_brightness(digits: Digits, rng: Rng) -> Made:
    """A colored pen on colored paper that has, in gray, nearly the same brightness."""
    sheet = row(digits, rng, 1)
    weights = np.array([0.299, 0.587, 0.114])
    while True:
        pen, ground = rng.integers(0, 256, (2, 3))
        ground = (ground + weights @ (pen - ground) + rng.uniform(-12, 12)).clip(0, 255)
        if abs(weights @ (pen - ground)) < 15 and np.abs(pen - ground).max() > 90:
            break
    ink = sheet.digits[..., None] / 255
    shown = (ground * (1 - ink) + pen * ink + rng.normal(0, rng.choice([0, 2]), (*sheet.digits.shape, 3))).clip(0, 255)
    image = Image.fromarray(shown.astype("u1"))
    if rng.random() < 0.5:
        return saved(image), sheet.numbers
    return saved(image, "JPEG", quality=int(rng.integers(60, 96))), sheet.numbers


def letter(digits: Digits, rng: Rng) -> Made:
    """A printed letter."""
    font = ImageFont.load_default(int(rng.integers(60, 200)))
    text = pick(LETTERS, rng)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (int(right - left) + 60, int(bottom - top) + 60))
    ImageDraw.Draw(image).text((30 - left, 30 - top), text, fill=255, font=font, stroke_width=int(rng.integers(0, 5)))
    return Sheet(np.asarray(image), rng, []).finish()


SURROUNDINGS: dict[str, Callable[[Digits, Rng], Made]] = {
    "in a ring": ring,
    "in a ring with a gap": open_ring,
    "in a ring that it touches": touched_ring,
    "in a box": box,
    "several in one frame": boxed_row,
    "in the cells of a form": cells,
    "underlined": underline,
    "several, underlined": lambda d, r: underline(d, r, int(r.integers(2, 4))),
    "on its underline": lambda d, r: underline(d, r, 1, touch=True),
    "between two lines": overline,
    "with separators": separated,
    "on ruled paper": ruled,
    "several, on ruled paper": lambda d, r: ruled(d, r, int(r.integers(2, 4))),
    "on squared paper": lambda d, r: ruled(d, r, 1, squared=True),
    "cropped to the ink": tight,
    "cut off": cut_off,
    "as bright as the paper": same_brightness,
    "a letter": letter,
}
