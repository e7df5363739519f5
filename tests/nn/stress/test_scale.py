"""Training on x and on 10x gives the same result only with standardization, or with another learning rate."""

import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.stress.runner import Runner
from nnlaw.nn.stress.scale import require_same
from nnlaw.nn.stress.scenario import ScenarioOutcome, scenarios
from nnlaw.spec import Violation


def test_curves_that_differ_fail_the_law_scale() -> None:
    """The epoch with the largest difference is reported; curves within the band are the same."""
    require_same([1.0, 0.5, 0.30], [1.0, 0.51, 0.31])
    with pytest.raises(Violation, match=r"after epoch 1 is 0.900, expected 0.500 within 0.02, as on x"):
        require_same([1.0, 0.5, 0.3], [1.0, 0.9, 0.4])


@pytest.mark.parametrize("name", ["scale-standardized", "scale-raw", "scale-smaller-step"])
def test_scale_scenarios_pass(trained: Run, name: str) -> None:
    """On a run of this network."""
    assert Runner(trained).run_here(scenarios()[name]).outcome is ScenarioOutcome.PASSED
