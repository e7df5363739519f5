"""Calibration error, threshold, and the scenarios on networks that are too confident or not confident enough."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.stress.images import calibration
from nnlaw.nn.stress.images.calibration import BINS, calibration_error, reliability, threshold
from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, run_scenario, scenarios


@pytest.mark.parametrize(("name", "power"), [("calibration", 0.1), ("refusal", 1e6)])
def test_wrong_confidence_fails(
    stroke_context: Context, altered_model: Callable[..., Any], name: str, power: float
) -> None:
    """Confidence far too low fails the calibration; if it is always 1, no threshold separates letters from digits."""
    stroke_context.reader.model = altered_model(stroke_context.reader.model, power=power)
    assert run_scenario(scenarios()[name], stroke_context).outcome is ScenarioOutcome.FAILED


def test_smoothed_labels_have_no_limit(stroke_context: Context) -> None:
    """The calibration error is limited only after training with cross-entropy on clean images."""
    settings = read_run_settings(stroke_context.run.folder)
    smoothed = settings.with_changes({"loss": "softmax_cross_entropy:smoothing=0.1"})
    assert calibration._calibrated_by_training(settings) and not calibration._calibrated_by_training(smoothed)


def test_calibration_error_of_a_known_case() -> None:
    """Ten predictions at 0.8 of which six are correct, ten at 0.95 all correct: ECE = ½·0.2 + ½·0.05."""
    confidence, correct = np.repeat([0.8, 0.95], 10), np.array([True] * 6 + [False] * 4 + [True] * 10)
    assert calibration_error(confidence, correct) == pytest.approx(0.125)
    count, mean, accuracy = reliability(np.array([1.0, 1 / BINS, 1e-9]), np.array([True, False, True]))
    assert (count[[0, -1]] == [2, 1]).all() and count.sum() == 3 and accuracy[0] == 0.5 and mean[-1] == 1


def test_the_threshold_keeps_99_percent() -> None:
    """At least 99% are at or above it, fewer are above it."""
    found = np.random.default_rng(0).random(1000)
    t = threshold(found)
    assert (found >= t).mean() == pytest.approx(0.99) and (found > t).mean() < 0.99
    assert threshold(np.full(7, 0.3)) == 0.3
