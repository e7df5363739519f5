"""nn runs: list the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnlaw.cli.output.console import console
from nnlaw.cli.output.streams import echo, one_line, print_json
from nnlaw.nn.data.dataset_info import SYNTHETIC
from nnlaw.nn.runs.listing import list_runs
from nnlaw.spec.violation import BadInput

HEADER = ("run", "data", "test", "val", "state", "best epoch", "optimizer", "lr", "seed", "date", "layers")
GAP = 2


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER (runs/), the newest last: data, accuracies, state, best epoch, settings."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; train a network first: nn train")
    rows = list_runs(folder)
    if as_json:
        print_json(rows)
        return
    table = [HEADER, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    room, shown = console().width, 1
    while shown < len(widths) and sum(widths[: shown + 1]) + GAP * shown <= room:
        shown += 1
    for cells in table:
        columns = zip(cells[:shown], widths[:shown], strict=True)
        echo((" " * GAP).join(f"{cell:<{width}}" for cell, width in columns).rstrip())
    if shown < len(HEADER):
        echo(f"In a wider terminal or in a pipe also: {', '.join(HEADER[shown:])}")
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
    data = "synthetic" if row["data"] == SYNTHETIC else text("data")
    test, validation, best = percent("test_accuracy"), percent("val_accuracy"), text("best_epoch")
    settings = text("optimizer"), text("lr"), text("seed"), one_line(date), layers
    return one_line(row["run"]), data, test, validation, state, best, *settings
