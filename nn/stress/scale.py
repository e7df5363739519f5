"""Scale drills: the same task on x and on 10x. Standardization must make them one task; without it they are two.

Softmax regression from zero shows it exactly: its gradient grows with x and its weights shrink with it, so that 10x
wants a hundredth of the learning rate.
"""

from __future__ import annotations

import numpy as np

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.stress.scenario import Context, Observation, scenario
from nnlaw.nn.training.build import build_model, make_trainer
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Location, Violation

FACTOR = 10.0
BAND = 0.02  # by which normalized errors may differ after any epoch
LR, EPOCHS, BATCH = 0.01, 5, 32
TRAINED, TESTED = 1000, 500


def curve(context: Context, factor: float, lr: float, standardized: bool) -> list[float]:
    """The error on further images before training and after each epoch, divided by the first."""
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


def demand_same(one: list[float], other: list[float]) -> None:
    """Raise Violation (law `scale`) where the curves are further apart than the band after some epoch."""
    epoch = int(np.argmax(np.abs(np.subtract(one, other))))
    if abs(one[epoch] - other[epoch]) > BAND:
        raise Violation(
            "scale",
            location=Location("training"),
            array=f"the normalized error on {FACTOR:g}x after epoch {epoch}",
            actual=f"{other[epoch]:.3f}",
            expected=f"{one[epoch]:.3f} within {BAND:g}, as on x",
            cause="inputs that are not standardized, and so want a learning rate of their own",
        )


def outcome(one: list[float], other: list[float], same: bool = True) -> Observation:
    """What came of two curves that are expected to be the same, or not to be."""
    try:
        demand_same(one, other)
        broken = None
    except Violation as violation:
        broken = violation
    in_own_process = float(np.abs(np.subtract(one, other)).max())
    metrics = {"x": one, "10x": other, "apart": in_own_process, "band": BAND}
    observed = broken.message if broken else f"curves within {in_own_process:.2g} of each other"
    return Observation(observed, (broken is None) == same, metrics, violation=broken if same else None)


@scenario(
    "scale-standardized",
    what="train on x and on 10x, each standardized",
    expected=f"normalized error curves within {BAND:g} after every epoch",
)
def scale_standardized(context: Context) -> Observation:
    """Mean and deviation take the factor away."""
    return outcome(curve(context, 1.0, LR, True), curve(context, FACTOR, LR, True))


@scenario(
    "scale-raw",
    what="train on x and on 10x as they are, at one learning rate",
    expected="the law scale is broken: curves that part",
)
def scale_raw(context: Context) -> Observation:
    """A step that suits x overshoots on 10x."""
    return outcome(curve(context, 1.0, LR, False), curve(context, FACTOR, LR, False), same=False)


@scenario(
    "scale-smaller-step",
    what="train on x as it is, and on 10x at a hundredth of the learning rate",
    expected=f"normalized error curves within {BAND:g} after every epoch",
)
def scale_smaller_step(context: Context) -> Observation:
    """The remedy for whoever can't standardize."""
    return outcome(curve(context, 1.0, LR, False), curve(context, FACTOR, LR / FACTOR**2, False))
