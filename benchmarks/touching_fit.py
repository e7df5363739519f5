"""Train the network of nn/images/touching_digits.py on MNIST's training digits, and print how many rows it detects.

    python benchmarks/touching_fit.py ../shared/mnist [--out nn/images/touching_digits.json]

Positive examples are seams between two or three touching digits that leave at least 90% of each digit on one side;
negative examples are seams through a digit: in these rows, in the 60,000 single digits and in printed digits. Only
the seams of each picture with the highest logits count, so training takes several rounds. MIN_LOGIT is the logit that
0.03% of the single digits exceed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import click
import matplotlib
import numpy as np
from photos import Array, Rng
from PIL import Image
from touching import KINDS, printed, row_of, with_pen

from nnlaw.nn.data.load import load_folder
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.segmentation import crop_to_strokes, find_glyphs
from nnlaw.nn.images.touching_digits import features, scaled, seams

FACES = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONTS = tuple(str(f) for f in sorted(FACES.glob("DejaVuS*.ttf")) if "Display" not in f.name)
WHOLE, SPLIT = 0.1, 0.25  # largest and smallest share of a digit on the wrong side, for positive and negative examples
LIKELIEST = 4  # seams per picture that count
UNITS, ROUNDS, EPOCHS, BATCH, RATE, DECAY = 16, 3, 40, 512, 0.01, 1e-4


class Seams(NamedTuple):
    """The features (N, F) of a picture's seams, and the share of a digit that each cuts off; 1 for a single digit."""

    features: Array
    error: Array


def only_glyph(ink: Array) -> Array | None:
    """The only glyph of a picture, or None."""
    try:
        found = find_glyphs(np.pad(ink, 8).astype(np.float32))
        return found[0] if len(found) == 1 else None
    except PictureRefused:
        return None


def of_one(ink: Array) -> list[Seams]:
    """The seams through one digit, if it is one glyph."""
    glyph = only_glyph(ink)
    if glyph is None:
        return []
    small = scaled(glyph)
    found = features(small, seams(small)).astype(np.float32)
    return [Seams(found, np.ones(len(found)))]


def of_row(own: Array) -> list[Seams]:
    """The seams through digits (n, H, W) in a row, if they are one glyph."""
    if only_glyph(own.max(axis=0)) is None:
        return []
    small = scaled(crop_to_strokes(own.max(axis=0).astype(np.float32)))
    paths = seams(small)
    left = np.arange(small.shape[1]) < paths[:, :, None]
    each = np.stack([np.asarray(Image.fromarray(digit).resize(small.shape[::-1]), np.float32) for digit in own])
    others = np.stack([np.delete(each, number, axis=0).max(axis=0) for number in range(len(each))])
    sole = np.where(each > others, each, 0)
    lost = [[(d * side).sum(axis=(1, 2)) / d.sum() for side in (left, ~left)] for d in sole]
    errors = [np.max([lost[i][0 if i >= n else 1] for i in range(len(own))], axis=0) for n in range(1, len(own))]
    return [Seams(features(small, paths).astype(np.float32), np.min(errors, axis=0))]


def samples(rng: Rng, digits: Array, rows: int) -> list[Seams]:
    """Rows of each kind, one in five of three digits; every digit, one in ten also with other pens; printed digits."""
    found: list[Seams] = []
    for kind in KINDS:
        goal = len(found) + rows
        while len(found) < goal:
            found += of_row(row_of(rng, digits, kind, 3 if rng.random() < 0.2 else 2, FONTS))
    for digit in digits:
        found += of_one(digit)
    for digit in digits[rng.integers(0, len(digits), len(digits) // 10)]:
        kind = str(rng.choice(["with a broad pen", "with a fine pen", "side by side"]))
        found += of_one(with_pen(rng, digit[None], kind, int(rng.choice([2, 4])))[0])
    for font in FONTS:
        for digit in printed(rng, font, 40, int(rng.integers(24, 130))):
            found += of_one(digit)
    return found


class Network:
    """tanh((x − mean) / deviation · hidden + shift) · out + bias, trained by Adam on the logistic loss."""

    def __init__(self, x: Array, rng: Rng) -> None:
        self.mean, self.deviation = x.mean(axis=0), x.std(axis=0)
        hidden = rng.normal(0, x.shape[1] ** -0.5, (x.shape[1], UNITS))
        self.params = [hidden, np.zeros(UNITS), rng.normal(0, UNITS**-0.5, UNITS), np.zeros(1)]

    def __call__(self, x: Array) -> Array:
        """The logits (N,)."""
        hidden, shift, out, bias = self.params
        return np.asarray(np.tanh((x - self.mean) / self.deviation @ hidden + shift) @ out + bias)

    def train(self, x: Array, target: Array, weight: Array, rng: Rng) -> None:
        """Train for one round."""
        x, steps = (x - self.mean) / self.deviation, EPOCHS * (len(x) // BATCH)
        first, second = ([np.zeros_like(p) for p in self.params] for _ in range(2))
        for step in range(1, steps + 1):
            rows = rng.integers(0, len(x), BATCH)
            hidden, shift, out, bias = self.params
            lit = np.tanh(x[rows] @ hidden + shift)
            slope = weight[rows] * (1 / (1 + np.exp(-np.clip(lit @ out + bias, -30, 30))) - target[rows]) / BATCH
            back = np.outer(slope, out) * (1 - lit**2)
            grads = [x[rows].T @ back + DECAY * hidden, back.sum(axis=0), slope @ lit + DECAY * out, slope.sum()]
            rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
            for p, g, m, v in zip(self.params, grads, first, second, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)

    def folded(self) -> list[Array]:
        """hidden, shift, out and bias for features that are not standardized."""
        hidden, shift, out, bias = self.params
        straight = hidden / self.deviation[:, None]
        return [straight, shift - self.mean @ straight, out, bias]


def fitted(found: list[Seams], rng: Rng) -> Network:
    """Train on the likeliest seams of each picture; in the first round on those that cross the least ink."""
    every, ends = np.vstack([s.features for s in found]), np.cumsum([len(s.error) for s in found])[:-1]
    network, scores = Network(every, rng), -every[:, 0]
    for _ in range(ROUNDS):
        rows, target, weight = [], [], []
        for s, score in zip(found, np.split(scores, ends), strict=True):
            wrong = 1.0 if s.error.min() == 1 else 1 / 8
            for good, mask, share in ((1, s.error < WHOLE, 1 / 4), (0, s.error > SPLIT, wrong)):
                chosen = np.flatnonzero(mask)
                chosen = chosen[np.argsort(-score[chosen])[:LIKELIEST]]
                rows.append(s.features[chosen])
                target += [good] * len(chosen)
                weight += [share] * len(chosen)
        network.train(np.vstack(rows), np.array(target), np.array(weight) / np.mean(weight), rng)
        scores = network(every)
    return network


@click.command()
@click.argument("mnist", type=click.Path(path_type=Path))
@click.option("--rows", default=1200, help="Rows of touching digits of each kind.")
@click.option("--digits", default=60_000, help="Training digits.")
@click.option("--seed", default=1, help="Random seed.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the weights to this JSON file.")
def main(mnist: Path, rows: int, digits: int, seed: int, out: Path | None) -> None:
    """Train, print the rates of detection, write the weights."""
    rng = np.random.default_rng(seed)
    found = samples(rng, load_folder(mnist).train_images[:digits], rows)
    network = fitted(found, rng)
    single = np.array([network(s.features).max() for s in found[len(KINDS) * rows :]])
    several = np.array([network(s.features).max() for s in found[: len(KINDS) * rows]])
    for share in (0.0001, 0.0002, 0.0003, 0.001):
        least = float(np.quantile(single, 1 - share))
        parts = zip(KINDS, np.split(several, len(KINDS)), strict=True)
        rates = ", ".join(f"{kind} {(part > least).mean():.1%}" for kind, part in parts)
        print(f"MIN_LOGIT {least:.2f}: {share:.2%} of single digits exceed it, and of the rows: {rates}")
    if out is not None:
        hidden, shift, output, bias = network.folded()
        weights = {"hidden": hidden.T.round(2), "shift": shift.round(3), "out": output.round(3), "bias": bias.item()}
        text = json.dumps(weights, default=np.ndarray.tolist).replace("], ", "],\n ")
        out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
