"""Pictures that a drill leaves: curves over the size of a change, and sheets of digits in rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from nnlaw.spec.arrays import Array

ZOOM, LEFT, TOP, GAP = 2, 88, 14, 2  # pixels a pixel, room for names of rows and of columns, room between pictures


def curve(eps: Sequence[float], lines: Mapping[str, Sequence[float]], label: str, path: Path) -> None:
    """Accuracy against eps as a PNG, a line for each attack."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for name, values in lines.items():
        axes.plot(eps, values, marker="o", markersize=4, label=name)
    axes.set(xlabel=label, ylabel="accuracy", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, format="png", dpi=80)


def sheet(pictures: Array, rows: Sequence[str], columns: Sequence[str], path: Path) -> None:
    """Pictures (R, C, H, W) in [0, 1] as a PNG, white on black as they are, under the names of rows and columns."""
    high, wide = (side * ZOOM + GAP for side in pictures.shape[2:])
    paper = Image.new("L", (LEFT + wide * pictures.shape[1], TOP + high * pictures.shape[0]), 255)
    pen = ImageDraw.Draw(paper)
    shades = np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)
    for j, name in enumerate(columns):
        pen.text((LEFT + j * wide + 2, 1), name, fill=0)
    for i, name in enumerate(rows):
        pen.text((2, TOP + i * high + high // 2 - 6), name, fill=0)
        for j in range(pictures.shape[1]):
            digit = Image.fromarray(shades[i, j])
            digit = digit.resize((digit.width * ZOOM, digit.height * ZOOM), Image.Resampling.NEAREST)
            paper.paste(digit, (LEFT + j * wide, TOP + i * high))
    paper.save(path, format="PNG")
