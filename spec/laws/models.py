"""The laws of what a network computes: with the parameters that it shows, their true gradients, the same each time,
and for each sample by itself."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.gradcheck.gradients import check_along, check_model
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Violation


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


def accuse(
    case: ModelCase,
    code: str,
    array: str,
    actual: str,
    expected: str,
    cause: str = "",
    index: tuple[int, ...] | None = None,
) -> None:
    """Raise the Violation at the place of the method that showed it."""
    method = "predict" if code not in ("labels", "loss-mean") else "loss_and_grads"
    where = case.where(method)
    raise Violation(code, where=where, array=array, index=index, actual=actual, expected=expected, cause=cause)


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
            accuse(case, "train-eval", "probabilities", found, wanted, cause, at)
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
            accuse(case, "independent-samples", "probabilities", actual, wanted, cause, at)
