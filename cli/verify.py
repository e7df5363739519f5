"""nn verify: check files, folders, modules and built-in plugins against every law of their kind."""

from __future__ import annotations

import difflib
import glob
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import nnlaw.nn.builtin  # noqa: F401  # registers the built-in plugins
from nnlaw.cli.baseline import Baseline, read_baseline
from nnlaw.cli.completion import law_codes, names_and_files
from nnlaw.cli.output import csv_output
from nnlaw.cli.output.github_output import to_github
from nnlaw.cli.output.json_output import to_json
from nnlaw.cli.output.option_checks import finite, output_file
from nnlaw.cli.output.progress import counting_files
from nnlaw.cli.output.sarif_output import to_sarif
from nnlaw.cli.output.streams import clean, echo, print_text
from nnlaw.cli.output.verify_output import Verbosity, VerifyOutput, captured_output, exceptions_of, is_nothing
from nnlaw.cli.project_settings import project_settings
from nnlaw.nn.core.atomic_write import write_new
from nnlaw.nn.plugins.installed import LAWS, installed, source_file
from nnlaw.nn.plugins.registry import KINDS, REGISTRY, canonical
from nnlaw.nn.verify.fix import applicable_edits, apply_fixes
from nnlaw.nn.verify.own_laws import own_laws
from nnlaw.nn.verify.supervisor import MAX_SEED, CheckOptions, Target, TargetResult, check_targets, listed
from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.discovery.targets import python_files
from nnlaw.spec.discovery.targets import targets as discovery_targets
from nnlaw.spec.fixes.edited_file import OriginalFile
from nnlaw.spec.law import CATALOG
from nnlaw.spec.report import Outcome, UnitOutcome
from nnlaw.spec.violation import BadInput, counted

FORMATS = ("text", "json", "github", "sarif", "csv")
EXIT_CODES = {UnitOutcome.PASSED: 0, UnitOutcome.FAILED: 1, UnitOutcome.ERROR: 2}


def _removed_junit(context: click.Context, option: click.Parameter, value: object) -> None:
    if value is not None:
        raise BadInput("--junit was removed; use pytest --nn-plugin FILE --junitxml OUT")


@click.command()
@click.argument("names", nargs=-1, shell_complete=names_and_files, metavar="[FILE|FOLDER|MODULE|NAME]...")
@click.option("-v", "--verbose", is_flag=True, help="Show every law, and the smallest input that fails.")
@click.option("-q", "--quiet", is_flag=True, help="Show only the summary.")
@click.option("--fix", is_flag=True, help="Apply suggested fixes that are unique, and repeat the check.")
@click.option("--diff", is_flag=True, help="Print what --fix would change as a unified diff; write nothing.")
@click.option("--reproduce", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.py",
              help="Write a script that shows the first wrong gradient by itself.")
@click.option("--list", "only_list", is_flag=True, help="List what is found, and how it is called; check nothing.")
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True,
              help="Form of the output; github prints annotations of GitHub Actions.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format json.")
@click.option("--csv", type=click.Path(path_type=Path), callback=output_file, help="Write one row per file, too.")
@click.option("--junit", hidden=True, expose_value=False, callback=_removed_junit)
@click.option("--law", "laws", multiple=True, shell_complete=law_codes, metavar="CODE",
              help="Check only this law. Can be repeated.")
@click.option("--laws", "law_files", multiple=True, metavar="FILE|MODULE", type=click.Path(path_type=Path),
              help="Also check the laws that this file or module defines with @law. Can be repeated.")
@click.option("--no-exceptions", is_flag=True, help="Ignore declared exceptions: expected, comments, pyproject.toml.")
@click.option("--baseline", "baseline_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Known failures, which don't count.")
@click.option("--write-baseline", is_flag=True, help="Write all failures of today to the file of --baseline.")
@click.option("--allow-unchecked", is_flag=True, help="Exit code 0 even if something was only partly or not checked.")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), help="Random seed.  [default: 0]")
@click.option("--jobs", type=click.IntRange(min=1), help="Files to check in parallel.  [default: up to 4]")
@click.option("--timeout", type=click.FloatRange(min=0.1), metavar="SECONDS", callback=finite,
              help="Seconds allowed to import a file, and to check each class.  [default: 60]")
def command(
    names: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    fix: bool,
    diff: bool,
    reproduce: Path | None,
    only_list: bool,
    output_format: str,
    as_json: bool,
    csv: Path | None,
    laws: tuple[str, ...],
    law_files: tuple[Path, ...],
    no_exceptions: bool,
    baseline_file: Path | None,
    write_baseline: bool,
    allow_unchecked: bool,
    seed: int | None,
    jobs: int | None,
    timeout: float | None,
) -> int:
    """Check hand-written layers, losses, optimizers and networks against every law of their kind.

    Give Python files, notebooks, folders, modules, FILE::Name or module:Name, or built-in plugins such as relu,
    layer:relu or dropout:rate=0.2.
    Without an argument, `paths` of [tool.nnlaw] in pyproject.toml are checked or, without it, all built-in plugins.
    Each file runs in a process of its own.

    Exit code 0: everything passed; 1: a law failed; 2: an error, or something was only partly or not checked.
    """
    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet exclude each other")
    output_format = "json" if as_json and output_format == "text" else output_format
    if diff and (fix or output_format != "text"):
        other = "--fix" if fix else "--json" if as_json else "--output-format"
        raise click.UsageError(f"--diff and {other} exclude each other")
    if as_json and output_format != "json":
        raise click.UsageError(f"--json and --output-format {output_format} exclude each other")
    if write_baseline and baseline_file is None:
        raise click.UsageError("--write-baseline needs the file, as in --baseline nn-baseline.toml --write-baseline")
    baseline = None
    if baseline_file is not None:
        baseline = Baseline(baseline_file, record=True) if write_baseline else read_baseline(baseline_file)
    if reproduce is not None and reproduce.exists():
        raise BadInput(f"{reproduce} exists; it was not changed")
    project = project_settings()
    names = names or project.paths
    targets = list(_targets(names))
    in_folders = {target["file"] for target in targets if "file" in target}.difference(names)
    options = CheckOptions(
        laws,
        project.seed if seed is None else seed,
        timeout or project.timeout,
        () if no_exceptions else project.ignores,
        not no_exceptions,
    )
    if only_list:
        for line in (line for target in targets for line in listed(target, options)):
            echo(line)
        return 0
    files = {target["file"] for target in targets if "file" in target} if fix or diff else set()
    readable = [file for file in files if os.path.isfile(file) and os.access(file, os.R_OK)]
    originals = {file: OriginalFile.read(Path(file)) for file in readable}  # before the check
    verbosity = Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else Verbosity.NORMAL
    output = VerifyOutput(verbosity, in_folders, stderr=diff)
    results: list[TargetResult] = []
    law_files = tuple(source_file(str(file)) for file in law_files)
    with own_laws([*(row.file for row in installed(LAWS)), *law_files]), counting_files(len(targets)) as progress:
        for result in check_targets(targets, options, jobs or min(4, os.cpu_count() or 1)):
            results.append(result)
            if any(Path(result.name).absolute() == file.absolute() for file in law_files):
                result.laws_not_run = []
            if baseline is not None:
                baseline.cover(result)
            with progress.hidden():
                if output_format == "text":
                    output.add(result)
                elif output_format != "github" and result.printed.strip():
                    echo(*captured_output(result).split("\n"), err=True)
            progress.advance()
        if not any(result.reports for result in results):
            raise _no_such_law(laws)
    if reproduce is not None:
        echo(_write_script(results, reproduce), err=True)
    fixes: list[dict[str, Any]] = []
    for i, result in enumerate(results):
        if fix and result.name in originals:
            fixed = apply_fixes(originals[result.name], result, options)
            results[i] = fixed.result or result
            if baseline is not None:
                baseline.cover(results[i])
            output.add_fixes(result, fixed)
            fixes.append(fixed.to_dict(result.name))
        elif diff and result.name in originals:
            diff_text = originals[result.name].diff(applicable_edits(result))
            print_text(clean(diff_text) if sys.stdout.isatty() else diff_text)
    unneeded = unneeded_ignores(results, options)
    if baseline is not None:
        unneeded += baseline.unneeded(results, laws)
    if output_format == "text":
        output.close(unneeded)
    else:
        print_text(_formatted(output_format, results, unneeded, fixes).rstrip("\n") + "\n")
    if baseline is not None and write_baseline:
        echo(baseline.write(), err=True)
    if unprotected := {text for result in results for text in result.unprotected()}:
        echo(f"no sandbox on this system: checked code could {' and '.join(sorted(unprotected))}", err=True)
    if csv is not None:
        csv_output.write(csv, csv_output.to_csv(results))
    return _exit_code(results, in_folders, allow_unchecked)


def _write_script(results: list[TargetResult], out: Path) -> str:
    """Write the script of the first failure that has one, and return what was written, as a sentence."""
    rows = [data for result in results for report in result.reports for data in report["violations"]]
    found = next((data for data in rows if data["script"]), None)
    if found is None:
        return f"{out} was not written: " + ("no failure can be shown in a few lines" if rows else "no law fails")
    write_new(out, found["script"])
    more = f"; {counted(len(rows) - 1, 'other failure')}: check FILE::Name for another script" if len(rows) > 1 else ""
    return f"{out} shows {found['array']} of {found['subject']}: python {out}{more}"


def _exit_code(results: list[TargetResult], in_folders: set[str], allow_unchecked: bool) -> int:
    """The highest exit code of all units. Files of a folder that have no units don't count, unless all are such."""
    reports = [(result.name, report) for result in results for report in result.reports]
    counting = [report for name, report in reports if not (is_nothing(report) and name in in_folders)]
    return max((_code(report, allow_unchecked) for report in counting), default=0 if allow_unchecked else 2)


def _code(report: dict[str, Any], allow_unchecked: bool) -> int:
    if report["outcome"] in (UnitOutcome.PARTLY_CHECKED, UnitOutcome.NOT_CHECKED):
        return 0 if allow_unchecked or report["excused"] else 2
    if report["outcome"] == UnitOutcome.ERROR and report["excused"]:  # by a baseline
        return 0
    return EXIT_CODES[report["outcome"]]


def _formatted(
    name: str,
    results: list[TargetResult],
    unneeded: list[DeclaredException],
    fixes: list[dict[str, Any]],
) -> str:
    """The whole output in a format other than text."""
    if name == "json":
        return to_json(results, unneeded, fixes)
    if name == "csv":
        return csv_output.to_csv(results)
    return clean(to_github(results, unneeded)) if name == "github" else to_sarif(results, unneeded)


def unneeded_ignores(results: list[TargetResult], options: CheckOptions) -> list[DeclaredException]:
    """The ignores in comments and in pyproject.toml that cover nothing, as far as their files were checked."""
    scopes: dict[DeclaredException, list[TargetResult]] = {}
    for result in (result for result in results if "file" in result.target):
        for row in [*result.ignores, *(row for row in options.ignores if row.is_in(result.name))]:
            scopes.setdefault(row, []).append(result)
    return [row for row, scope in scopes.items() if _is_unneeded(row, scope, options.laws)]


def _is_unneeded(row: DeclaredException, scope: list[TargetResult], laws: tuple[str, ...]) -> bool:
    reports = [report for result in scope for report in result.reports]
    undecided = any(
        report["outcome"] == UnitOutcome.ERROR
        or any(law["law"] == row.law and law["outcome"] == Outcome.SKIPPED for law in report["laws"])
        for report in reports
    )
    return not (undecided or (laws and row.law not in laws) or row.to_dict() in exceptions_of(reports))


def _targets(names: tuple[str, ...]) -> Iterator[Target]:
    """What to check, each in a process of its own. Raises BadInput for a folder without Python files."""
    if not names:
        yield from ({"kind": kind} for kind in KINDS)
    for name in names:
        path = Path(name)
        file, separator, definition = name.rpartition("::")
        if separator and Path(file).is_file():
            yield {"file": file, "definition": definition}
        elif glob.has_magic(name) and not path.exists():
            yield from ({"file": str(target.path)} for target in discovery_targets([name]))
        elif path.is_dir():
            yield from ({"file": str(file)} for file in _files_to_check(path))
        elif path.suffix in (".py", ".ipynb") or path.exists() or "/" in name:
            yield {"file": name}
        else:
            module, separator, definition = name.partition(":")
            if separator and module not in KINDS and _is_module(module):
                yield {"module": module, "definition": definition}
            else:
                yield {"module" if _is_module(name) else "name": name}


def _files_to_check(folder: Path) -> list[Path]:
    """The Python files of a folder, without _notes.py. Folders that are left out are named on standard error."""
    found, ignored = python_files(folder)
    files = [file for file in found if not file.name.startswith("_")]
    left_out = f"left out: {_grouped(ignored)}" if ignored else ""
    if not files:
        raise BadInput(f"{folder}: no Python files in this folder{left_out and f' ({left_out})'}")
    if left_out:
        echo(f"{folder}: {left_out}", err=True)
    return files


def _grouped(ignored: list[tuple[str, Path]]) -> str:
    """`2 run folders (runs/a, ...), 1 hidden folder (.old)`."""
    groups: dict[str, list[Path]] = {}
    for reason, folder in ignored:
        groups.setdefault(reason, []).append(folder)
    return ", ".join(
        f"{counted(len(folders), reason)} ({folders[0]}{', ...' if len(folders) > 1 else ''})"
        for reason, folders in groups.items()
    )


def _is_module(name: str) -> bool:
    """Whether a name that is not a path is an importable module and not a built-in plugin."""
    first = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    if any(canonical(name) == known for _, known in REGISTRY.plugins):
        return False
    if Path(first).is_dir() or Path(f"{first}.py").is_file() or first in sys.modules:
        return True
    try:
        return importlib.util.find_spec(first) is not None
    except (ImportError, ValueError):
        return False


def _no_such_law(laws: tuple[str, ...]) -> BadInput:
    """The error if no unit has a law of these codes."""
    near = difflib.get_close_matches(laws[0], sorted({code for _, code in CATALOG}), n=1) if laws else []
    hint = f"did you mean {near[0]}?" if near else "nn laws lists all laws"
    return BadInput(f"no unit here has a law called {' or '.join(laws)}; {hint}")
