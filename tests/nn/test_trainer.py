"""One step: what is measured of it, and what keeps it from being saved."""

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
    """A small network that is about to be trained for 40 steps."""
    settings = Settings(**{"layers": "dense:10"} | given)  # type: ignore[arg-type]  # settings by name
    return make_trainer(settings, build_model(settings, 64, 10), 40, CheckLog() if armed else None)


def test_the_ratio_is_that_to_the_weights_before_the_step() -> None:
    """A step ten times as long as the weights counts as ten, not as one."""
    one = trainer(armed=False, lr=30.0)
    before = one.flat.w.copy()
    ratio = one.step(X, LABELS).update_ratio
    assert ratio == pytest.approx(np.linalg.norm(one.flat.w - before) / np.linalg.norm(before), rel=1e-5)
    assert ratio > 5


@pytest.mark.parametrize("clip", [0.0, 1e-3])
def test_a_step_promises_its_slope_times_its_length(clip: float) -> None:
    """−g·Δw of plain descent is lr·‖g‖², where the gradient was clipped too: by its full slope."""
    one = trainer(lr=0.01, clip_norm=clip)
    norm = float(np.linalg.norm(one.step(X, LABELS).gradient_norms))
    assert one.predicted_decrease == pytest.approx(0.01 * norm * min(norm, clip or norm), rel=1e-2)


def test_numbers_too_large_to_be_squared_are_measured_all_the_same() -> None:
    """An update of 1e30 is no nan."""
    one = trainer(armed=False, lr=1e30)
    with np.errstate(over="ignore"):
        assert 1e25 < one.step(X, LABELS).update_ratio < np.inf


def test_weights_that_are_not_finite_are_named() -> None:
    """Name and place of the first; nothing is said of finite ones."""
    one = trainer(armed=False)
    one.require_finite_weights()
    one.flat.w[7] = np.nan
    words = r"finite: 0:dense.W is wrong\n  0:dense.W\[0, 7\] = nan, expected a finite number"
    with pytest.raises(Violation, match=words):
        one.require_finite_weights()


def test_what_a_training_promised_is_kept_over_a_stop() -> None:
    """A training that goes on for longer remembers what was promised, and knows its new end."""
    one, other = trainer(lr=1e-3), trainer(lr=1e-3)
    one.step(X, LABELS)
    other.steps = 80
    other.restore(one.take_snapshot())
    assert other.progress.promised == one.progress.promised > 0 and other.progress.total == 80
