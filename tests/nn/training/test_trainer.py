"""One step of training: its measurements, and finite weights."""


import numpy as np
import pytest

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.stress.edge_cases import arrays
from nnlaw.nn.training.build import build_model, make_trainer
from nnlaw.nn.training.trainer import Trainer
from nnlaw.spec import Violation
from nnlaw.spec.guards.check_log import CheckLog

X, LABELS = arrays()["plain/x"], arrays()["plain/labels"]


def trainer(armed: bool = True, **given: object) -> Trainer:
    """A small network that is to be trained for 40 steps."""
    settings = Settings(**{"layers": "dense:10"} | given)  # type: ignore[arg-type]  # settings by name
    return make_trainer(settings, build_model(settings, 64, 10), 40, CheckLog() if armed else None)


def test_the_update_ratio_is_relative_to_the_weights_before_the_step() -> None:
    """A step ten times as long as the weights has ratio ten, not one."""
    one = trainer(armed=False, lr=30.0)
    before = one.flat.w.copy()
    ratio = one.step(X, LABELS).update_ratio
    assert ratio == pytest.approx(np.linalg.norm(one.flat.w - before) / np.linalg.norm(before), rel=1e-5)
    assert ratio > 5


@pytest.mark.parametrize("clip", [0.0, 1e-3])
def test_the_predicted_decrease_is_gradient_times_update(clip: float) -> None:
    """−g·Δw of gradient descent is lr·‖g‖²; with clipping, by the unclipped gradient."""
    one = trainer(lr=0.01, clip_norm=clip)
    norm = float(np.linalg.norm(one.step(X, LABELS).gradient_norms))
    assert one.predicted_decrease == pytest.approx(0.01 * norm * min(norm, clip or norm), rel=1e-2)


def test_an_update_too_large_to_be_squared_is_measured() -> None:
    """An update of 1e30 does not give nan."""
    one = trainer(armed=False, lr=1e30)
    with np.errstate(over="ignore"):
        assert 1e25 < one.step(X, LABELS).update_ratio < np.inf


def test_weights_that_are_not_finite_are_named() -> None:
    """The violation has name and index of the first one; finite weights pass."""
    one = trainer(armed=False)
    one.require_finite_weights()
    one.flat.w[7] = np.nan
    words = r"finite: 0:dense.W is wrong\n  0:dense.W\[0, 7\] = nan, expected a finite number"
    with pytest.raises(Violation, match=words):
        one.require_finite_weights()


def test_the_predicted_decrease_survives_a_resume() -> None:
    """A resumed training continues the sum, and has its new number of steps."""
    one, other = trainer(lr=1e-3), trainer(lr=1e-3)
    one.step(X, LABELS)
    other.steps = 80
    other.restore(one.take_snapshot())
    assert other.progress.promised == one.progress.promised > 0 and other.progress.total == 80


def test_a_gradient_too_large_to_be_squared_is_clipped() -> None:
    """A gradient of 1e20 is clipped to the given norm, not to zero."""
    chosen = Settings(layers="dense:10", clip_norm=1.0, lr=0.5)
    one = make_trainer(chosen, build_model(chosen, 64, 10), 40, None)
    before = one.flat.w.copy()
    one.model.loss_and_grads = lambda x, labels: (1.0, {name: np.full_like(v, 1e20) for name, v in views.items()})
    views = one.flat.views
    with np.errstate(over="ignore"):
        one.step(arrays()["plain/x"], arrays()["plain/labels"])
    assert np.linalg.norm(one.flat.w - before) == pytest.approx(0.5, rel=1e-3)
