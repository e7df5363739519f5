"""In evaluation mode a layer must draw no random numbers, change no state, and use its running statistics.

Finds dropout that ignores self.training, running statistics updated during evaluation, and batch normalization that
keeps using the statistics of the batch.
"""

from __future__ import annotations

import contextlib

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._running_statistics import running_shares
from nnlaw.spec.laws.layer._shared import check_close, check_equal, outputs_of, random_dy
from nnlaw.spec.reference.names import simplified
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause, NotApplicable

RANDOM = Cause("random-in-evaluation", "forward draws random numbers in evaluation mode; test self.training first")
UPDATED = Cause("state-updated-in-evaluation", "often running statistics that are updated in evaluation mode")
STALE = Cause("stale-mask", "often the mask of the last call in training, which is used in evaluation mode, too")
NOISE = ("drop", "noise")
BATCH = Cause(
    "batch-statistics-in-evaluation", "often the statistics of the batch in place of the running statistics"
)


@law(
    "train-eval",
    kind="layer",
    family="state",
    statement="In evaluation mode a layer must draw no random numbers, change no state and use running statistics.",
    why="With dropout active or batch statistics in use, the test accuracy changes from run to run and with the batch "
    "size, and the best checkpoint is chosen by chance.",
    depends_on=("seeded",),
)
def train_eval(case: LayerCase) -> None:
    """In evaluation mode: eight calls of two copies with different generator states give equal outputs, bit for bit.

    Forward and backward leave state unchanged. If couples_samples is declared and training updates state, a row gives
    the same output in two batches, with a relative tolerance of 1e-4. Of code that is not registered, the same holds if
    a call in training changes the output in evaluation mode, or is needed for it; that of dropout stays the same.
    """
    if not case.registered and not case.layer.attribute("has_mode", False):
        raise NotApplicable("it has no mode")
    if not case.registered and _is_trained_first(case):
        _check_after_training(case, None)
        return
    layer, other = case.fresh(False), case.fresh(False, skip_random=True)
    note = "in evaluation mode"
    for expected, actual in zip(outputs_of(layer, case.x), outputs_of(other, case.x), strict=True):
        check_equal(case, "train-eval", "forward", "output", actual, expected, RANDOM, note)
    if not case.registered:
        _check_after_training(case, np.asarray(case.fresh(False).forward(case.x)))
        return
    layer = case.fresh(False)
    before = _state(layer)
    layer.backward(random_dy(case, layer.forward(case.other_x)))
    for name, array in _state(layer).items():
        note = "before a call in evaluation mode"
        check_equal(case, "train-eval", "forward", f"state[{name!r}]", array, before[name], UPDATED, note)
    if declared_value(case.layer, "couples_samples"):
        _check_running_statistics(case)


def _is_trained_first(case: LayerCase) -> bool:
    """Whether evaluation raises an exception before a call in training, such as for statistics that are None."""
    try:
        case.fresh(False).forward(case.x)
    except Exception:
        with contextlib.suppress(Exception):
            layer = case.fresh(False)
            return layer.has("evaluated") and layer.call("evaluated", case.other_x, case.x) is not None
    return False


def _check_after_training(case: LayerCase, before: Array | None) -> None:
    """For code that is not registered: dropout leaves no mask behind, and running statistics couple no samples.

    `before` is the output in evaluation mode before a call in training; None if there is none.
    """
    layer = case.fresh(False)
    if not layer.has("evaluated"):
        return
    batch: Array = np.concatenate([case.x[:1], case.other_x[:-1] * case.x.dtype.type(0.5)])
    batch = inside_domain(case.layer, batch, case.x)
    try:
        rows = [case.fresh(False).call("evaluated", case.other_x, each) for each in (case.x, batch)]
    except Exception:
        return
    keeps_statistics = False
    with contextlib.suppress(Exception):  # it may take no larger batch
        keeps_statistics = any(running_shares(case, np.concatenate([case.x, case.other_x])))
    if rows[0] is None or rows[1] is None:
        return
    after, beside = (np.asarray(each) for each in rows)
    note = "in evaluation mode"
    if before is not None and not layer.params and any(word in simplified(case.path) for word in NOISE):
        check_close(case, "train-eval", "forward", "output", after, before, STALE, note=f"{note} before training")
    uses_state = before is None or (after.shape == before.shape and not np.allclose(after, before, rtol=1e-6))
    if (uses_state or keeps_statistics) and beside.shape == after.shape and len(case.x) > 2:
        note = f"for the same row in another batch, {note}"
        check_close(case, "train-eval", "forward", "output[0]", beside[0], after[0], BATCH, note=note)


def _check_running_statistics(case: LayerCase) -> None:
    layer = case.fresh(True)
    before = _state(layer)
    layer.forward(case.x)
    if all(np.array_equal(array, before[name]) for name, array in _state(layer).items() if name in before):
        return  # without running statistics it may couple samples in evaluation mode, too
    layer.training = False
    batch: Array = np.concatenate([case.x[:1], case.other_x[:-1] * case.x.dtype.type(0.5)])
    batch = inside_domain(case.layer, batch, case.x)
    expected, actual = layer.forward(case.x)[0].copy(), layer.forward(batch)[0]
    note = "for the same row in another batch, in evaluation mode"
    check_close(case, "train-eval", "forward", "output[0]", actual, expected, BATCH, note=note)


def _state(layer: Subject) -> dict[str, Array]:
    return {name: np.array(array) for name, array in layer.state.items()}
