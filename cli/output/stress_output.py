"""What nn stress prints: progress, and the table of scenarios, also as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from nnlaw.nn.stress.scenario import Scenario, ScenarioOutcome, ScenarioResult

COLORS = {ScenarioOutcome.PASSED: "green", ScenarioOutcome.FAILED: "red", ScenarioOutcome.SKIPPED: "yellow"}
WIDTH = 160  # of a table that goes into a file or a pipe


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[ScenarioResult], None]]:
    """A function to call with each result: a bar on a terminal, else one line per scenario, nothing if quiet."""
    if quiet:
        yield lambda row: None
    elif not sys.stderr.isatty():
        yield lambda row: click.echo(f"{row.outcome:7}  {row.seconds:6.2f} s  {row.scenario.name}")
    else:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("scenarios", total=total)
            yield lambda row: bar.update(task, advance=1, description=row.scenario.name)


def show(results: list[ScenarioResult], failed: dict[str, str]) -> None:
    """Print the table, how to repeat what failed, and a summary line."""
    table = Table("scenario", "what is done", "expected", "observed", "outcome", "s", box=SIMPLE, expand=True)
    for row in results:
        cells = row.scenario.name, row.scenario.what, row.scenario.expected, row.observation.text
        table.add_row(*map(Text, cells), Text(row.outcome, COLORS[row.outcome]), f"{row.seconds:.1f}")
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH).print(table)
    for name, place in failed.items():
        click.echo(f"{name}: nn replay {place}")
    counts = {word: sum(row.outcome is word for row in results) for word in COLORS}
    many = "s" if len(results) != 1 else ""
    summary = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    click.echo(f"{len(results)} scenario{many}: {summary}")


def markdown(chosen: list[Scenario]) -> str:
    """The scenarios as a Markdown table."""
    lines = ["| scenario | what is done | expected |", "|---|---|---|"]
    lines += [f"| `{row.name}` | {_cell(row.what)} | {_cell(row.expected)} |" for row in chosen]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
