"""A network that hides its gradient fails the scenario `masking`."""

from collections.abc import Callable
from typing import Any

import pytest

from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, run_scenario, scenarios


@pytest.mark.slow
@pytest.mark.parametrize("zero_gradient", [True, False])
def test_a_masked_gradient_is_found(
    stroke_context: Context, altered_model: Callable[..., Any], zero_gradient: bool
) -> None:
    """A gradient that is zero, or has the wrong sign."""
    stroke_context.reader.model = altered_model(stroke_context.reader.model, zero_gradient=zero_gradient)
    assert run_scenario(scenarios()["masking"], stroke_context).outcome is ScenarioOutcome.FAILED


@pytest.mark.slow
def test_images_that_are_not_square_are_checked_without_the_square_attack(cropped_context: Context) -> None:
    """The other signs are still checked: a constant model has a zero gradient."""
    assert run_scenario(scenarios()["masking"], cropped_context).outcome is ScenarioOutcome.FAILED
