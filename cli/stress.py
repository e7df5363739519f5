"""nn stress: make go wrong what could go wrong, and judge what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nnlaw.nn.run_folder.folder import Run
    from nnlaw.nn.stress.scenario import Drill, Row


@click.command()
@click.argument("folder", metavar="[RUN]", type=click.Path(path_type=Path), required=False)
@click.option("--drill", "names", multiple=True, metavar="NAME",
              help="Do this drill alone; may be repeated, and 'edge-*' names all that begin so.")
@click.option("--full/--quick", default=False, help="Draw and try much more in each drill, or little.  [quick]")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Drills done at a time.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of whatever is drawn.")
@click.option("--timeout", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="For each drill; one that takes longer has failed; not on Windows.  [600; 7200 with --full]")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the verdicts as JUnit XML, too.")
@click.option("--list", "listed", is_flag=True, help="Name the drills and what they expect; do none.")
def command(
    folder: Path | None,
    names: tuple[str, ...],
    full: bool,
    jobs: int,
    seed: int,
    timeout: float | None,
    as_json: bool,
    junit: Path | None,
    listed: bool,
) -> None:
    """Do drills on RUN, a trained run, or without it on a small network that is trained first.

    Exit code 0: every outcome was the expected one; 1: one was not, and `nn replay` repeats it; 2: bad usage.
    """
    import json

    from nnlaw.cli.output import csv_output as exports
    from nnlaw.cli.output import stress_output as page
    from nnlaw.nn.run_folder.folder import plain
    from nnlaw.nn.stress.failure_report import violation_of, write_signature
    from nnlaw.nn.stress.runner import Stage, data_of

    chosen = _chosen(names)
    if listed:
        click.echo(page.markdown(chosen))
        return
    run = _run(folder, as_json)
    data_of(run.folder)  # refused before anything is done to it
    stage = Stage(run, seed, full, timeout)
    rows: list[Row] = []
    with page.progress(len(chosen), as_json) as tell:
        for row in stage.perform(chosen, jobs):
            rows.append(row)
            tell(row)
    failed = {row.drill.name: str(write_signature(row, stage)) for row in rows if row.verdict == "failed"}
    if junit is not None:
        exports.write(junit, page.junit(rows))
    if as_json:
        found = [_fields(row, failed, violation_of) for row in rows]
        click.echo(json.dumps(plain({"run": str(run.folder), "seed": seed, "full": full, "drills": found}), indent=2))
    else:
        page.show(rows, failed)
        painted = sorted(str(path) for row in rows for path in (run.folder / "stress" / row.drill.name).glob("*.png"))
        if painted:
            click.echo(f"Pictures: {', '.join(painted)}")
    click.get_current_context().exit(int(bool(failed)))


def _chosen(names: tuple[str, ...]) -> list[Drill]:
    """The drills that are named, or else all. Raises BadInput for a name that is none."""
    import difflib
    import fnmatch

    from nnlaw.nn.stress.scenario import drills
    from nnlaw.spec.violation import BadInput

    known = drills()
    if not names:
        return list(known.values())
    wanted: dict[str, Drill] = {}
    for name in names:
        found = fnmatch.filter(known, name)
        if not found:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"nearest: {', '.join(near)}" if near else "nn stress --list names them"
            raise BadInput(f"there is no drill called {name!r}; {hint}")
        wanted |= {key: known[key] for key in found}
    return list(wanted.values())


def _run(folder: Path | None, quiet: bool) -> Run:
    """The run that is named, or one that is trained now. Raises BadInput where the named one has no weights."""
    from nnlaw.nn.run_folder.folder import RUNS, Run, read_arrays

    if folder is not None:
        read_arrays(folder / "weights.safetensors")
        return Run(folder)
    from nnlaw.cli.output.progress import counting
    from nnlaw.nn.core.reporter import Silent
    from nnlaw.nn.core.settings import Settings
    from nnlaw.nn.training.session import prepare

    if not quiet:
        click.echo("Training the default network on built-in digits first...")
    with counting("drawing digits") as tell:
        session = prepare(Settings(epochs=3), tell)
    run = Run.create(None, RUNS / "stress")  # apart, so that it isn't taken for the newest
    with run.locked():
        session.train(run, Silent())
    return run


def _fields(row: Row, failed: dict[str, str], violation_of: Any) -> dict[str, Any]:
    return {
        "name": row.drill.name,
        "what": row.drill.what,
        "expected": row.drill.expected,
        "observed": row.outcome.observed,
        "verdict": row.verdict,
        "seconds": round(row.seconds, 3),
        "figures": row.outcome.figures,
        "violation": violation_of(row).to_dict() if row.verdict == "failed" else None,
        "signature": failed.get(row.drill.name),
    }
