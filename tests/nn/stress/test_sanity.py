"""A run with a weight that is not finite fails the scenario `sound`."""

from pathlib import Path

import numpy as np

from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.stress.runner import run_data
from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, run_scenario, scenarios


def test_a_weight_that_is_not_finite_fails(trained: Run, tmp_path: Path) -> None:
    """The result names the entry and keeps the array."""
    damaged = Run(tmp_path)
    arrays = {name: array.copy() for name, array in read_arrays(trained.folder / "weights.safetensors").items()}
    arrays["0:dense.W"][2, 3] = np.inf
    damaged.write_arrays("weights.safetensors", arrays)
    row = run_scenario(scenarios()["sound"], Context(damaged, run_data(trained.folder), tmp_path))
    assert row.outcome is ScenarioOutcome.FAILED and row.observation.text == "0:dense.W[2, 3] is inf"
    assert np.isinf(row.observation.arrays["0:dense.W"]).sum() == 1
