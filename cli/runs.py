"""nn runs: what was trained here, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def command(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER (runs/), the newest last: state, accuracies, settings."""
    from nnlaw.nn.runs.listing import list_runs
    from nnlaw.spec.violation import BadInput

    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder, expected run folders in it; train one first: nn train")
    rows = list_runs(folder)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = [("run", "date", "state", "test", "val", "best", "optimizer", "lr", "seed", "layers"), *map(_cells, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for cells in table:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())
    for row in rows:
        if "because" in row:
            click.echo(f"{row['because']}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    def share(name: str) -> str:
        return "-" if row[name] is None else f"{row[name]:.2%}"

    def word(name: str) -> str:
        return "-" if row[name] is None else str(row[name])

    what = word("layers") if row["model"] in (None, "network") else row["model"]
    state = row["state"] + (" (strict)" if row["strict"] else "")
    date = (row["date"] or "-")[:16].replace("T", " ")
    figures = share("test_accuracy"), share("val_accuracy"), word("best_epoch")
    return row["run"], date, state, *figures, word("optimizer"), word("lr"), word("seed"), what
