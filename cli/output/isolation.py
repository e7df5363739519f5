"""The option --trust of commands that use a run or a bundle, and what its own code prints in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nnlaw.cli.output.streams import clean, echo

if TYPE_CHECKING:
    from nnlaw.nn.verify.isolated_run import IsolatedRun

trust_option = click.option(
    "--trust", is_flag=True, help="Run the plugins that come with it with all your rights, not in a sandbox."
)


def show_printed(process: IsolatedRun, name: object) -> None:
    """Print what the run's own code printed, on standard error, marked as such."""
    if printed := process.process.printed().strip():
        lines = [f"| {line}" for line in clean(printed).split("\n")]
        echo(f"--- output of the code in {name} ---", *lines, "---", err=True)
