"""nn bundle: a finished run as one file that others can check."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="The zip to write (the run's name, here).")
def command(run: Path, output: Path | None) -> None:
    """Pack settings, data digests, metrics, weights, plugins and a test corpus of RUN into one zip."""
    from nnlaw.nn.run_folder.folder import Run
    from nnlaw.nn.runs.bundle import write_bundle

    made = write_bundle(Run(run), output)
    click.echo(f"{made}: {made.stat().st_size:,} bytes; check it with: nn reproduce {made}")
