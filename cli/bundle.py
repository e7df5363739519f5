"""nn bundle: pack a finished run into one file that others can reproduce."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from nnlaw.cli.completion import runs
from nnlaw.cli.output.option_checks import output_file
from nnlaw.cli.output.streams import echo
from nnlaw.nn.core.atomic_write import is_open_file
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.bundle import write_bundle


@click.command()
@click.argument("run", shell_complete=runs, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), callback=output_file,
              help="Zip file to write.  [RUN.zip in the current folder]")  # fmt: skip
def command(run: Path, output: Path | None) -> None:
    """Pack settings, data digests, metrics, weights, plugins and test predictions of RUN into one zip file."""
    path = write_bundle(Run(run), output)
    if not is_open_file(path):
        echo(f"{path}: {path.stat().st_size:,} bytes; reproduce it with: nn reproduce {shlex.quote(str(path))}")
