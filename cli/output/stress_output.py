"""Output of nn stress: progress, the table of results, and the list of scenarios as Markdown."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from nnlaw.cli.output.console import Hanging, console, styled
from nnlaw.cli.output.streams import clean, echo
from nnlaw.nn.stress.scenario import Scenario, ScenarioOutcome, ScenarioResult


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[ScenarioResult], None]]:
    """A function to call with each result: a bar on a terminal, else one line per scenario, nothing if quiet."""
    if quiet:
        yield lambda row: None
    elif not sys.stderr.isatty():
        count = itertools.count(1)
        width = len(str(total))
        yield lambda row: echo(
            f"{next(count):>{width}}/{total}  {row.outcome:7}  {row.seconds:6.2f} s  {row.scenario.name}"
        )
    else:
        columns = TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console(stderr=True), transient=True) as bar:
            task = bar.add_task("scenarios", total=total)
            yield lambda row: bar.update(task, advance=1, description=row.scenario.name)


def show(results: list[ScenarioResult], failed: dict[str, str], verbose: bool) -> None:
    """Print each scenario that did not pass, or with `verbose` all, how to repeat what failed, and a summary line."""
    out = console()
    for row in results:
        if verbose or row.outcome is not ScenarioOutcome.PASSED:
            out.print(Text(row.scenario.name, "bold"), styled(row.outcome), f"{row.seconds:.1f} s")
            for label, text in (("what", row.scenario.what), ("expected", row.scenario.expected),
                                ("observed", row.observation.text)):  # fmt: skip
                out.print(Hanging(Text(f"  {label:<8}  "), Text(clean(text))))
    for name, place in failed.items():
        echo(f"{name}: nn replay {place}")
    counts = {word: sum(row.outcome is word for row in results) for word in ScenarioOutcome}
    many = "s" if len(results) != 1 else ""
    summary = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    echo(f"{len(results)} scenario{many}: {summary}")


def markdown(chosen: list[Scenario]) -> list[str]:
    """The scenarios as the lines of a Markdown table."""
    lines = ["| scenario | what is done | expected |", "|---|---|---|"]
    lines += [f"| `{row.name}` | {_cell(row.what)} | {_cell(row.expected)} |" for row in chosen]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
