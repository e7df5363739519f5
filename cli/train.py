"""nn train: train a network, print its progress and its results."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from nnlaw.cli.completion import plugin_names, runs
from nnlaw.cli.output import train_output
from nnlaw.cli.output.progress import counting
from nnlaw.cli.output.streams import echo, print_json
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset_info import SYNTHETIC
from nnlaw.nn.data.load import dataset_name
from nnlaw.nn.plugins.errors import describe_user_error
from nnlaw.nn.plugins.installed import source_file, with_installed
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import NAME as RECORD
from nnlaw.nn.run_folder.metadata import PLUGINS, read_run_settings, read_settings_file
from nnlaw.nn.run_folder.trust import require_trust
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.runs.run_pictures import write_pictures
from nnlaw.nn.training.checkpoint import NAME as CHECKPOINT
from nnlaw.nn.training.checkpoint import read_header
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.violation import BadInput, Violation


def _not_negative(context: click.Context, option: click.Parameter, value: int | None) -> int | None:
    if value is not None and value < 0:
        raise BadInput(f"{option.opts[0]} {value}, expected 0 or more")
    return value


@click.command()
@click.argument("data", required=False)
@click.option("--strict", is_flag=True, default=None, help="Check every law while training.")
@click.option("--epochs", type=int, help="Passes over the training set.  [10]")
@click.option("--batch-size", type=int, help="Samples per step.  [32]")
@click.option("--lr", type=float, help="Learning rate.  [0.01]")
@click.option("--clip-norm", type=float, help="Largest gradient norm; 0: no limit.  [0]")
@click.option("--adversarial", type=float, help="Adversarial training: largest change of a pixel, 0 to 1.  [0]")
@click.option("--seed", type=int, help="Random seed.  [0]")
@click.option("--layers", help='Layers, e.g. "dense:128 relu dense:64 relu dense:10".')
@click.option("--model", shell_complete=plugin_names, help="A whole model instead of layers.  [network]")
@click.option("--loss", shell_complete=plugin_names, help="Loss.  [softmax_cross_entropy]")
@click.option("--optimizer", shell_complete=plugin_names, help="Optimizer, e.g. adam or momentum:beta=0.95.  [sgd]")
@click.option("--schedule", shell_complete=plugin_names, help="Learning rate over time.  [constant]")
@click.option("--init", shell_complete=plugin_names, help="Initializer of the weights.  [he]")
@click.option("--batches", shell_complete=plugin_names, help="Batch sampler.  [shuffled]")
@click.option("--validation", type=int, callback=_not_negative,
              help="Number of validation images.  [5000, or a twelfth of a small set]")  # fmt: skip
@click.option("--threads", type=int, help="BLAS threads; 0: all cores.  [1]")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE|MODULE",
              help="Your plugins: a file, or a module such as acme.layers. Can be repeated.")  # fmt: skip
@click.option("--config", type=click.Path(path_type=Path), help="Read settings from a TOML file; options override it.")
@click.option("--run", "folder", type=click.Path(path_type=Path), help="Run folder to create.  [runs/<time>]")
@click.option("--stop-after", type=click.IntRange(min=1), help="Stop after this epoch, to continue with --resume.")
@click.option("--resume", "resumed", shell_complete=runs, type=click.Path(path_type=Path),
              help="Continue a stopped run.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print only the summary, as JSON.")
@click.option("--trust", is_flag=True, help="Run the plugins in the resumed run folder with your rights.")
def command(
    config: Path | None,
    folder: Path | None,
    stop_after: int | None,
    resumed: Path | None,
    as_json: bool,
    trust: bool,
    **flags: Any,
) -> None:
    """Train on DATA: a folder with the four files of MNIST, Fashion-MNIST or EMNIST, an .npz or CSV file, or a folder
    of images per class.

    `nn fetch DATA` downloads MNIST. Without DATA, train on built-in synthetic digits.
    """
    if resumed is not None:
        if config or folder:
            raise BadInput(f"--{'config' if config else 'run'} can't be combined with --resume")
        run = Run(resumed)
        with run.locked():
            read_header(run)  # refuses what is not a run folder
            require_trust(run.folder, read_run_settings(run.folder).plugins, trust)
            session = resume(run, flags, stop_after)
            if not as_json:
                echo(f"Resuming {run.folder} after epoch {len(session.epochs)} of {session.settings.epochs}")
            _train(session, run, stop_after, as_json)
        return
    defaults = read_settings_file(config) if config else Settings()
    if config and (config.parent / RECORD).exists() and not flags["plugins"]:  # the settings of another run
        require_trust(config.parent, defaults.plugins, trust)
    plugins = tuple(str(source_file(name)) for name in flags["plugins"])
    settings = with_installed(defaults.with_changes({**flags, "plugins": plugins or None}))
    if not as_json:
        name = dataset_name(Path(settings.data)) if settings.data else SYNTHETIC
        echo(f"Loading {name.removesuffix(' digits')} dataset...")
    with counting("rendering digits") as progress:
        session = prepare(settings, progress)
    for note in () if as_json else session.split.dataset.notes:
        echo(note)
    run = Run.create(folder)
    with run.locked():
        _train(session, run, stop_after, as_json)


def _train(session: Session, run: Run, stop_after: int | None, as_json: bool) -> None:
    with _resume_hint(run), _strict_hint(session.settings):
        if not as_json:
            _train_with_output(session, run, stop_after)
            return
        summary = session.train(run, SilentReporter(), stop_after)
        if summary is not None:
            write_pictures(session, run, summary)
    if summary is None:
        summary = {"epochs": session.settings.epochs, "stopped_after": stop_after}
    summary.pop("probabilities", None)
    print_json(summary | {"run": str(run.folder)}, indent=None)


def _resume_command(run: Run) -> str:
    """The command that continues a run, quoted for a shell."""
    trust = " --trust" if any((run.folder / PLUGINS).glob("*.py")) else ""
    return f"nn train --resume {shlex.quote(str(run.folder))}{trust}"


@contextmanager
def _resume_hint(run: Run) -> Iterator[None]:
    """Add the command that continues the run, if it is interrupted, its output pipe closed, or the disk full."""

    def hint() -> str:
        resumable = (run.folder / CHECKPOINT).exists() and not run.complete
        return f"; continue with: {_resume_command(run)}" if resumable else ""

    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Abort(f"interrupted{hint()}") from None
    except BrokenPipeError:
        echo(f"output pipe was closed{hint()}", err=True)
        raise
    except BadInput as error:
        if isinstance(error.__cause__, OSError):
            raise BadInput(f"{error}{hint()}") from error.__cause__
        raise


@contextmanager
def _strict_hint(settings: Settings) -> Iterator[None]:
    """Point to --strict if a user's plugin raises in a training that is not strict."""
    try:
        yield
    except (BadInput, Violation, BrokenPipeError):
        raise
    except Exception as error:
        if settings.strict or not settings.plugins:
            raise
        raise BadInput(f"{describe_user_error(error)}; --strict names the law that fails") from error


def _train_with_output(session: Session, run: Run, stop_after: int | None) -> None:
    settings, classes = session.settings, session.dataset.classes
    _print(train_output.dataset_lines(session) + train_output.architecture_lines(session))
    _print(train_output.training_lines(session))
    printer = train_output.ProgressPrinter(settings.epochs, session.steps_per_epoch)
    try:
        summary = session.train(run, printer, stop_after)
    finally:
        printer.close()
    if summary is None:
        echo(f"Stopped after epoch {stop_after} of {settings.epochs}; continue with: {_resume_command(run)}")
        return
    _print(train_output.test_lines(summary))
    _print(train_output.confusion_lines(summary["confusion"], classes))
    images, truth, predicted = write_pictures(session, run, summary)
    _print(train_output.mistake_lines(images, truth, predicted, classes))
    _print(train_output.closing_lines(summary, run))


def _print(lines: list[str]) -> None:
    for line in lines:
        echo(line)
