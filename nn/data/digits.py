"""Built-in digits: drawn by code from a seed, for a machine without data. They are called synthetic everywhere.

Each digit is a set of strokes in the unit square, bent by a random affine map, drawn with a random pen four times
too large, and averaged down to 28×28.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nn.data.dataset import Dataset

SIDE, ZOOM = 28, 4
Stroke = NDArray[np.float64]


def _arc(x: float, y: float, rx: float, ry: float, start: float, stop: float) -> Stroke:
    """Points along an ellipse; angles in turns, clockwise from three o'clock, y down."""
    angle = 2 * np.pi * np.linspace(start, stop, 25)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def _line(*points: tuple[float, float]) -> Stroke:
    return np.array(points)


STROKES: tuple[list[list[Stroke]], ...] = (
    [[_arc(0.5, 0.5, 0.28, 0.42, 0, 1)], [_arc(0.5, 0.5, 0.36, 0.4, 0.1, 1.1)]],
    [[_line((0.5, 0.08), (0.5, 0.92))], [_line((0.36, 0.25), (0.53, 0.08), (0.53, 0.92))]],
    [
        [_arc(0.5, 0.3, 0.28, 0.22, -0.45, 0.1), _line((0.72, 0.43), (0.22, 0.9), (0.8, 0.9))],
        [_arc(0.48, 0.32, 0.27, 0.24, -0.5, 0.12), _line((0.67, 0.48), (0.25, 0.88), (0.5, 0.82), (0.8, 0.92))],
    ],
    [
        [_arc(0.46, 0.3, 0.26, 0.21, -0.45, 0.25), _arc(0.46, 0.7, 0.3, 0.21, -0.25, 0.42)],
        [_line((0.22, 0.1), (0.72, 0.1), (0.46, 0.42)), _arc(0.46, 0.67, 0.28, 0.25, -0.25, 0.42)],
    ],
    [
        [_line((0.6, 0.08), (0.18, 0.62), (0.82, 0.62)), _line((0.62, 0.08), (0.62, 0.92))],
        [_line((0.25, 0.1), (0.22, 0.5), (0.7, 0.5)), _line((0.72, 0.1), (0.68, 0.92))],
    ],
    [
        [_line((0.75, 0.1), (0.3, 0.1), (0.27, 0.45)), _arc(0.46, 0.66, 0.29, 0.25, -0.36, 0.4)],
        [_line((0.3, 0.12), (0.27, 0.46)), _line((0.3, 0.1), (0.78, 0.08)), _arc(0.45, 0.66, 0.3, 0.24, -0.32, 0.42)],
    ],
    [
        [_arc(0.5, 0.68, 0.25, 0.23, 0, 1), _line((0.64, 0.08), (0.4, 0.32), (0.26, 0.64))],
        [_arc(0.7, 0.55, 0.45, 0.47, -0.28, -0.5), _arc(0.5, 0.7, 0.25, 0.21, 0, 1)],
    ],
    [
        [_line((0.2, 0.1), (0.8, 0.1), (0.42, 0.92))],
        [_line((0.2, 0.16), (0.78, 0.1), (0.45, 0.92)), _line((0.35, 0.5), (0.75, 0.5))],
    ],
    [
        [_arc(0.5, 0.29, 0.22, 0.2, 0, 1), _arc(0.5, 0.7, 0.26, 0.22, 0, 1)],
        [_arc(0.52, 0.28, 0.2, 0.2, 0, 1), _arc(0.47, 0.7, 0.24, 0.22, 0, 1)],
    ],
    [
        [_arc(0.5, 0.32, 0.25, 0.23, 0, 1), _line((0.75, 0.32), (0.7, 0.62), (0.6, 0.92))],
        [_arc(0.48, 0.3, 0.24, 0.22, 0, 1), _line((0.72, 0.28), (0.72, 0.92))],
    ],
)


def draw(digit: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One picture (28, 28) of `digit`, white on black."""
    templates = STROKES[digit]
    strokes = templates[rng.integers(len(templates))]
    angle, shear = rng.normal(0, 0.12), rng.normal(0.1, 0.15)
    width, height = rng.normal(17, 1.8), rng.normal(20, 1.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    affine = np.diag([width, height]) @ np.array([[1, -shear], [0, 1]]) @ turn
    shift = SIDE / 2 + rng.normal(0, 0.7, 2)
    sheet = Image.new("L", (SIDE * ZOOM, SIDE * ZOOM))
    pen = ImageDraw.Draw(sheet)
    thick = max(5.0, rng.normal(9.5, 2.0))
    for stroke in strokes:
        wobbly = stroke - 0.5 + rng.normal(0, 0.015, stroke.shape) + rng.normal(0, 0.02, 2)
        points = [(x, y) for x, y in ((wobbly @ affine.T + shift) * ZOOM).tolist()]
        pen.line(points, fill=255, width=round(thick), joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    fine = np.asarray(sheet, np.float32).reshape(SIDE, ZOOM, SIDE, ZOOM).mean(axis=(1, 3))
    soft = np.zeros((SIDE + 2, SIDE + 2), np.float32)
    soft[1:-1, 1:-1] = fine
    blurred = 0.6 * fine + 0.1 * (soft[:-2, 1:-1] + soft[2:, 1:-1] + soft[1:-1, :-2] + soft[1:-1, 2:])
    picture: NDArray[np.uint8] = np.minimum(255, 1.25 * blurred).astype(np.uint8)
    return picture


def built_in(seed: int = 0, train: int = 6000, test: int = 1000) -> Dataset:
    """A data set drawn from `seed`: every digit about equally often, no picture twice."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(train + test) % 10).astype(np.uint8)
    images = np.empty((train + test, SIDE, SIDE), np.uint8)
    seen: set[bytes] = set()
    for i, label in enumerate(labels):
        picture = draw(int(label), rng)
        while picture.tobytes() in seen:
            picture = draw(int(label), rng)
        seen.add(picture.tobytes())
        images[i] = picture
    parts = (images[:train], labels[:train], images[train:], labels[train:])
    return Dataset("built-in synthetic digits", *parts, synthetic=True, source=f"drawn by nn.data.digits, seed {seed}")
