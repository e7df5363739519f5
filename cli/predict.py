"""nn predict: read the digits in pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nnlaw.nn.images.framing import Bytes
    from nnlaw.nn.runs.predictor import Reader


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", "folder", type=click.Path(path_type=Path), help="A trained run (the newest by default).")
@click.option("--weights", type=click.Choice(["best", "last"]), default="last", help="Of which epoch (last).")
@click.option("--all", "several", is_flag=True, help="Read several digits in a picture, line by line.")
@click.option("--json", "as_json", is_flag=True, help="A list of {file, prediction, confidence, probabilities}.")
def command(images: tuple[Path, ...], folder: Path | None, weights: str, several: bool, as_json: bool) -> int:
    """Read the digit in each of IMAGES, picture files or folders of them, with a trained run.

    A picture that shows no single digit is refused with a reason (exit code 1). A file that cannot be read (exit code
    2) does not stop the others.
    """
    from nnlaw.nn.run_folder.folder import Run, newest
    from nnlaw.nn.runs.predictor import Reader

    run = Run(folder) if folder else newest()
    reader = Reader(run, weights)
    if not as_json:
        click.echo(f"Weights: {reader.weights} of {run.folder}")
    rows, codes = [], [0]
    for file, pictures, error in _found(images, reader, several):
        if error is not None:
            rows.append({"file": str(file), "error": str(error)})
            codes.append(_code(error))
            click.echo(f"nn: {error}", err=True)
            continue
        read = [_row(file, reader, picture) for picture in pictures]
        rows += [row | {"place": place} for place, row in enumerate(read, 1)] if several else read
        if not as_json:
            _tell(file, pictures, read, reader.classes)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    return max(codes)


def _found(
    paths: tuple[Path, ...], reader: Reader, several: bool
) -> Iterator[tuple[Path, list[Bytes], Exception | None]]:
    """Each file under the paths, with the framed pictures in it, or what is wrong with it."""
    from nnlaw.nn.images.ink_extraction import Refused
    from nnlaw.nn.images.read import pictures_in, read_glyphs
    from nnlaw.spec.violation import BadInput

    for path in paths:
        try:
            files = pictures_in(path)
        except BadInput as error:
            yield path, [], error
            continue
        for file in files:
            try:
                yield file, read_glyphs(file, reader.frame, several), None
            except (BadInput, Refused) as error:
                yield file, [], error


def _code(error: Exception) -> int:
    from nnlaw.spec.violation import BadInput

    return 2 if isinstance(error, BadInput) else 1


def _row(file: Path, reader: Reader, picture: Bytes) -> dict[str, Any]:
    answer = reader.answer(picture)
    return {
        "file": str(file),
        "weights": reader.weights,
        "prediction": answer.name,
        "confidence": answer.confidence,
        "probabilities": [float(p) for p in answer.probabilities],
    }


def _tell(file: Path, pictures: list[Bytes], rows: list[dict[str, Any]], classes: tuple[str, ...]) -> None:
    from nnlaw.nn.runs.plots import shades

    width = max(map(len, classes))
    click.echo(f"{file}:")
    for picture, row in zip(pictures, rows, strict=True):
        for line in shades(picture):
            click.echo(line)
        click.echo(f"Prediction: {row['prediction']} (confidence: {row['confidence']:.1%})")
        click.echo(f"Probabilities: [{', '.join(f'{p:.3f}' for p in row['probabilities'])}]")
        for label, p in zip(classes, row["probabilities"], strict=True):
            click.echo(f"  {label:<{width}} {'█' * round(40 * p):<40} {p:6.1%}")
    if len(rows) > 1:
        click.echo(f"In order: {' '.join(row['prediction'] for row in rows)}")
