"""Scenarios: train on x and on 10x. With standardization the results must be the same; without it they differ.

Softmax regression from zero weights shows this exactly: the gradient is 10 times as large and the weights needed are a
tenth, so that 10x needs a hundredth of the learning rate.
"""

from __future__ import annotations

import numpy as np

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.stress.scenario import Context, Observation, scenario
from nnlaw.nn.training.build import build_model, make_trainer
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Location, Violation

FACTOR = 10.0
BAND = 0.02  # largest difference of the normalized errors after an epoch
LR, EPOCHS, BATCH = 0.01, 5, 32
TRAINED, TESTED = 1000, 500


def error_curve(context: Context, factor: float, lr: float, standardized: bool) -> list[float]:
    """The error on other images before training and after each epoch, divided by the first."""
    images, labels = context.split.dataset.train_images, context.split.dataset.train_labels.astype(np.int64)
    cut = min(TRAINED, len(images) * 2 // 3)
    x = images[: cut + TESTED].reshape(-1, images[0].size).astype(np.float64) * factor
    x = x - x[:cut].mean() if standardized else x
    deviation = x[:cut].std() if standardized else images[:cut].std()
    x32: Array = (x / deviation).astype(np.float32)
    settings = Settings(layers=f"dense:{context.split.dataset.n_classes}", init="zeros", lr=lr)
    model = build_model(settings, x32.shape[1], context.split.dataset.n_classes)
    trainer = make_trainer(settings, model, EPOCHS * -(-cut // BATCH), None)
    rng, errors = context.rng, []
    for epoch in range(EPOCHS + 1):
        order = rng.permutation(cut if epoch else 0)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            trainer.step(x32[rows], labels[rows])
        wrong = model.predict(x32[cut:]).argmax(axis=1) != labels[cut : cut + TESTED]
        errors.append(float(wrong.mean()))
    return [error / errors[0] for error in errors]


def require_same(one: list[float], other: list[float]) -> None:
    """Raises Violation (law `scale`) if the curves differ by more than the band after an epoch."""
    epoch = int(np.argmax(np.abs(np.subtract(one, other))))
    if abs(one[epoch] - other[epoch]) > BAND:
        raise Violation(
            "scale",
            location=Location("training"),
            array=f"the normalized error on {FACTOR:g}x after epoch {epoch}",
            actual=f"{other[epoch]:.3f}",
            expected=f"{one[epoch]:.3f} within {BAND:g}, as on x",
            cause="the inputs are not standardized, so each scale needs a learning rate of its own",
            cause_code="not-standardized",
        )


def compare(one: list[float], other: list[float], same: bool = True) -> Observation:
    """Compare two curves that are expected to be the same, or to differ."""
    try:
        require_same(one, other)
        violation = None
    except Violation as found:
        violation = found
    largest = float(np.abs(np.subtract(one, other)).max())
    metrics = {"x": one, "10x": other, "apart": largest, "band": BAND}
    observed = violation.comparison if violation else f"curves within {largest:.2g} of each other"
    return Observation(observed, (violation is None) == same, metrics, violation=violation if same else None)


@scenario(
    "scale-standardized",
    what="train on x and on 10x, each standardized",
    expected=f"normalized error curves within {BAND:g} after every epoch",
)
def scale_standardized(context: Context) -> Observation:
    """Standardization removes the factor."""
    return compare(error_curve(context, 1.0, LR, True), error_curve(context, FACTOR, LR, True))


@scenario(
    "scale-raw",
    what="train on x and on 10x without standardization, with the same learning rate",
    expected="the curves differ (law scale fails)",
)
def scale_raw(context: Context) -> Observation:
    """A learning rate that is right for x is too high for 10x."""
    return compare(error_curve(context, 1.0, LR, False), error_curve(context, FACTOR, LR, False), same=False)


@scenario(
    "scale-smaller-step",
    what="train on x without standardization, and on 10x with a hundredth of the learning rate",
    expected=f"normalized error curves within {BAND:g} after every epoch",
)
def scale_smaller_step(context: Context) -> Observation:
    """Without standardization, the learning rate has to change by 1 / 10²."""
    return compare(error_curve(context, 1.0, LR, False), error_curve(context, FACTOR, LR / FACTOR**2, False))
