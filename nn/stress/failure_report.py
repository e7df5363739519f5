"""The failure report of a scenario, like nn/training/failure_report.py; `nn replay` runs the scenario again.

    stress/<scenario>/signature.json        phase "drill", drill (the scenario), seed, full, settings, violation
    stress/<scenario>/before.safetensors    the arrays that the scenario kept

The keys are those of version 0.1.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.run_folder.tree_file import pack
from nnlaw.nn.stress.runner import Runner
from nnlaw.nn.stress.scenario import ScenarioOutcome, ScenarioResult, scenarios
from nnlaw.spec.violation import BadInput, Location, Violation

PHASE = "drill"
EXPECTATION = "scenario"  # in the place of a law: the result is not the expected one; PHASE in version 0.1


def violation_of(result: ScenarioResult) -> Violation:
    """The law that failed in the scenario, or else the expectation that was not met."""
    if result.observation.violation is not None:
        return result.observation.violation
    return Violation(
        EXPECTATION,
        location=Location(result.scenario.name),
        array="the result",
        actual=result.observation.text,
        expected=result.scenario.expected,
    )


def write_signature(result: ScenarioResult, runner: Runner) -> Path:
    """Write the report of a failed scenario into the run folder; return its folder."""
    place = f"stress/{result.scenario.name}"
    (runner.run.folder / "stress").mkdir(exist_ok=True)
    runner.run.write(f"{place}/before.safetensors", pack(dict(result.observation.arrays)))
    runner.run.write_json(
        f"{place}/signature.json",
        {
            "phase": PHASE,
            "drill": result.scenario.name,
            "seed": runner.seed,
            "full": runner.full,
            "violation": violation_of(result).to_dict(),
            "settings": asdict(read_run_settings(runner.run.folder)),
            "figures": result.observation.metrics,
        },
    )
    return runner.run.folder / place


def is_reproduced(recorded: dict[str, Any], found: Violation | None) -> bool:
    """Whether the violation found by `replay_scenario` is the recorded one."""
    if found is None:
        return False
    if recorded["law"] in (EXPECTATION, PHASE):
        return found.law == EXPECTATION
    return (found.law, found.array) == (recorded["law"], recorded["array"])


def replay_scenario(folder: Path, record: dict[str, Any]) -> Violation | None:
    """Run the recorded scenario again on the run that contains `folder`; None if the result is as expected."""
    name, seed, full = (record.get(key) for key in ("drill", "seed", "full"))
    chosen = scenarios().get(str(name))
    if chosen is None:
        raise BadInput(f"{folder / 'signature.json'}: no scenario is called {name!r}")
    if type(seed) is not int or seed < 0 or type(full) is not bool:
        raise BadInput(
            f"{folder / 'signature.json'}: seed = {seed!r}, full = {full!r}; expected a number and true or false"
        )
    result = Runner(Run(folder.parent.parent), seed, full).run_here(chosen)
    return violation_of(result) if result.outcome is ScenarioOutcome.FAILED else None
