"""The network of nn/images/touching_digits.py, learnt from MNIST's training digits: prints its numbers.

    python benchmarks/touching_fit.py ../shared/mnist

Right are seams that leave each of two or three touching digits whole, but for a tenth; wrong are those through one of
them, and all seams through the 60,000 digits and through printed ones. Of each picture the likeliest seams count, so it
is learnt in rounds. LEAST is the logit that 0.03% of the single digits exceed.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click
import matplotlib
import numpy as np
from photos import Array, Rng
from PIL import Image
from touching import KINDS, drawn, printed, row_of

from nnlaw.nn.data.load import load_folder
from nnlaw.nn.images.ink_extraction import Refused
from nnlaw.nn.images.segmentation import boxed, glyphs
from nnlaw.nn.images.touching_digits import features, scaled, seams

FACES = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONTS = tuple(str(f) for f in sorted(FACES.glob("DejaVuS*.ttf")) if "Display" not in f.name)
WHOLE, SPLIT = 0.1, 0.25  # of a digit's own ink on the wrong side: at most, for a right seam; at least, for a wrong one
LIKELIEST = 4  # seams of a picture that count
UNITS, ROUNDS, EPOCHS, BATCH, RATE, DECAY = 16, 3, 40, 512, 0.01, 1e-4


class Seams(NamedTuple):
    """The features (N, F) of a picture's seams, and how much of a digit each puts on the wrong side; 1 in one digit."""

    features: Array
    error: Array


def whole(ink: Array) -> Array | None:
    """The only glyph of a picture, None where there are several or none."""
    try:
        found = glyphs(np.pad(ink, 8).astype(np.float32))
        return found[0] if len(found) == 1 else None
    except Refused:
        return None


def of_one(ink: Array) -> list[Seams]:
    """The seams through one digit, if it is one glyph."""
    glyph = whole(ink)
    if glyph is None:
        return []
    small = scaled(glyph)
    found = features(small, seams(small)).astype(np.float32)
    return [Seams(found, np.ones(len(found)))]


def of_row(own: Array) -> list[Seams]:
    """The seams through digits (n, H, W) in a row, if they are one glyph."""
    if whole(own.max(axis=0)) is None:
        return []
    small = scaled(boxed(own.max(axis=0).astype(np.float32)))
    paths = seams(small)
    left = np.arange(small.shape[1]) < paths[:, :, None]
    each = np.stack([np.asarray(Image.fromarray(digit).resize(small.shape[::-1]), np.float32) for digit in own])
    others = np.stack([np.delete(each, number, axis=0).max(axis=0) for number in range(len(each))])
    sole = np.where(each > others, each, 0)
    lost = [[(d * side).sum(axis=(1, 2)) / d.sum() for side in (left, ~left)] for d in sole]
    errors = [max_of([lost[i][0 if i >= n else 1] for i in range(len(own))]) for n in range(1, len(own))]
    return [Seams(features(small, paths).astype(np.float32), np.min(errors, axis=0))]


def max_of(shares: list[Array]) -> Array:
    """The greatest of each seam."""
    return np.asarray(np.max(shares, axis=0))


def samples(rng: Rng, digits: Array, rows: int) -> list[Seams]:
    """Rows of each kind, one in five of three digits; every digit as it stands, one in ten in other pens; print."""
    found: list[Seams] = []
    for kind in KINDS:
        goal = len(found) + rows
        while len(found) < goal:
            found += of_row(row_of(rng, digits, kind, 3 if rng.random() < 0.2 else 2, FONTS))
    for digit in digits:
        found += of_one(digit)
    for digit in digits[rng.integers(0, len(digits), len(digits) // 10)]:
        kind = str(rng.choice(["with a broad pen", "with a fine pen", "side by side"]))
        found += of_one(drawn(rng, digit[None], kind, int(rng.choice([2, 4])))[0])
    for font in FONTS:
        for digit in printed(rng, font, 40, int(rng.integers(24, 130))):
            found += of_one(digit)
    return found


class Network:
    """tanh((x − mean) / deviation · hidden + shift) · out + bias, learnt by Adam from the logistic loss."""

    def __init__(self, x: Array, rng: Rng) -> None:
        self.mean, self.deviation = x.mean(axis=0), x.std(axis=0)
        hidden = rng.normal(0, x.shape[1] ** -0.5, (x.shape[1], UNITS))
        self.params = [hidden, np.zeros(UNITS), rng.normal(0, UNITS**-0.5, UNITS), np.zeros(1)]

    def __call__(self, x: Array) -> Array:
        """The logits (N,)."""
        hidden, shift, out, bias = self.params
        return np.asarray(np.tanh((x - self.mean) / self.deviation @ hidden + shift) @ out + bias)

    def learn(self, x: Array, right: Array, weight: Array, rng: Rng) -> None:
        """One round."""
        x, steps = (x - self.mean) / self.deviation, EPOCHS * (len(x) // BATCH)
        first, second = ([np.zeros_like(p) for p in self.params] for _ in range(2))
        for step in range(1, steps + 1):
            rows = rng.integers(0, len(x), BATCH)
            hidden, shift, out, bias = self.params
            lit = np.tanh(x[rows] @ hidden + shift)
            slope = weight[rows] * (1 / (1 + np.exp(-np.clip(lit @ out + bias, -30, 30))) - right[rows]) / BATCH
            back = np.outer(slope, out) * (1 - lit**2)
            grads = [x[rows].T @ back + DECAY * hidden, back.sum(axis=0), slope @ lit + DECAY * out, slope.sum()]
            rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
            for p, g, m, v in zip(self.params, grads, first, second, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)

    def folded(self) -> list[Array]:
        """hidden, shift, out and bias for features as they are."""
        hidden, shift, out, bias = self.params
        straight = hidden / self.deviation[:, None]
        return [straight, shift - self.mean @ straight, out, bias]


def fitted(found: list[Seams], rng: Rng) -> Network:
    """Learnt from the likeliest seams of each picture; in the first round from those that cross the least ink."""
    every, ends = np.vstack([s.features for s in found]), np.cumsum([len(s.error) for s in found])[:-1]
    network, scores = Network(every, rng), -every[:, 0]
    for _ in range(ROUNDS):
        rows, right, weight = [], [], []
        for s, score in zip(found, np.split(scores, ends), strict=True):
            wrong = 1.0 if s.error.min() == 1 else 1 / 8
            for good, mask, share in ((1, s.error < WHOLE, 1 / 4), (0, s.error > SPLIT, wrong)):
                chosen = np.flatnonzero(mask)
                chosen = chosen[np.argsort(-score[chosen])[:LIKELIEST]]
                rows.append(s.features[chosen])
                right += [good] * len(chosen)
                weight += [share] * len(chosen)
        network.learn(np.vstack(rows), np.array(right), np.array(weight) / np.mean(weight), rng)
        scores = network(every)
    return network


@click.command()
@click.argument("mnist", type=click.Path(path_type=Path))
@click.option("--rows", default=1200, help="Rows of touching digits of each kind.")
@click.option("--digits", default=60_000, help="Training digits.")
@click.option("--seed", default=1, help="Of all pictures and weights.")
def main(mnist: Path, rows: int, digits: int, seed: int) -> None:
    """Print the numbers."""
    rng = np.random.default_rng(seed)
    found = samples(rng, load_folder(mnist).train_images[:digits], rows)
    network = fitted(found, rng)
    single = np.array([network(s.features).max() for s in found[len(KINDS) * rows :]])
    several = np.array([network(s.features).max() for s in found[: len(KINDS) * rows]])
    for share in (0.0001, 0.0002, 0.0003, 0.001):
        least = float(np.quantile(single, 1 - share))
        told = " ".join(f"{(part > least).mean():.1%}" for part in np.split(several, len(KINDS)))
        print(f"# LEAST {least:.2f}: {share:.2%} of single digits exceed it, and of the rows {told}")
    hidden, *others = network.folded()
    units = [f"    [{', '.join(f'{weight:.2f}' for weight in unit)}]," for unit in hidden.T]
    print("HIDDEN = np.array([", *units, "])", sep="\n")
    for name, values in zip(("SHIFT", "OUT", "BIAS"), others, strict=True):
        print(name, "=", np.array2string(values, separator=", ", precision=3, suppress_small=True, max_line_width=118))


if __name__ == "__main__":
    main()
