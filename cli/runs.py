"""nn runs: list the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnlaw.cli.output.streams import echo, one_line, print_json
from nnlaw.nn.runs.listing import list_runs
from nnlaw.spec.violation import BadInput

HEADER = ("run", "date", "state", "test", "val", "best epoch", "optimizer", "lr", "seed", "layers")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER (runs/), the newest last: state, accuracies, best epoch, settings."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; train a network first: nn train")
    rows = list_runs(folder)
    if as_json:
        print_json(rows)
        return
    table = [HEADER, *map(_cells, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
    for cells in table:
        echo("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())
    for row in rows:
        if "because" in row:
            echo(row["because"])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    def percent(name: str) -> str:
        return "-" if row[name] is None else f"{row[name]:.2%}"

    def text(name: str) -> str:
        return "-" if row[name] is None else one_line(str(row[name]))

    layers = text("layers") if row["model"] in (None, "network") else row["model"]
    state = row["state"] + (" (strict)" if row["strict"] else "")
    date = (row["date"] or "-")[:16].replace("T", " ")
    accuracies = percent("test_accuracy"), percent("val_accuracy"), text("best_epoch")
    return one_line(row["run"]), one_line(date), state, *accuracies, text("optimizer"), text("lr"), text("seed"), layers
