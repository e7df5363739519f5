"""nn reproduce: is a bundle's result the same here?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--data", help="The data, where they are not where they were.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def command(bundle: Path, data: str | None, as_json: bool) -> None:
    """Train BUNDLE again and compare step by step. This runs the plugins that it brings: trust its author.

    Answers identical, within band, or different and since which step. Exit code 0, 0 or 1; 2 where nothing could be
    concluded.
    """
    from nnlaw.cli.output.train_output import Teller
    from nnlaw.nn.core.reporter import Silent
    from nnlaw.nn.runs.reproduce import Reproduction

    with Reproduction(bundle, data) as again:
        settings = again.session.settings
        if as_json:
            found = again.train(Silent())
        else:
            click.echo(f"Training {bundle} again: {settings.epochs} epochs on {again.session.dataset.name}")
            teller = Teller(settings.epochs, again.session.steps_per_epoch)
            try:
                found = again.train(teller)
            finally:
                teller.close()
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(_lines(found)))
    if found["outcome"] == "different":
        raise click.exceptions.Exit(1)


def _lines(found: dict[str, Any]) -> list[str]:
    recorded, here = found["versions"]["recorded"], found["versions"]["here"]
    names = [name for name in {**recorded, **here} if recorded.get(name) != here.get(name)]
    lines = [f"  {name}: recorded {recorded.get(name)}, here {here.get(name)}" for name in names]
    lines = ["Computed by other versions:", *lines] if lines else ["Computed by the same versions"]
    before, now = found["test_accuracy"]
    lines.append(f"Test accuracy: recorded {before:.2%}, here {now:.2%}")
    if found["outcome"] == "identical":
        return [*lines, f"Identical: all {found['steps']:,} steps, weights and probabilities, bit for bit"]
    lines.append(f"Largest change of an epoch's loss: {_size(found['epoch_loss_change'])}, relative")
    lines.append(f"Largest change of a test probability: {_size(found['probability_change'])}")
    band, near = found["band"], found["outcome"] == "within band"
    said = (
        f"{band['rounding']:.0e} at the first difference, {band['epoch_loss']:.0%} in epoch losses, "
        f"{band['accuracy']:.1%} in test accuracy"
    )
    since = f"since step {found['first_difference']:,} of {found['steps']:,}, there by {_size(found['first_change'])}"
    return [*lines, f"{'Within band' if near else 'Different'} {since} (the band: {said})"]


def _size(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
