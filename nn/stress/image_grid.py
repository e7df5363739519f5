"""Save images of a scenario as PNG: accuracy over the size of a perturbation, and digits in rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from nnlaw.spec.arrays import Array

ZOOM, LEFT, TOP, GAP = 2, 88, 14, 2  # scale; pixels for the names of rows, for those of columns, between images


def save_accuracy_curve(eps: Sequence[float], lines: Mapping[str, Sequence[float]], label: str, path: Path) -> None:
    """Save accuracy over eps, a line per attack."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for name, values in lines.items():
        axes.plot(eps, values, marker="o", markersize=4, label=name)
    axes.set(xlabel=label, ylabel="accuracy", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, format="png", dpi=80)


def save_image_grid(images: Array, rows: Sequence[str], columns: Sequence[str], path: Path) -> None:
    """Save images (R, C, H, W) in [0, 1], white on black as they are, with the names of the rows and columns."""
    high, wide = (side * ZOOM + GAP for side in images.shape[2:])
    paper = Image.new("L", (LEFT + wide * images.shape[1], TOP + high * images.shape[0]), 255)
    pen = ImageDraw.Draw(paper)
    shades = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    for j, name in enumerate(columns):
        pen.text((LEFT + j * wide + 2, 1), name, fill=0)
    for i, name in enumerate(rows):
        pen.text((2, TOP + i * high + high // 2 - 6), name, fill=0)
        for j in range(images.shape[1]):
            digit = Image.fromarray(shades[i, j])
            digit = digit.resize((digit.width * ZOOM, digit.height * ZOOM), Image.Resampling.NEAREST)
            paper.paste(digit, (LEFT + j * wide, TOP + i * high))
    paper.save(path, format="PNG")
