"""nn replay makes a recorded failure happen again."""

from __future__ import annotations

from pathlib import Path

import click

from nnlaw.cli.output.streams import echo
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.stress.failure_report import PHASE as SCENARIO
from nnlaw.nn.stress.failure_report import is_reproduced, replay_scenario
from nnlaw.nn.training.failure_report import FOLDER, SIGNATURE
from nnlaw.spec.violation import BadInput


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Repeat the step or check in which a law failed. FOLDER is a run, or the failure/ folder in it."""
    if (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    if not (folder / SIGNATURE).exists():
        raise BadInput(f"{folder} has no failure report (no {SIGNATURE})")
    record = read_json(folder / SIGNATURE)
    found = replay_scenario(folder.resolve(), record) if record.get("phase") == SCENARIO else replay(folder)
    recorded = record["violation"]
    if found is None or not is_reproduced(recorded, found):
        now = "every law passes now" if found is None else f"{found.law} of {found.array} fails now"
        raise BadInput(f"{folder}: not reproduced: recorded was {recorded['law']} of {recorded['array']}, {now}")
    echo(f"Reproduced, law {found.law}:")
    raise found
