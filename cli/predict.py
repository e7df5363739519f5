"""nn predict: recognize the digits in pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnlaw.cli.completion import runs
from nnlaw.cli.output.isolation import show_printed, trust_option
from nnlaw.cli.output.streams import as_line, echo, print_json

if TYPE_CHECKING:
    from nnlaw.nn.images.framing import Bytes
    from nnlaw.nn.runs.predictor import Prediction, Predictor

TABLE_HEADER = "digit  confidence  file"
UNSURE = 0.7  # a prediction with less confidence is marked


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", "folder", shell_complete=runs, type=click.Path(path_type=Path),
              help="A trained run (the newest by default).")  # fmt: skip
@click.option("--weights", type=click.Choice(["best", "last"]), default="last", show_default=True,
              help="Weights of the epoch with the best validation accuracy, or of the last one.")  # fmt: skip
@click.option("--all", "several", is_flag=True, help="Read every digit in a picture, line by line from left to right.")
@click.option("--show", is_flag=True, help="Show each picture and all probabilities, also of several pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list of {file, prediction, confidence, ...}.")
@trust_option
def command(
    images: tuple[Path, ...], folder: Path | None, weights: str, several: bool, show: bool, as_json: bool, trust: bool
) -> int:
    """Recognize the digit in each of IMAGES, picture files or folders of them, with a trained run.

    A picture is refused, with the reason, if it does not show one digit: if it is blank or a photograph, or shows
    several digits (use --all) or digits that touch each other, or if the network is unsure. A picture that is refused
    or cannot be read does not stop the others.

    Several pictures, or a folder, give a table; --show shows the pictures, too.

    Exit codes: 0 all pictures were read, 1 a picture was refused, 2 a file could not be read.
    """
    from nnlaw.nn.run_folder.folder import Run, newest_run  # here and below, so that --help is quick
    from nnlaw.nn.run_folder.metadata import read_run_settings
    from nnlaw.nn.runs.predictor import Predictor
    from nnlaw.nn.verify.isolated_run import isolated

    run = Run(folder) if folder else newest_run()
    with isolated(run.folder, read_run_settings(run.folder).plugins, trust) as process:
        reader = Predictor(run, weights, process.open_model if process else None)
        code = _predict(images, reader, several, show, as_json)
    if process:
        show_printed(process, run.folder)
    return code


def _predict(images: tuple[Path, ...], reader: Predictor, several: bool, show: bool, as_json: bool) -> int:
    """Read the pictures and print what they show, a line for each if there are several; the exit code."""
    as_table = not show and (len(images) > 1 or images[0].is_dir())
    if not as_json:
        echo(f"Weights: {reader.weights} of {reader.folder}")
        if as_table:
            echo(TABLE_HEADER)
    rows: list[dict[str, Any]] = []
    codes, errors = [0], []
    for picture in _pictures(images, reader, several):
        codes.append(picture.code)
        if picture.error:
            rows.append({"file": str(picture.file), "error": picture.error})
            errors.append(f"nn: {picture.error}")
        rows += _rows(picture.file, reader.weights, picture.predictions, several)
        if as_table and not as_json:
            _print_row(picture)
        elif not picture.error and not as_json:
            _print(picture, reader.classes)
        if errors and not as_table:
            echo(errors.pop(), err=True)
    if as_json:
        print_json(rows)
    if errors:
        echo(*errors, err=True)
    return max(codes)


@dataclass(frozen=True)
class _Picture:
    """One file: the glyphs in it and what they are, or the error and its exit code."""

    file: Path
    glyphs: list[Bytes] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    error: str = ""
    code: int = 0


def _pictures(paths: tuple[Path, ...], reader: Predictor, several: bool) -> Iterator[_Picture]:
    """Each picture file among the paths and in the folders among them."""
    from nnlaw.nn.images.ink_extraction import PictureRefused
    from nnlaw.nn.images.read import picture_files, read_glyphs
    from nnlaw.spec.violation import BadInput

    for path in paths:
        try:
            files = picture_files(path)
        except BadInput as error:
            yield _Picture(path, error=str(error), code=2)
            continue
        for file in files:
            try:
                glyphs = read_glyphs(file, reader.frame, several)
                predictions = [reader.predict(glyph) for glyph in glyphs]
                _check_sure(file, predictions, reader)
                yield _Picture(file, glyphs, predictions)
            except PictureRefused as error:
                yield _Picture(file, error=str(error), code=1)
            except BadInput as error:
                yield _Picture(file, error=str(error), code=2)


def _check_sure(file: Path, predictions: list[Prediction], reader: Predictor) -> None:
    """Raise PictureRefused if a prediction is a guess, as of a letter, a scribble or half of a digit."""
    from nnlaw.nn.images.ink_extraction import PictureRefused

    for prediction in predictions:
        if prediction.confidence < reader.least:
            likely = prediction.probabilities.argsort()[:-3:-1]
            options = " or ".join(f"{as_line(reader.classes[i])} ({prediction.probabilities[i]:.0%})" for i in likely)
            reason = f"the network is unsure what it shows: {options}, expected {reader.least:.0%} or more"
            raise PictureRefused(f"{file}: {reason}")


def _rows(file: Path, weights: str, predictions: list[Prediction], several: bool) -> list[dict[str, Any]]:
    """One JSON object per digit; with --all also its place in the picture, from 1."""
    rows: list[dict[str, Any]] = []
    for place, prediction in enumerate(predictions, 1):
        row = {
            "file": str(file),
            "weights": weights,
            "prediction": prediction.name,
            "confidence": prediction.confidence,
            "probabilities": [float(p) for p in prediction.probabilities],
        }
        rows.append(row | {"place": place} if several else row)
    return rows


def _print_row(picture: _Picture) -> None:
    """A line of the table: what was read, the lowest confidence, the file."""
    predictions = picture.predictions
    read = " ".join(prediction.name for prediction in predictions)
    lowest = f"{min(p.confidence for p in predictions):.1%}" if predictions else "-"
    remark = "" if predictions else ("  refused" if picture.code == 1 else "  not readable")
    if predictions and min(p.confidence for p in predictions) < UNSURE:
        remark = "  unsure"
    echo(f"{read or '-':<5}  {lowest:>10}  {picture.file}{remark}")


def _print(picture: _Picture, classes: tuple[str, ...]) -> None:
    from nnlaw.nn.runs.plots import shades

    width = max(len(as_line(name)) for name in classes)
    echo(f"{picture.file}:")
    for glyph, prediction in zip(picture.glyphs, picture.predictions, strict=True):
        for line in shades(glyph):
            echo(line)
        unsure = ", unsure" if prediction.confidence < UNSURE else ""
        echo(f"Prediction: {prediction.name} (confidence: {prediction.confidence:.1%}{unsure})")
        echo(f"Probabilities: [{', '.join(f'{p:.3f}' for p in prediction.probabilities)}]")
        for label, p in zip(classes, prediction.probabilities, strict=True):
            echo(f"  {as_line(label):<{width}} {'█' * round(40 * p):<40} {p:6.1%}")
    if len(picture.predictions) > 1:
        echo(f"In order: {' '.join(prediction.name for prediction in picture.predictions)}")
