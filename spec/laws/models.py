"""The laws of a whole network: it uses its parameters and labels as they are given, predicts each sample for itself,
starts undecided, breaks symmetry, and repeats itself."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from spec.arrays import Array, digest, first_index
from spec.cases import ModelCase, copied
from spec.gradient import check_along, check_model
from spec.law import law
from spec.violation import DoesNotApply, Inconclusive, Violation

MARGIN = 0.5  # how far the first loss may lie from that of a guess
TAUGHT = 200  # Adam steps to learn that all samples are of one class
HEART_STEPS = 400  # Adam steps to learn a tiny batch by heart


@law(
    "registered",
    kind="model",
    family="reproducibility",
    statement="What params holds is what the model computes with, and what it grades.",
)
def registered(case: ModelCase) -> None:
    """Each parameter is replaced, and written over in place: predict must notice both, or neither."""
    x = case.x[:4]
    for name in case.fresh().loss_and_grads(x, case.labels[:4])[1]:
        if name not in case.model.params:
            accuse(case, "registered", f"the gradient {name!r}", "one without a parameter", f"params[{name!r}]")
    still = case.fresh().predict(x)
    for name in case.model.params:
        noticed = []
        for in_place in (True, False):
            model = case.fresh()
            array = np.asarray(model.params[name])
            moved = array + (0.5 + case.rng.random(array.shape)).astype(array.dtype)
            if in_place:
                array[...] = moved
            else:
                model.params[name] = moved
            noticed.append(not np.array_equal(model.predict(x), still))
        if noticed[0] != noticed[1]:
            found = "not what the model reads" if noticed[0] else "copied, so that a step in place is not seen"
            accuse(case, "registered", f"params[{name!r}]", found, f"self.params[{name!r}] read at each use")


def accuse(case: ModelCase, code: str, array: str, actual: str, expected: str, cause: str = "") -> None:
    method = "predict" if code not in ("labels", "loss-mean") else "loss_and_grads"
    raise Violation(code, where=case.where(method), array=array, actual=actual, expected=expected, cause=cause)


@law(
    "gradient",
    kind="model",
    family="convergence",
    statement="The reported gradients are those of the reported loss, through all layers.",
    rests_on=("registered",),
)
def gradient(case: ModelCase) -> None:
    """Finite differences over a few samples: coordinates, and random directions over each large array."""
    if case.quick:
        check_along(case.model, case.x[:20], case.labels[:20], case.rng, path=case.path)
    else:
        check_model(case.model, case.x[:4], case.labels[:4], case.rng, path=case.path)


@law(
    "train-eval",
    kind="model",
    family="reproducibility",
    statement="Prediction is deterministic: in eval mode, nothing drawn and nothing changed, training left as it was.",
)
def train_eval(case: ModelCase) -> None:
    """The same batch several times from one model; then the loss, against that of a model that never predicted."""
    model = case.fresh()
    first = np.array(model.predict(case.x))
    for _ in range(3):
        again = model.predict(case.x)
        if not np.array_equal(again, first):
            at = first_index(again != first)
            cause = "dropout, or running statistics that are updated, while predicting"
            found, wanted = f"{again[at]:.6g} the next time", f"{first[at]:.6g}, as the first time"
            accuse(case, "train-eval", f"probabilities[{', '.join(map(str, at))}]", found, wanted, cause)
    one, two, after = (float(m.loss_and_grads(case.x, case.labels)[0]) for m in (case.fresh(), case.fresh(), model))
    if one == two and not np.isclose(after, one, rtol=1e-3, atol=1e-6):
        cause = "predict leaves the layers in eval mode: what comes after trains without dropout"
        accuse(case, "train-eval", "the loss after a prediction", f"{after:.6g}", f"{one:.6g}, as without one", cause)


@law(
    "independent-samples",
    kind="model",
    family="shape",
    statement="A prediction depends on its own sample alone.",
    rests_on=("train-eval",),
)
def independent_samples(case: ModelCase) -> None:
    """A batch against its samples one at a time, and in reverse order."""
    model, x = case.fresh(), case.x[:8]
    together = np.array(model.predict(x))
    alone = np.concatenate([model.predict(x[i : i + 1]) for i in range(len(x))])
    turned = np.array(model.predict(x[::-1]))[::-1]
    for found, company in ((together, f"in a batch of {len(x)}"), (turned, "in a batch in reverse order")):
        off = ~np.isclose(found, alone, rtol=1e-3, atol=1e-5)
        if off.any():
            at = first_index(off)
            actual, wanted = f"{found[at]:.6g} {company}", f"{alone[at]:.6g}, as for that sample alone"
            cause = "statistics of the batch in place of running ones, or a normalization over the wrong axis"
            accuse(case, "independent-samples", f"probabilities[{', '.join(map(str, at))}]", actual, wanted, cause)


@law(
    "labels",
    kind="model",
    family="convergence",
    statement="Labels are used as given: what has learnt that all samples are of class c predicts class c.",
    rests_on=("gradient",),
)
def labels_as_given(case: ModelCase) -> None:
    """Up to ten classes, each taught to a fresh copy; judged of those that it learns, by the loss that it reports."""
    classes = case.fresh().predict(case.x).shape[1]
    learnt = False
    for c in np.unique(np.linspace(0, classes - 1, min(classes, 10)).astype(int)):
        said = _said_once_taught(case, int(c))
        learnt |= said is not None
        if said not in (None, c):
            cause = "labels that are shifted or mixed up on their way into the loss, such as labels − 1"
            accuse(case, "labels", "the prediction", f"class {said} once it was taught class {c}", f"class {c}", cause)
    if not learnt:
        raise Inconclusive(f"in {TAUGHT} steps the loss does not fall by half, not even if all labels are the same")


def _said_once_taught(case: ModelCase, c: int) -> int | None:
    """The likeliest class over the batch after steps of Adam towards labels that are all c; None if that isn't learnt.

    Asked every ten steps until it is c, for predictions may lag: by running statistics, or by a biased beginning.
    """
    model, said = case.fresh(), None
    lessons = adam(model, case.x, np.full_like(case.labels, c), 1e-2)
    loss = first = next(lessons)
    for _ in range(TAUGHT // 10):
        *_, loss = loss, *islice(lessons, 10)
        if loss <= first / 2 and (said := _likeliest(model.predict(case.x))) == c:
            break
    return said


def _likeliest(probabilities: Array) -> int:
    return int(np.asarray(probabilities, np.float64).mean(axis=0).argmax())


@law(
    "loss-mean",
    kind="model",
    family="output range",
    statement="The reported loss is a mean over the batch: the same samples twice over cost no more.",
    rests_on=("gradient",),
)
def loss_mean(case: ModelCase) -> None:
    """The batch against itself twice over, which moves neither a mean nor the statistics of a normalization."""
    once = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    other, generators = copied(case.model)
    for generator in generators:
        generator.random()
    if float(other.loss_and_grads(case.x, case.labels)[0]) != once:
        raise DoesNotApply("the loss is random")
    twice = float(case.fresh().loss_and_grads(np.concatenate([case.x] * 2), np.concatenate([case.labels] * 2))[0])
    if not np.isclose(twice, once, rtol=1e-3, atol=1e-6):
        accuse(
            case,
            "loss-mean",
            "the loss of the batch twice over",
            f"{twice:.6g}",
            f"{once:.6g}, as for the batch once",
            "a sum over the batch where the mean is due" if np.isclose(twice, 2 * once, rtol=1e-2) else "",
        )


@law(
    "initial-loss",
    kind="model",
    family="convergence",
    statement="An untrained classifier costs what a guess costs: ln C + σ²/2, σ² the variance of its logits.",
)
def initial_loss(case: ModelCase) -> None:
    """σ² is read from the log probabilities, which are the logits up to a constant a row. At most 2 is granted."""
    probabilities = case.fresh().predict(case.x).astype(np.float64)
    loss = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    log_p = np.log(np.maximum(probabilities, 1e-30))
    entropy = -float(log_p[np.arange(len(case.labels)), case.labels].mean())
    if not np.isclose(loss, entropy, rtol=0.05):
        raise DoesNotApply("the loss is not the cross-entropy of the predicted probabilities")
    variance = min(2.0, float(log_p.var(axis=1).mean()))
    guess = float(np.log(log_p.shape[1])) + variance / 2
    if abs(loss - guess) > MARGIN + variance / 2:
        raise Violation(
            "initial-loss",
            where=case.where("loss_and_grads"),
            array="the loss before training",
            actual=f"{loss:.4g}",
            expected=f"about {guess:.4g}, the cost of a guess among {log_p.shape[1]} classes",
            cause="initial weights that are too large, or labels that do not match",
        )


@law(
    "symmetry",
    kind="model",
    family="convergence",
    statement="No two units of a layer stay alike once training has begun.",
    rests_on=("gradient",),
)
def symmetry(case: ModelCase) -> None:
    """After three plain gradient steps, no two nonzero columns of a weight matrix are equal, nor is it all zeros."""
    for name, array in stepped(case).params.items():
        if array.ndim == 2 and min(array.shape) > 1:
            pair = _twins(array)
            if pair is not None:
                raise Violation(
                    "symmetry",
                    where=case.where("loss_and_grads"),
                    array=name,
                    actual=f"the same for units {pair[0]} and {pair[1]} after 3 steps",
                    expected="no two units alike",
                    cause="weights that all start equal, as with --init zeros: their units get equal gradients forever",
                )


def stepped(case: ModelCase) -> Any:
    """A copy of the model after three plain gradient steps."""
    model = case.fresh()
    for _ in range(3):
        _, grads = model.loss_and_grads(case.x, case.labels)
        for name in model.params:
            model.params[name] = model.params[name] - 0.1 * np.asarray(grads[name])
    return model


def _twins(weights: Array) -> tuple[int, int] | None:
    if not weights.any() or (weights == weights[0]).all():
        return (0, 1)
    columns: dict[bytes, int] = {}
    for i, column in enumerate(np.ascontiguousarray(weights.T)):
        if column.any() and (twin := columns.setdefault(column.tobytes(), i)) != i:
            return (twin, i)
    return None


def adam(model: Any, x: Array, labels: Array, rate: float) -> Any:
    """Textbook Adam on the model's own arrays; yields the loss of each step, and stops when there is little left."""
    m = {name: np.zeros_like(array) for name, array in model.params.items()}
    v = {name: np.zeros_like(array) for name, array in model.params.items()}
    for t in range(1, HEART_STEPS + 1):
        loss, grads = model.loss_and_grads(x, labels)
        yield float(loss)
        if loss < 0.01 or not np.isfinite(loss):
            return
        for name in model.params:
            g = np.asarray(grads[name])
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g * g
            step = rate * (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            model.params[name] = (model.params[name] - step).astype(model.params[name].dtype)


@law(
    "reproducible",
    kind="model",
    family="reproducibility",
    statement="One seed, one result: two trainings from the same generator agree bit for bit.",
    rests_on=("gradient",),
)
def reproducible(case: ModelCase) -> None:
    """Build twice from the same generator, take three steps each, compare every bit."""
    digests = []
    for _ in range(2):
        model = case.make(np.random.default_rng(case.seed))
        for _ in range(3):
            _, grads = model.loss_and_grads(case.x, case.labels)
            for name in model.params:
                model.params[name] = model.params[name] - np.float32(0.05) * np.asarray(grads[name])
        digests.append(digest(dict(model.params)))
    if digests[0] != digests[1]:
        raise Violation(
            "reproducible",
            where=case.where("loss_and_grads"),
            array="the weights after 3 steps",
            actual="not the same for two trainings from one seed",
            expected="the same bits twice",
            cause="randomness that does not come from the generator handed in, such as np.random.rand",
        )
