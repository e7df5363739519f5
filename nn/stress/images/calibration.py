"""Scenarios of confidence: is it calibrated, and is it low on images that do not show a digit?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.stress.image_grid import save_image_grid
from nnlaw.nn.stress.images.out_of_distribution import SIDE, out_of_distribution
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.trained_network import trained_network
from nnlaw.spec.arrays import Array

BINS = 15
CALIBRATED = 0.05  # largest expected calibration error that passes
KEPT = 0.99  # share of clean validation images that the threshold keeps
ALL = 10**9  # every test image: predicting them is quick


def bins_of(confidence: Array) -> Array:
    """The bin of each confidence (N,), of 15 bins of equal width over (0, 1]."""
    return np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)


def reliability(confidence: Array, correct: Array) -> tuple[Array, Array, Array]:
    """For each of the 15 bins: the count, the mean confidence, the accuracy (0 if the bin is empty)."""
    numbers, ones = bins_of(confidence), np.ones(len(confidence))
    count, total, hits = (np.bincount(numbers, weights, BINS) for weights in (ones, confidence, correct))
    return count, total / np.maximum(count, 1), hits / np.maximum(count, 1)


def calibration_error(confidence: Array, correct: Array) -> float:
    """ECE = Σ over bins of n_b/N · |accuracy − mean confidence|, where confidence is the largest probability.

    Source: C. Guo et al., On calibration of modern neural networks, ICML 2017, equation 3.
    """
    count, mean, accuracy = reliability(confidence, correct)
    return float((count / count.sum() * np.abs(accuracy - mean)).sum())


def threshold(confidence: Array, kept: float = KEPT) -> float:
    """The largest confidence t such that at least the share `kept` of these is t or above."""
    allowed = int(np.floor(len(confidence) * (1 - kept) + 1e-9))
    return float(np.sort(confidence)[allowed])


def _calibrated_by_training(settings: Settings) -> bool:
    """True for cross-entropy on clean images: its minimum is at the true probabilities.

    Smoothed labels, other losses and adversarial training have their minimum elsewhere.
    """
    return settings.loss == Settings().loss and not settings.adversarial


@scenario(
    "calibration",
    what="confidence against accuracy on the clean test images, in 15 bins",
    expected="wrong predictions are less confident than correct ones on average; expected calibration error at most "
    f"{CALIBRATED:.0%} after training with cross-entropy on clean images, otherwise only reported",
)
def calibration(context: Context) -> Observation:
    """Quick and full runs both use the whole test set."""
    of = trained_network(context, ALL, ALL)
    p = of.target.probabilities(of.x)
    confidence, correct = p.max(axis=1).astype(np.float64), p.argmax(axis=1) == of.labels
    error, mean = calibration_error(confidence, correct), float(confidence.mean())
    save_reliability_diagram(confidence, correct, context.folder / "calibration.png")
    if_correct = float(confidence[correct].mean())
    if_wrong = float(confidence[~correct].mean()) if not correct.all() else 0.0
    limited = _calibrated_by_training(read_run_settings(context.run.folder))
    observed = f"ECE {error:.2%}; accuracy {correct.mean():.1%}; mean confidence {mean:.1%}"
    observed += f": {if_correct:.1%} if correct, {if_wrong:.1%} if wrong"
    metrics = {"images": len(correct), "ece": error, "confidence": mean, "accuracy": float(correct.mean())}
    metrics |= {"confidence_right": if_correct, "confidence_wrong": if_wrong}
    return Observation(observed, if_wrong < if_correct and (error <= CALIBRATED or not limited), metrics)


def save_reliability_diagram(confidence: Array, correct: Array, path: Path) -> None:
    """Save accuracy over confidence, bin by bin, and the number of images in each bin."""
    from matplotlib.figure import Figure

    count, mean, accuracy = reliability(confidence, correct)
    some, middle = count > 0, (np.arange(BINS) + 0.5) / BINS
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="gray", linewidth=1)
    left.plot(mean[some], accuracy[some], marker="o")
    left.set(xlabel="mean confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    right.bar(middle, np.maximum(count, 0.5), width=1 / BINS)
    right.set(xlabel="confidence", ylabel="images", yscale="log", xlim=(0, 1.02))
    figure.savefig(path, format="png", dpi=80)


@scenario(
    "refusal",
    what="noise, blank images, letters and two digits, refused below a threshold of confidence "
    f"that keeps {KEPT:.0%} of clean images",
    expected="that share of the clean test images is kept, within one point or four standard errors; accuracy on those "
    "kept is at least the accuracy on all; letters and two digits are refused more often than clean images; noise and "
    "blank images are only reported",
)
def refusal(context: Context) -> Observation:
    """Noise and blank images have no limit: far from its data, a ReLU network can be as confident as on its data.

    Source: M. Hein et al., Why ReLU networks yield high-confidence predictions far away from the training data,
    CVPR 2019.
    """
    parts, model = context.split, context.reader.model
    if not len(parts.x_val):
        raise Skip("no image is held out for validation, so the threshold cannot be chosen")
    of = trained_network(context, ALL, ALL)
    if of.shape != (SIDE, SIDE):
        raise Skip(f"images of {of.shape[0]}×{of.shape[1]} pixels, expected {SIDE}×{SIDE}")
    least = threshold(model.predict(parts.x_val).max(axis=1))
    p = of.target.probabilities(of.x)
    kept, correct = p.max(axis=1) >= least, p.argmax(axis=1) == of.labels
    unusual = out_of_distribution(of.as_images(of.x), of.labels, 2000 if context.full else 200, context.rng)
    found = {name: of.target.probabilities(x.reshape(len(x), -1)).max(axis=1) for name, x in unusual.items()}
    refused = {"clean": float((~kept).mean())} | {name: float((c < least).mean()) for name, c in found.items()}
    confidence = {"clean": float(p.max(axis=1).mean())} | {name: float(c.mean()) for name, c in found.items()}
    _save_examples(unusual, context.folder / "refusal.png")
    near = 4 * np.sqrt(KEPT * (1 - KEPT) * (1 / len(parts.x_val) + 1 / len(of.x)))
    good = float(correct[kept].mean()) if kept.any() else 0.0
    passed = abs(float(kept.mean()) - KEPT) <= max(0.01, near) and good >= correct.mean()
    passed = passed and min(refused["letters"], refused["two digits"]) > refused["clean"]
    observed = f"below {least:.1%}: " + ", ".join(f"{name} {share:.1%}" for name, share in refused.items())
    observed += f"; accuracy {good:.2%} on those kept, {correct.mean():.2%} on all"
    metrics = {"threshold": least, "refused": refused, "confidence": confidence, "kept_accuracy": good}
    return Observation(observed, passed, metrics | {"accuracy": float(correct.mean())})


def _save_examples(images: dict[str, Array], path: Path) -> None:
    """Save eight images of each kind, evenly spaced."""
    rows = np.stack([x[np.linspace(0, len(x) - 1, 8).astype(np.int64)] for x in images.values()])
    save_image_grid(rows, list(images), [""] * 8, path)
