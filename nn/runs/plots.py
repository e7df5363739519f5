"""Pictures of a run: curves of loss and accuracy, and misclassified digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from nnlaw.spec.arrays import Array

CELL, LINE, COLUMNS = 84, 16, 8  # pixels per digit, pixels per line of text below it, digits per row
MAX_MISTAKES = 40
MAX_LETTERS = 14  # per line below a digit
LOSSES = {"loss": "training", "val_loss": "validation", "val_cross_entropy": "validation, cross-entropy"}


def plot_curves(rows: list[dict[str, Any]], path: Path, title: str = "") -> None:
    """Loss and accuracy over epochs as a PNG."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    figure.suptitle(title, fontsize=10, parse_math=False)
    for axes, names, label_of_y in (
        (left, LOSSES, "loss"),
        (right, {"train_accuracy": "training", "val_accuracy": "validation"}, "accuracy"),
    ):
        for key, label in names.items():
            if key in rows[0]:
                axes.plot(epochs, [row[key] for row in rows], marker="o", label=label)
        axes.set(xlabel="epoch", ylabel=label_of_y)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, format="png", dpi=120)


def plot_mistakes(
    images: Array,
    truth: Array,
    predicted: Array,
    classes: tuple[str, ...],
    path: Path,
    confidence: Array | None = None,
    title: str = "",
) -> None:
    """Up to 40 misclassified digits, each with its label, its prediction and its confidence, as a PNG."""
    count = min(len(images), MAX_MISTAKES)
    rows = max(1, -(-count // COLUMNS))
    pairs = [(classes[t], classes[p]) for t, p in zip(truth[:count], predicted[:count], strict=True)]
    texts = [[f"{label} read as {read}"] for label, read in pairs]
    if any(len(text) > MAX_LETTERS for [text] in texts):
        texts = [[label[:MAX_LETTERS], f"as {read}"[:MAX_LETTERS]] for label, read in pairs]
    if confidence is not None:
        texts = [[*text, f"{p:.0%} sure"] for text, p in zip(texts, confidence, strict=False)]
    height = CELL + LINE * max(map(len, texts), default=1)
    top = 2 * LINE if title else 0
    sheet = Image.new("L", (COLUMNS * CELL, top + rows * height), 255)
    pen = ImageDraw.Draw(sheet)
    pen.text((4, LINE // 2), title, fill=0)
    for i in range(count):
        x, y = i % COLUMNS * CELL, top + i // COLUMNS * height
        digit = Image.fromarray(255 - images[i]).resize((CELL - 4, CELL - 4), Image.Resampling.NEAREST)
        sheet.paste(digit, (x + 2, y + 2))
        for line, text in enumerate(texts[i]):
            pen.text((x + 4, y + CELL + LINE * line), text, fill=0)
    sheet.save(path, format="PNG")


def braille(image: Array) -> list[str]:
    """A gray picture as lines of braille characters of two by four pixels."""
    ink = image > 96
    height, width = (-(-ink.shape[0] // 4) * 4, -(-ink.shape[1] // 2) * 2)
    dots = np.zeros((height, width), bool)
    dots[: ink.shape[0], : ink.shape[1]] = ink
    weight = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
    cells = dots.reshape(height // 4, 4, width // 2, 2).transpose(0, 2, 1, 3)
    return ["".join(chr(0x2800 + int((cell * weight).sum())) for cell in row) for row in cells]


def shades(image: Array) -> list[str]:
    """A gray picture as lines of shaded blocks, two characters per pixel."""
    return ["".join(" ░▒▓█"[min(4, int(v) // 52)] * 2 for v in row).rstrip() for row in image]
