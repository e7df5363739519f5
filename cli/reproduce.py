"""nn reproduce: train a bundle again and compare the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnlaw.cli.output.isolation import show_printed, trust_option
from nnlaw.cli.output.streams import echo, print_json
from nnlaw.cli.output.train_output import ProgressPrinter
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.runs.reproduce import Reproduction
from nnlaw.nn.verify.isolated_run import isolated


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--data", help="Path of the data, if it has moved.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@trust_option
def command(bundle: Path, data: str | None, as_json: bool, trust: bool) -> None:
    """Train BUNDLE again and compare the results step by step.

    Prints identical, within band, or different (with the first step that differs). Exit code 0, 0, 1; 2 if undecided.

    Plugins in the bundle run in a sandbox. What they compute is compared here, but a plugin can return any numbers.
    """
    with Reproduction(bundle, data) as reproduction, reproduction.naming_the_bundle():
        folder, settings = reproduction.recorded.folder, reproduction.settings
        with isolated(folder, settings.plugins, trust) as process:
            steps = reproduction.prepare(process)
            if as_json:
                found = reproduction.train(SilentReporter(), process)
            else:
                where = " in a sandbox" if process else ""
                name = reproduction.split.dataset.name
                echo(f"Training {bundle} again{where}: {settings.epochs} epochs on {name}")
                printer = ProgressPrinter(settings.epochs, steps)
                try:
                    found = reproduction.train(printer, process)
                finally:
                    printer.close()
        if process:
            show_printed(process, bundle)
    if as_json:
        print_json(found)
    else:
        echo(*_lines(found))
    if found["outcome"] == "different":
        raise click.exceptions.Exit(1)


def _lines(found: dict[str, Any]) -> list[str]:
    recorded, here = found["versions"]["recorded"], found["versions"]["here"]
    names = [name for name in {**recorded, **here} if recorded.get(name) != here.get(name)]
    changes = [f"  {name}: {recorded.get(name)} → {here.get(name)}" for name in names]
    lines = ["Differs from the recorded environment:", *changes] if changes else ["Same environment as recorded"]
    before, now = found["test_accuracy"]
    lines.append(f"Test accuracy: recorded {before:.2%}, here {now:.2%}")
    if found["outcome"] == "identical":
        return [*lines, f"Identical: all {found['steps']:,} steps, weights and probabilities, bit for bit"]
    lines.append(f"Largest relative change of an epoch's loss: {_size(found['epoch_loss_change'])}")
    lines.append(f"Largest change of a test probability: {_size(found['probability_change'])}")
    band = found["band"]
    outcome = "Within band" if found["outcome"] == "within band" else "Different"
    first = f"from step {found['first_difference']:,} of {found['steps']:,}, there by {_size(found['first_change'])}"
    limits = (
        f"{band['rounding']:.0e} at the first difference, {band['epoch_loss']:.0%} in epoch losses, "
        f"{band['accuracy']:.1%} in test accuracy"
    )
    return [*lines, f"{outcome} {first} (the band: {limits})"]


def _size(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
