"""A failure report: everything needed to make a failed law fail again. nn/runs/replay.py does that.

    failure/signature.json       phase, violation, settings, sizes, counters
    failure/before.safetensors   the batch, and from before the step: weights, layer state, optimizer, generators
    failure/*.py                 the source of the user's plugins and of the modules beside them that they import
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nnlaw.nn.core.settings import Settings, checked_types
from nnlaw.nn.plugins.snapshot import copy_name, plugin_sources
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.tree_file import pack
from nnlaw.nn.training.checkpoint import snapshot_tree
from nnlaw.nn.training.phase import Phase
from nnlaw.nn.training.trainer import Snapshot
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput, Violation

FOLDER = "failure"
SIGNATURE = "signature.json"
BEFORE = "before.safetensors"


@dataclass(frozen=True)
class FailureReport:
    """The phase and settings of a training in which a law failed; `steps` is the length of the whole training."""

    phase: Phase
    settings: Settings
    n_in: int
    classes: int
    steps: int


def write_failure_report(
    run: Run, report: FailureReport, violation: Violation, before: Snapshot, batch: tuple[Array, Array]
) -> Path:
    """Write the report into the run folder and return its folder. `before` is from before the step that failed."""
    for name, content in plugin_sources(report.settings.plugins).items():
        run.write(f"{FOLDER}/{name}", content)
    tree = {"x": batch[0], "labels": batch[1], "trainer": snapshot_tree(before)}
    run.write(f"{FOLDER}/{BEFORE}", pack(tree))
    run.write_json(
        f"{FOLDER}/{SIGNATURE}",
        {
            "phase": report.phase.value,
            "violation": violation.to_dict(),
            "settings": asdict(report.settings),
            "n_in": report.n_in,
            "classes": report.classes,
            "steps": report.steps,
            "done": before.done,
        },
    )
    return run.folder / FOLDER


def read_failure_report(folder: Path) -> FailureReport:
    """The report in a folder, with the copies of the plugins in it. Raises BadInput if it can't be read."""
    path = folder / SIGNATURE
    record = read_json(path)
    try:
        settings = Settings(**checked_types(dict(record["settings"]), str(path)))
        copies = (str(folder / copy_name(i, name)) for i, name in enumerate(settings.plugins, 1))
        recorded_violation(record, path)
        return FailureReport(
            Phase(record["phase"]),
            replace(settings, plugins=tuple(copies)),
            *(_positive(record, name) for name in ("n_in", "classes", "steps")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not a failure report: {error}") from error


def _positive(record: dict[str, Any], name: str) -> int:
    value = record[name]
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} = {value!r}, expected a whole number above 0")
    return value


def recorded_violation(record: dict[str, Any], path: Path) -> dict[str, Any]:
    """The violation in a failure report. Raises BadInput if it has no law or no array."""
    found = record.get("violation")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in ("law", "array")):
        raise BadInput(f"{path}: not a failure report: violation without law and array")
    return found
