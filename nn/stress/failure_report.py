"""The failure signature of a drill, in the style of nn/training/failure_report.py; `nn replay` does the drill again.

    stress/<drill>/signature.json        phase "drill", drill, seed, full, settings of the run, violation
    stress/<drill>/before.safetensors    the arrays that the drill kept
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import run_settings
from nnlaw.nn.run_folder.tree_file import pack
from nnlaw.nn.stress.runner import Stage
from nnlaw.nn.stress.scenario import FAILED, Row, drills
from nnlaw.spec.violation import BadInput, Location, Violation

PHASE = "drill"


def violation_of(row: Row) -> Violation:
    """The law that a failed drill met, or else the expectation that it missed."""
    if row.outcome.violation is not None:
        return row.outcome.violation
    return Violation(
        PHASE,
        location=Location(row.drill.name),
        array="the outcome",
        actual=row.outcome.observed,
        expected=row.drill.expected,
    )


def write_signature(row: Row, stage: Stage) -> Path:
    """Write the signature of a failed drill into the run folder; return its folder."""
    place = f"stress/{row.drill.name}"
    (stage.run.folder / "stress").mkdir(exist_ok=True)
    stage.run.write(f"{place}/before.safetensors", pack(dict(row.outcome.arrays)))
    stage.run.write_json(
        f"{place}/signature.json",
        {
            "phase": PHASE,
            "drill": row.drill.name,
            "seed": stage.seed,
            "full": stage.full,
            "violation": violation_of(row).to_dict(),
            "settings": asdict(run_settings(stage.run.folder)),
            "figures": row.outcome.figures,
        },
    )
    return stage.run.folder / place


def replay_drill(folder: Path, record: dict[str, Any]) -> Violation | None:
    """Do the recorded drill again on the run that the folder stands in; None where it does what is expected."""
    name, seed, full = (record.get(key) for key in ("drill", "seed", "full"))
    chosen = drills().get(str(name))
    if chosen is None:
        raise BadInput(f"{folder / 'signature.json'}: there is no drill called {name!r}")
    if type(seed) is not int or seed < 0 or type(full) is not bool:
        raise BadInput(f"{folder / 'signature.json'}: seed = {seed!r}, full = {full!r}, expected a number and a truth")
    row = Stage(Run(folder.parent.parent), seed, full).alone(chosen)
    return violation_of(row) if row.verdict == FAILED else None
