"""What nn stress prints: the drills as they are done, and their table, also as Markdown and as JUnit XML."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nnlaw.nn.stress.scenario import Drill, Row

COLORS = {"held": "green", "failed": "red", "skipped": "yellow"}
WIDTH = 160  # of a table that goes into a file or a pipe


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[Row], None]]:
    """What to tell each row: a bar on a terminal, else a line a drill, nothing for scripts."""
    if quiet:
        yield lambda row: None
    elif not sys.stderr.isatty():
        yield lambda row: click.echo(f"{row.verdict:7}  {row.seconds:6.2f} s  {row.drill.name}")
    else:
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("drills", total=total)
            yield lambda row: bar.update(task, advance=1, description=row.drill.name)


def show(rows: list[Row], failed: dict[str, str]) -> None:
    """The table, then how to repeat what failed, and how it went in one line."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("drill", "what is done", "expected", "observed", "verdict", "s", box=SIMPLE, expand=True)
    for row in rows:
        cells = row.drill.name, row.drill.what, row.drill.expected, row.outcome.observed
        verdict = Text(row.verdict, COLORS[row.verdict])
        table.add_row(*map(Text, cells), verdict, f"{row.seconds:.1f}")
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH).print(table)
    for name, place in failed.items():
        click.echo(f"{name}: nn replay {place}")
    counts = {word: sum(row.verdict == word for row in rows) for word in COLORS}
    many = "s" if len(rows) != 1 else ""
    click.echo(f"{len(rows)} drill{many}: " + ", ".join(f"{count} {word}" for word, count in counts.items() if count))


def markdown(drills: list[Drill]) -> str:
    """The drills as a Markdown table."""
    lines = ["| drill | what is done | expected |", "|---|---|---|"]
    lines += [f"| `{row.name}` | {_cell(row.what)} | {_cell(row.expected)} |" for row in drills]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def junit(rows: list[Row]) -> str:
    """One suite, a case a drill; what was skipped bears its reason."""
    from xml.etree import ElementTree

    from nnlaw.cli.output.csv_output import plain

    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name="stress", tests=str(len(rows)))
    for row in rows:
        case = ElementTree.SubElement(
            suite, "testcase", classname="stress", name=plain(row.drill.name), time=f"{row.seconds:.3f}"
        )
        if row.verdict != "held":
            sort = "skipped" if row.verdict == "skipped" else "failure"
            ElementTree.SubElement(case, sort, message=plain(row.outcome.observed))
    for sort, word in (("failures", "failed"), ("skipped", "skipped")):
        suite.set(sort, str(sum(row.verdict == word for row in rows)))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
