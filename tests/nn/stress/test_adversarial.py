"""Scenarios of attacks and images pass on a correct network, and fail on one that is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.data.dataset import split
from nnlaw.nn.run_folder.tree_file import pack
from nnlaw.nn.stress.attacks.adversarial import _outside
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, run_scenario, scenarios

IMAGES = {
    "fgsm": 2, "pgd": 2, "pgd-l2": 2, "square": 2, "targeted": 0, "masking": 0, "corruptions": 1, "calibration": 1,
    "refusal": 1,
}  # fmt: skip


def outcome(name: str, context: Context) -> ScenarioOutcome:
    """The outcome of a scenario."""
    return run_scenario(scenarios()[name], context).outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_scenarios_pass_on_a_correct_network(stroke_context: Context, tmp_path: Path, name: str) -> None:
    """Each passes, has metrics that can be saved, and saves its images."""
    row = run_scenario(scenarios()[name], stroke_context)
    assert row.outcome is ScenarioOutcome.PASSED, row.observation.text
    assert pack(row.observation.metrics)
    assert len(list(tmp_path.glob("*.png"))) == IMAGES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pgd", "refusal"])
def test_results_depend_on_the_seed_only(new_stroke_context: Callable[[], Context], name: str) -> None:
    """The same seed gives the same result."""
    one, two = (run_scenario(scenarios()[name], new_stroke_context()).observation for _ in range(2))
    assert one.metrics == two.metrics and one.text == two.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shown"), [("corruptions", "glass blur: accuracy"), ("fgsm", "noise is worse at [")]
)
def test_a_network_that_fails_on_noise(
    stroke_context: Context, noise_sensitive_model: Callable[..., Any], name: str, shown: str
) -> None:
    """A mild corruption that costs more than 10% of accuracy is reported, and noise worse than an attack."""
    stroke_context.reader.model = noise_sensitive_model(stroke_context.reader.model, zero_gradient=True)
    row = run_scenario(scenarios()[name], stroke_context)
    assert row.outcome is ScenarioOutcome.FAILED and shown in row.observation.text


def test_an_attack_outside_its_limits() -> None:
    """A change larger than eps, and pixels outside [0, 1]."""
    x, ball = np.full((2, 4), 0.5), NormBall("inf", 0.1)
    assert _outside(x + 0.1, x, ball) == ""
    assert "0.2" in _outside(x + 0.2, x, ball)
    assert "pixels" in _outside(x + 0.6, x, NormBall("inf", 0.7))
    assert "eps" in _outside(x * np.nan, x, ball)


@pytest.mark.parametrize("name", ["square", "corruptions", "refusal"])
def test_images_of_another_size_are_skipped(cropped_context: Context, name: str) -> None:
    """The square attack needs square images, the others 28×28."""
    assert outcome(name, cropped_context) is ScenarioOutcome.SKIPPED


@pytest.mark.parametrize("name", ["fgsm", "pgd", "pgd-l2", "targeted", "masking"])
def test_a_model_without_input_gradient_is_skipped(stroke_context: Context, name: str) -> None:
    """Gradient attacks are impossible."""
    stroke_context.reader.model = object()
    assert outcome(name, stroke_context) is ScenarioOutcome.SKIPPED


def test_a_threshold_needs_validation_images(stroke_context: Context) -> None:
    """Without validation images, `refusal` is skipped."""
    stroke_context.split = split(stroke_context.split.dataset, 0, np.random.default_rng(0))
    assert outcome("refusal", stroke_context) is ScenarioOutcome.SKIPPED
