"""nn bundle: pack a finished run into one file that others can reproduce."""

from __future__ import annotations

from pathlib import Path

import click

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.bundle import write_bundle


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Zip file to write.  [RUN.zip in the current folder]")
def command(run: Path, output: Path | None) -> None:
    """Pack settings, data digests, metrics, weights, plugins and test predictions of RUN into one zip file."""
    path = write_bundle(Run(run), output)
    click.echo(f"{path}: {path.stat().st_size:,} bytes; reproduce it with: nn reproduce {path}")
