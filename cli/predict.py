"""nn predict: read a digit."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", "folder", type=click.Path(path_type=Path), help="A trained run (the newest by default).")
@click.option("--weights", type=click.Choice(["best", "last"]), default="last", help="Of which epoch (last).")
@click.option("--json", "as_json", is_flag=True, help="A list of {file, prediction, confidence, probabilities}.")
def command(images: tuple[Path, ...], folder: Path | None, weights: str, as_json: bool) -> None:
    """Read the digit in each of IMAGES with a trained run."""
    from nn.data.pictures import read_digit
    from nn.figures import shades
    from nn.predict import Reader
    from nn.run import Run, newest

    run = Run(folder) if folder else newest()
    reader = Reader(run, weights)
    if not as_json:
        click.echo(f"Weights: {reader.weights} of {run.folder}")
    rows = []
    for path in images:
        digit = read_digit(path)
        probabilities = reader.probabilities(digit)
        best = int(probabilities.argmax())
        name, confidence = reader.classes[best], float(probabilities[best])
        rows.append(
            {
                "file": str(path),
                "weights": reader.weights,
                "prediction": name,
                "confidence": confidence,
                "probabilities": [float(p) for p in probabilities],
            }
        )
        if as_json:
            continue
        for line in shades(digit):
            click.echo(line)
        click.echo(f"Prediction: {name} (confidence: {confidence:.1%})")
        click.echo(f"Probabilities: [{', '.join(f'{p:.3f}' for p in probabilities)}]")
        width = max(map(len, reader.classes))
        for label, p in zip(reader.classes, probabilities, strict=True):
            click.echo(f"  {label:<{width}} {'█' * round(40 * float(p)):<40} {p:6.1%}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
