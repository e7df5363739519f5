"""nn train: learn, under law where --strict is given, and show what came of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("data", required=False)
@click.option("--strict", is_flag=True, default=None, help="Enforce every law while training.")
@click.option("--epochs", type=int, help="Passes over the training set (10).")
@click.option("--batch-size", type=int, help="Samples a step (32).")
@click.option("--lr", type=float, help="Learning rate (0.01).")
@click.option("--clip-norm", type=float, help="Longest gradient allowed; 0 for any (0).")
@click.option("--adversarial", type=float,
              help="Adversarial training: against changes of a pixel up to this share of white (0).")
@click.option("--seed", type=int, help="Seed of all randomness (0).")
@click.option("--layers", help='Layers, e.g. "dense:128 relu dense:64 relu dense:10".')
@click.option("--model", help="A whole model instead of layers (network).")
@click.option("--loss", help="Loss (softmax_cross_entropy).")
@click.option("--optimizer", help="Optimizer (sgd), e.g. adam or momentum:beta=0.95.")
@click.option("--schedule", help="Learning rate over time (constant).")
@click.option("--init", help="Initializer of the weights (he).")
@click.option("--batches", help="How batches are drawn (shuffled).")
@click.option("--validation", type=int, help="Images held out for validation (5000, or a twelfth if less; 0: none).")
@click.option("--threads", type=int, help="Threads of a matrix product; 0: one a processor, for wide layers (1).")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE", help="Your own plugin file; may be repeated.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings from a TOML file; flags win over it.")
@click.option("--run", "folder", type=click.Path(path_type=Path), help="Run folder to make (runs/<time>).")
@click.option("--stop-after", type=click.IntRange(min=1), help="Stop after this epoch; --resume goes on.")
@click.option("--resume", "resumed", type=click.Path(path_type=Path), help="Go on with a run that was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def command(
    config: Path | None,
    folder: Path | None,
    stop_after: int | None,
    resumed: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train on DATA: a folder with the four files of MNIST, Fashion-MNIST or EMNIST, or an .npz file.

    `nn fetch DATA` fetches MNIST. Without DATA, train on built-in synthetic digits.
    """
    from nnlaw.cli.output.progress import counting
    from nnlaw.nn.core.settings import Settings
    from nnlaw.nn.data.dataset_info import SYNTHETIC
    from nnlaw.nn.data.load import dataset_name
    from nnlaw.nn.run_folder.folder import Run
    from nnlaw.nn.run_folder.metadata import file_settings
    from nnlaw.nn.training.session import prepare
    from nnlaw.spec.violation import BadInput

    if resumed is not None:
        if config or folder:
            raise BadInput(f"--{'config' if config else 'run'}: a run that is resumed has its own, leave it out")
        run = Run(resumed)
        with run.locked():
            _resume(run, flags, stop_after, as_json)
        return
    settings = (file_settings(config) if config else Settings()).changed({**flags, "plugins": flags["plugins"] or None})
    if not as_json:
        name = dataset_name(Path(settings.data)) if settings.data else SYNTHETIC
        click.echo(f"Loading {name.removesuffix(' digits')} dataset...")
    with counting("drawing digits") as tell:
        session = prepare(settings, tell)
    run = Run.create(folder)
    with run.locked():
        _train(session, run, stop_after, as_json)


def _resume(run: Any, flags: dict[str, Any], stop_after: int | None, as_json: bool) -> None:
    from nnlaw.nn.runs.resume import resume

    session = resume(run, flags, stop_after)
    if not as_json:
        click.echo(f"Resuming {run.folder} after epoch {len(session.epochs)} of {session.settings.epochs}")
    _train(session, run, stop_after, as_json)


def _train(session: Any, run: Any, stop_after: int | None, as_json: bool) -> None:
    with _resumable(run), _judgeable(session.settings):
        summary = (_train_quietly if as_json else _train_aloud)(session, run, stop_after)
    if not as_json:
        return
    if summary is None:
        summary = {"epochs": session.settings.epochs, "stopped_after": stop_after}
    summary.pop("probabilities", None)
    click.echo(json.dumps(summary | {"run": str(run.folder)}))


def _go_on(run: Any) -> str:
    """The command that goes on with a run, as a shell takes it."""
    return f"nn train --resume {shlex.quote(str(run.folder))}"


@contextmanager
def _resumable(run: Any) -> Iterator[None]:
    """Whoever interrupts a training, no longer reads it, or has no room for it, is told how it goes on."""
    from nnlaw.nn.training.checkpoint import NAME
    from nnlaw.spec.violation import BadInput

    def hint() -> str:
        begun = (run.folder / NAME).exists() and not run.whole
        return f"; go on with: {_go_on(run)}" if begun else ""

    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Abort(f"interrupted{hint()}") from None
    except BrokenPipeError:
        click.echo(f"nobody reads the output any more{hint()}", err=True)
        raise
    except BadInput as error:
        raise BadInput(f"{error}{hint()}") if isinstance(error.__cause__, OSError) else error from error.__cause__


@contextmanager
def _judgeable(settings: Any) -> Iterator[None]:
    """Whoever trains a plugin of their own without laws, and meets an exception, is told how to have it judged."""
    from nnlaw.nn.plugins.errors import blamed
    from nnlaw.spec.violation import BadInput, Violation

    try:
        yield
    except (BadInput, Violation, BrokenPipeError):
        raise
    except Exception as error:
        if settings.strict or not settings.plugins:
            raise
        raise BadInput(f"{blamed(error)}; --strict names the law that is broken") from error


def _train_quietly(session: Any, run: Any, stop_after: int | None) -> dict[str, Any] | None:
    from nnlaw.nn.core.reporter import Silent

    summary: dict[str, Any] | None = session.train(run, Silent(), stop_after)
    if summary is not None:
        _paint(session, run, summary)
    return summary


def _train_aloud(session: Any, run: Any, stop_after: int | None) -> dict[str, Any] | None:
    from nnlaw.cli.output import train_output as show

    settings = session.settings
    for line in show.dataset_lines(session) + show.architecture_lines(session):
        click.echo(line)
    click.echo(f"Training with mini-batch gradient descent (batch_size={settings.batch_size}, lr={settings.lr:g})")
    if settings.adversarial:
        eps = f"eps = {settings.adversarial:g}"
        click.echo(f"  Adversarial training: batches are moved by up to {eps} to where they cost more")
    measured = f"{len(session.split.x_val):,} validation" if len(session.split.x_val) else "training"
    click.echo(f"  Loss: mean over the epoch's batches. Accuracy: on the {measured} images, after the epoch")
    teller = show.Teller(settings.epochs, session.steps_per_epoch)
    try:
        summary: dict[str, Any] | None = session.train(run, teller, stop_after)
    finally:
        teller.close()
    if summary is None:
        click.echo(f"Stopped after epoch {stop_after} of {settings.epochs}; go on with: {_go_on(run)}")
        return None
    click.echo(f"Test set accuracy: {summary['test_accuracy']:.1%}")
    for name, value in summary["metrics"].items():
        click.echo(f"Test set {name}: {value:.4g}")
    classes = session.dataset.classes
    for line in show.confusion_lines(summary["confusion"], classes):
        click.echo(line)
    images, truth, predicted = _paint(session, run, summary)
    for line in show.mistake_lines(images, truth, predicted, classes):
        click.echo(line)
    if summary["judged"]:
        counts = ", ".join(f"{law} {count:,}" for law, count in summary["judged"].items())
        click.echo(f"Every law held. Judged: {counts}")
    click.echo(f"Run folder: {run.folder} (curves.png, mistakes.png, metrics.jsonl, weights.safetensors, ...)")
    return summary


def _paint(session: Any, run: Any, summary: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Write the pictures of the run; return the misclassified test images, what they are, and how they were read."""
    from nnlaw.nn.run_folder.folder import write_picture
    from nnlaw.nn.runs.plots import curves, mistakes

    truth = session.split.y_test
    predicted = summary["probabilities"].argmax(axis=1)
    wrong = (predicted != truth).nonzero()[0]
    images = session.dataset.test_images[wrong]
    found = images, truth[wrong], predicted[wrong]
    write_picture(run, "curves.png", lambda path: curves(session.epochs, path))
    write_picture(run, "mistakes.png", lambda path: mistakes(*found, session.dataset.classes, path))
    return found
