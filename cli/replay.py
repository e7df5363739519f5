"""nn replay: make a recorded failure happen again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Repeat the step or audit that broke a law; FOLDER is a run, or its failure/."""
    if (folder / "failure").is_dir():
        folder = folder / "failure"
    from nnlaw.nn.run_folder.folder import read_json
    from nnlaw.nn.runs.replay import replay
    from nnlaw.spec.violation import BadInput

    found = replay(folder)
    recorded = read_json(folder / "signature.json")["violation"]
    if found is None or (found.law, found.array) != (recorded["law"], recorded["array"]):
        answer = "nothing is broken now" if found is None else f"{found.law} of {found.array} is broken now"
        raise BadInput(f"{folder}: not reproduced: recorded was {recorded['law']} of {recorded['array']}, {answer}")
    click.echo(f"Reproduced, law {found.law}:")
    raise found
