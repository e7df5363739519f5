"""A failed scenario is recorded in the run folder, and can be replayed from the record."""

from collections.abc import Callable

import numpy as np
import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.tree_file import unpack
from nnlaw.nn.stress.failure_report import is_reproduced, replay_scenario, write_signature
from nnlaw.nn.stress.runner import Runner
from nnlaw.nn.stress.scenario import SCENARIOS, Context, Observation
from nnlaw.spec import BadInput, Violation


def test_a_failed_scenario_is_replayed_from_its_signature(
    trained: Run, add_scenario: Callable[[str, Callable[[Context], Observation]], None]
) -> None:
    """Scenario, seed, settings, law and arrays are recorded; replay runs it with that seed, until it passes."""
    seeds, fixed = [], []

    def run(context: Context) -> Observation:
        seeds.append(context.seed)
        return Observation("x is odd", bool(fixed), arrays={"x": np.array([1.0, np.nan])})

    add_scenario("odd", run)
    runner = Runner(trained, seed=5, full=True)
    place = write_signature(runner.run_here(SCENARIOS["odd"]), runner)
    record = read_json(place / "signature.json")
    assert (record["phase"], record["drill"], record["seed"], record["settings"]["lr"]) == ("drill", "odd", 5, 0.05)
    assert record["violation"]["law"] == "scenario" and record["violation"]["actual"] == "x is odd"
    assert np.isnan(unpack(place / "before.safetensors")["x"][1])
    found = replay_scenario(place, record)
    assert is_reproduced(record["violation"], found) and seeds == [5, 5]
    fixed.append(True)
    assert replay_scenario(place, record) is None
    with pytest.raises(BadInput, match="seed = 'five', full = True"):
        replay_scenario(place, record | {"seed": "five"})
    SCENARIOS.pop("odd")
    with pytest.raises(BadInput, match="no scenario is called 'odd'"):
        replay_scenario(place, record)


def test_a_record_of_version_0_1_is_reproduced() -> None:
    """Version 0.1 has "drill" in the place of a law; a law is reproduced only by itself."""
    found = Violation("scenario", array="the result", actual="x", expected="y")
    assert is_reproduced({"law": "drill", "array": "the outcome"}, found)
    assert not is_reproduced({"law": "finite", "array": "dense.W"}, found)
    assert not is_reproduced({"law": "drill", "array": "the outcome"}, None)
