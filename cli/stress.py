"""nn stress: inject faults and check how nn copes."""

from __future__ import annotations

import difflib
import fnmatch
from pathlib import Path
from typing import Any

import click

from nnlaw.cli.completion import runs, scenario_names
from nnlaw.cli.output import stress_output
from nnlaw.cli.output.isolation import trust_option
from nnlaw.cli.output.option_checks import finite
from nnlaw.cli.output.progress import counting
from nnlaw.cli.output.streams import echo, print_json
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import RUNS, Run
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.run_folder.trust import require_trust
from nnlaw.nn.stress.failure_report import violation_of, write_signature
from nnlaw.nn.stress.runner import Runner, run_data
from nnlaw.nn.stress.scenario import Scenario, ScenarioOutcome, ScenarioResult, scenarios
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import BadInput


def _refuse_junit(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        raise click.UsageError("--junit was removed; use --json, or run the scenarios' tests with pytest --junitxml")


@click.command()
@click.argument("folder", shell_complete=runs, metavar="[RUN]", type=click.Path(path_type=Path), required=False)
@click.option("--scenario", "names", shell_complete=scenario_names, multiple=True, metavar="NAME",
              help="Run only this scenario; can be repeated; 'edge-*' runs all with that prefix.")
@click.option("--drill", "old_names", multiple=True, hidden=True)
@click.option("--full/--quick", default=False, help="Thorough or quick.  [quick]")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Scenarios run at a time.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Random seed.")
@click.option("--timeout", type=click.FloatRange(min=0.1), metavar="SECONDS", callback=finite,
              help="Seconds allowed for each scenario; not on Windows.  [600; 7200 with --full]")
@click.option("-v", "--verbose", is_flag=True, help="Also show what the scenarios that passed did and observed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--junit", hidden=True, expose_value=False, callback=_refuse_junit, type=click.Path(path_type=Path))
@click.option("--list", "listed", is_flag=True, help="List the scenarios and exit.")
@trust_option
def command(
    folder: Path | None,
    names: tuple[str, ...],
    old_names: tuple[str, ...],
    full: bool,
    jobs: int,
    seed: int,
    timeout: float | None,
    verbose: bool,
    as_json: bool,
    listed: bool,
    trust: bool,
) -> None:
    """Inject faults and check how nn copes: bad data, damaged files, crashes, full disks, adversarial images.

    The scenarios run on RUN, or on a small network trained for the purpose.

    Exit code 0: every result is as expected; 1: one is not, and `nn replay` repeats it; 2: bad usage.
    """
    chosen = _chosen((*names, *old_names))
    if listed:
        echo(*stress_output.markdown(chosen))
        return
    run = _run(folder, as_json, trust)
    run_data(run.folder)  # refuse unusable data before anything runs
    runner = Runner(run, seed, full, timeout)
    results: list[ScenarioResult] = []
    with stress_output.progress(len(chosen), as_json) as advance:
        for result in runner.run_all(chosen, jobs):
            results.append(result)
            advance(result)
    failed = {
        result.scenario.name: str(write_signature(result, runner))
        for result in results
        if result.outcome is ScenarioOutcome.FAILED
    }
    if as_json:
        rows = [_fields(result, failed) for result in results]
        found = {"run": str(run.folder), "seed": seed, "full": full, "scenarios": rows}
        print_json(found)
    else:
        images = [path for row in results for path in (run.folder / "stress" / row.scenario.name).glob("*.png")]
        if images:
            echo(f"Images: {len(images)} in {run.folder / 'stress'}")
        stress_output.show(results, failed, verbose)
    click.get_current_context().exit(int(bool(failed)))


def _chosen(names: tuple[str, ...]) -> list[Scenario]:
    """The named scenarios, or all. Raises BadInput for an unknown name."""
    known = scenarios()
    if not names:
        return list(known.values())
    chosen: dict[str, Scenario] = {}
    for name in names:
        found = fnmatch.filter(known, name)
        if not found:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "nn stress --list shows all"
            raise BadInput(f"no scenario is called {name!r}; {hint}")
        chosen |= {key: known[key] for key in found}
    return list(chosen.values())


def _run(folder: Path | None, quiet: bool, trust: bool) -> Run:
    """The given run, or one that is trained now. Raises BadInput if the given one has no weights."""
    if folder is not None:
        read_arrays(folder / "weights.safetensors")
        require_trust(folder, read_run_settings(folder).plugins, trust)
        return Run(folder)
    if not quiet:
        echo("Training the default network on synthetic digits first...")
    with counting("drawing digits") as advance:
        session = prepare(Settings(epochs=3), advance)
    run = Run.create(None, RUNS / "stress")  # not in runs/ itself, where `nn predict` looks for the newest run
    with run.locked():
        session.train(run, SilentReporter())
    return run


def _fields(result: ScenarioResult, failed: dict[str, str]) -> dict[str, Any]:
    is_failed = result.outcome is ScenarioOutcome.FAILED
    return {
        "name": result.scenario.name,
        "what": result.scenario.what,
        "expected": result.scenario.expected,
        "observed": result.observation.text,
        "outcome": result.outcome,
        "seconds": round(result.seconds, 3),
        "metrics": result.observation.metrics,
        "violation": violation_of(result).to_dict() if is_failed else None,
        "signature": failed.get(result.scenario.name),
    }
