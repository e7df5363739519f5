"""nn verify: every law against files, folders, modules and built-in plugins; a verdict per law, a row per file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnlaw.nn.verify.supervisor import Target, TargetResult


@click.command()
@click.argument("names", nargs=-1, metavar="[FILE|FOLDER|MODULE|NAME]...")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the verdicts as JUnit XML, too.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write a row per file, too.")
@click.option("--law", "laws", multiple=True, metavar="CODE", help="Judge by this law alone; may be repeated.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of whatever is drawn.")
@click.option("--jobs", type=click.IntRange(min=1), help="Files judged at a time.  [default: up to 4]")
@click.option("--timeout", default=60.0, show_default=True, type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="For importing a file, and for each plugin in it.")
def command(
    names: tuple[str, ...],
    as_json: bool,
    junit: Path | None,
    csv: Path | None,
    laws: tuple[str, ...],
    seed: int,
    jobs: int | None,
    timeout: float,
) -> int:
    """Judge plugins by every law that applies to their kind: your own files, every file of a folder, a module, or a
    built-in plugin such as relu, layer:relu or dropout:rate=0.2. Without an argument, all the built-in ones.

    Each file is judged in a process of its own. Exit code 0: all held; 1: a law is broken; 2: something could not be
    judged.
    """
    import json

    from nnlaw.cli.output import csv_output as exports
    from nnlaw.cli.output.verify_output import Page
    from nnlaw.nn.verify.supervisor import CheckOptions, check_targets

    targets = list(_targets(names))
    outcomes: list[TargetResult] = []
    page = None if as_json else Page(targets)
    for outcome in check_targets(targets, CheckOptions(laws, seed, timeout), jobs or _jobs()):
        outcomes.append(outcome)
        if outcome.printed.strip():
            click.echo(f"--- {outcome.name} printed ---\n{outcome.printed.rstrip()}\n---", err=as_json)
        if page is not None:
            page.add(outcome)
    reports = [report for outcome in outcomes for report in outcome.reports]
    if not reports:
        _no_such_law(laws)
    if page is not None:
        page.close()
    if as_json:
        plugins = [{**report, "file": o.target.get("file", "")} for o in outcomes for report in o.reports]
        click.echo(json.dumps({"plugins": plugins}, indent=2))
    if junit is not None:
        exports.write(junit, exports.junit(outcomes))
    if csv is not None:
        exports.write(csv, exports.csv(outcomes))
    return _exit_code([report["outcome"] for report in reports])


def _targets(names: tuple[str, ...]) -> Iterator[Target]:
    """What to judge, each in a worker. Raises BadInput for a folder without Python files, or a file that is none."""
    from nnlaw.spec.violation import BadInput

    if not names:
        from nnlaw.nn.plugins.registry import KINDS

        yield from ({"kind": kind} for kind in KINDS)
    for name in names:
        path = Path(name)
        if path.is_dir():
            files, left = _python_files(path)
            aside = f"left out: {_told(left)}" if left else ""
            if not files:
                raise BadInput(f"{name}: no Python files in this folder{aside and f' ({aside})'}")
            if aside:
                click.echo(f"{name}: {aside}", err=True)
            yield from ({"file": str(file)} for file in files)
        elif path.suffix == ".py" or path.exists() or "/" in name:
            yield {"file": name}
        else:
            yield {_sort(name): name}


def _told(left: list[tuple[str, Path]]) -> str:
    """`2 run folders (runs/a, ...), 1 hidden folder (.old)`."""
    groups: dict[str, list[Path]] = {}
    for what, place in left:
        groups.setdefault(what, []).append(place)
    return ", ".join(
        f"{len(places)} {what}{'s' * (len(places) > 1)} ({places[0]}{', ...' * (len(places) > 1)})"
        for what, places in groups.items()
    )


def _python_files(folder: Path) -> tuple[list[Path], list[tuple[str, Path]]]:
    """The files of a folder that are its user's own, and what was left out: of what sort each folder is, and where.

    To judge a file is to run it, so copies in run folders, virtual environments and what is hidden stay unread.
    """
    import os

    files: list[Path] = []
    left: list[tuple[str, Path]] = []
    for here, inside, names in os.walk(folder):
        sorts = {name: _sort_of(Path(here, name)) for name in sorted(inside)}
        inside[:] = [name for name, sort in sorts.items() if not sort]
        left += [(sort, Path(here, name)) for name, sort in sorts.items() if sort and name != "__pycache__"]
        files += [Path(here, name) for name in names if name.endswith(".py") and not name.startswith((".", "_"))]
    return sorted(files), left


def _sort_of(folder: Path) -> str:
    """What a folder is whose Python files are none to judge, "" where they are."""
    if folder.name.startswith((".", "_")):
        return "hidden folder"
    if (folder / "pyvenv.cfg").is_file():
        return "virtual environment"
    return "run folder" if (folder / "config.toml").is_file() and (folder / "record.json").is_file() else ""


def _sort(name: str) -> str:
    """Whether a word that is no path names a module. What merely looks like one is looked up among the plugins."""
    import importlib.util
    import sys

    first = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")) or _is_plugin(name):
        return "name"
    local = Path(first).is_dir() or Path(f"{first}.py").is_file()
    try:
        found = local or first in sys.modules or importlib.util.find_spec(first) is not None
    except (ImportError, ValueError):
        found = False
    return "module" if found else "name"


def _is_plugin(name: str) -> bool:
    import nnlaw.nn.builtin  # noqa: F401  # registers what is built in
    from nnlaw.nn.plugins.registry import REGISTRY, canonical

    return any(canonical(name) == known for _, known in REGISTRY.plugins)


def _jobs() -> int:
    import os

    return min(4, os.cpu_count() or 1)


def _no_such_law(laws: tuple[str, ...]) -> None:
    import difflib

    from nnlaw.spec import CATALOGUE
    from nnlaw.spec.violation import BadInput

    known = sorted({code for _, code in CATALOGUE})
    near = difflib.get_close_matches(laws[0], known, n=3) if laws else []
    hint = f"; nearest: {', '.join(near)}" if near else "; nn laws lists them"
    raise BadInput(f"no plugin here is judged by a law called {' or '.join(laws)}{hint}")


def _exit_code(verdicts: list[Any]) -> int:
    """2 where anything could not be judged, else 1 where a law is broken, else 0."""
    if {"error", "inconclusive"} & set(verdicts):
        return 2
    return int("failed" in verdicts)
