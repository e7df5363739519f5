"""Drills of confidence: is a network right as often as it says, and does it doubt what is no digit?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.metadata import run_settings
from nnlaw.nn.stress.image_grid import sheet
from nnlaw.nn.stress.images.out_of_distribution import SIDE, oddities
from nnlaw.nn.stress.scenario import Outcome, Scene, Skip, drill
from nnlaw.nn.stress.trained_network import subject
from nnlaw.spec.arrays import Array

BINS = 15
CALIBRATED = 0.05  # expected calibration error that is promised
KEPT = 0.99  # share of clean validation images that the threshold keeps
ALL = 10**9  # of the test images: predicting them is quick


def bins_of(confidence: Array) -> Array:
    """Which of 15 bins of equal width over (0, 1] each confidence falls into, (N,)."""
    return np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)


def reliability(confidence: Array, right: Array) -> tuple[Array, Array, Array]:
    """Of each of the 15 bins: how many it holds, their mean confidence, the share of them that is right (0 if none)."""
    location, one = bins_of(confidence), np.ones(len(confidence))
    count, sure, good = (np.bincount(location, weights, BINS) for weights in (one, confidence, right))
    return count, sure / np.maximum(count, 1), good / np.maximum(count, 1)


def calibration_error(confidence: Array, right: Array) -> float:
    """ECE = Σ over bins of n_b/N · |share right − mean confidence|, confidence being the largest probability.

    Source: C. Guo et al., On calibration of modern neural networks, ICML 2017, equation 3.
    """
    count, sure, good = reliability(confidence, right)
    return float((count / count.sum() * np.abs(good - sure)).sum())


def threshold(confidence: Array, kept: float = KEPT) -> float:
    """The largest confidence t such that at least the share `kept` of these lies at t or above."""
    allowed = int(np.floor(len(confidence) * (1 - kept) + 1e-9))
    return float(np.sort(confidence)[allowed])


def _promises(settings: Settings) -> bool:
    """Cross-entropy is least for the true probabilities, so it is calibrated where it was made small on clean pictures;
    smoothed labels, other losses and adversarial training are least elsewhere."""
    return settings.loss == Settings().loss and not settings.adversarial


@drill(
    "calibration",
    what="confidence held against accuracy on the clean test images, in 15 bins",
    expected="wrong answers are less confident than right ones on average; expected calibration error at most "
    f"{CALIBRATED:.0%} where plain cross-entropy on clean pictures was learnt, elsewhere only reported",
)
def calibration(scene: Scene) -> Outcome:
    """Quick or full, over the whole test set."""
    of = subject(scene, ALL, ALL)
    p = of.victim.probabilities(of.x)
    confidence, right = p.max(axis=1).astype(np.float64), p.argmax(axis=1) == of.labels
    error, sure = calibration_error(confidence, right), float(confidence.mean())
    diagram(confidence, right, scene.folder / "calibration.png")
    by = {True: float(confidence[right].mean()), False: float(confidence[~right].mean()) if not right.all() else 0.0}
    promised = _promises(run_settings(scene.run.folder))
    observed = f"ECE {error:.2%}; mean confidence {sure:.1%} at {right.mean():.1%} right: {by[True]:.1%} where right, "
    observed += f"{by[False]:.1%} where wrong"
    figures = {"images": len(right), "ece": error, "confidence": sure, "accuracy": float(right.mean())}
    figures |= {"confidence_right": by[True], "confidence_wrong": by[False]}
    return Outcome(observed, by[False] < by[True] and (error <= CALIBRATED or not promised), figures)


def diagram(confidence: Array, right: Array, path: Path) -> None:
    """Share right against confidence, bin by bin, and how many images each bin holds."""
    from matplotlib.figure import Figure

    count, sure, good = reliability(confidence, right)
    some, middle = count > 0, (np.arange(BINS) + 0.5) / BINS
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    left, other = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="gray", linewidth=1)
    left.plot(sure[some], good[some], marker="o")
    left.set(xlabel="mean confidence", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02))
    other.bar(middle, np.maximum(count, 0.5), width=1 / BINS)
    other.set(xlabel="confidence", ylabel="images", yscale="log", xlim=(0, 1.02))
    figure.savefig(path, format="png", dpi=80)


@drill(
    "refusal",
    what=f"noise, blank pictures, letters and two digits, under the confidence that keeps {KEPT:.0%} of clean ones",
    expected="within a point (or four standard errors) of that share of the clean test images is kept, what is kept is "
    "read no worse than all, letters and two digits are refused more often than clean images; of noise and blank "
    "pictures nothing is promised",
)
def refusal(scene: Scene) -> Outcome:
    """A softmax over ten classes has no way to say "none of them", and a ReLU network far from its data may be as sure
    as ever (M. Hein et al., CVPR 2019): what it says of noise and of blank pictures is reported, not judged."""
    parts, model = scene.split, scene.reader.model
    if not len(parts.x_val):
        raise Skip("no image was held out for validation, so there is none to choose the threshold by")
    of = subject(scene, ALL, ALL)
    if of.shape != (SIDE, SIDE):
        raise Skip(f"pictures of {of.shape[0]}×{of.shape[1]} pixels, expected {SIDE}×{SIDE}")
    least = threshold(model.predict(parts.x_val).max(axis=1))
    p = of.victim.probabilities(of.x)
    kept, right = p.max(axis=1) >= least, p.argmax(axis=1) == of.labels
    odd = oddities(of.folded(of.x), of.labels, 2000 if scene.full else 200, scene.rng)
    found = {name: of.victim.probabilities(x.reshape(len(x), -1)).max(axis=1) for name, x in odd.items()}
    refused = {"clean": float((~kept).mean())} | {name: float((c < least).mean()) for name, c in found.items()}
    sure = {"clean": float(p.max(axis=1).mean())} | {name: float(c.mean()) for name, c in found.items()}
    _show(odd, scene.folder / "refusal.png")
    near = 4 * np.sqrt(KEPT * (1 - KEPT) * (1 / len(parts.x_val) + 1 / len(of.x)))
    good = float(right[kept].mean()) if kept.any() else 0.0
    held = abs(float(kept.mean()) - KEPT) <= max(0.01, near) and good >= right.mean()
    held = held and min(refused["letters"], refused["two digits"]) > refused["clean"]
    observed = f"below {least:.1%}: " + ", ".join(f"{name} {share:.1%}" for name, share in refused.items())
    observed += f"; {good:.2%} of the kept read right, {right.mean():.2%} of all"
    figures = {"threshold": least, "refused": refused, "confidence": sure, "kept_accuracy": good}
    return Outcome(observed, held, figures | {"accuracy": float(right.mean())})


def _show(odd: dict[str, Array], path: Path) -> None:
    """Eight of each kind, evenly spaced."""
    rows = np.stack([x[np.linspace(0, len(x) - 1, 8).astype(np.int64)] for x in odd.values()])
    sheet(rows, list(odd), [""] * 8, path)
