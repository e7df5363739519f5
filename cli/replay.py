"""nn replay makes a recorded failure happen again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnlaw.cli.output.isolation import show_printed, trust_option
from nnlaw.cli.output.streams import echo
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.run_folder.trust import require_trust
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.stress.failure_report import PHASE as SCENARIO
from nnlaw.nn.stress.failure_report import is_reproduced, replay_scenario
from nnlaw.nn.training.failure_report import FOLDER, SIGNATURE, read_failure_report, recorded_violation
from nnlaw.nn.verify.isolated_run import isolated
from nnlaw.spec.violation import BadInput, Violation


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@trust_option
def command(folder: Path, trust: bool) -> None:
    """Repeat the step or check in which a law failed. FOLDER is a run, or the failure/ folder in it."""
    if (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    if not (folder / SIGNATURE).exists():
        raise BadInput(f"{folder} has no failure report (no {SIGNATURE})")
    record = read_json(folder / SIGNATURE)
    recorded = recorded_violation(record, folder / SIGNATURE)
    is_scenario = record.get("phase") == SCENARIO
    found = _replayed_scenario(folder.resolve(), record, trust) if is_scenario else _replayed(folder, trust)
    if found is None or not is_reproduced(recorded, found):
        now = "every law passes now" if found is None else f"{found.law} of {found.array} fails now"
        raise BadInput(f"{folder}: not reproduced: recorded was {recorded['law']} of {recorded['array']}, {now}")
    echo(f"Reproduced, law {found.law}:")
    raise found


def _replayed(folder: Path, trust: bool) -> Violation | None:
    with isolated(folder, read_failure_report(folder).settings.plugins, trust) as process:
        if process is None:
            return replay(folder)
        found = process.replay(folder)
    show_printed(process, folder)
    return found


def _replayed_scenario(folder: Path, record: dict[str, Any], trust: bool) -> Violation | None:
    run = folder.parent.parent
    require_trust(run, read_run_settings(run).plugins, trust)
    return replay_scenario(folder, record)
