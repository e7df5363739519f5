"""nn: the command group. It maps a Violation to exit code 1 and BadInput to exit code 2, never a traceback."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from nnlaw._names import install

COMMANDS = {
    "train": "Train a network, on MNIST files or on the built-in synthetic digits.",
    "fetch": "Download MNIST, Fashion-MNIST or Kuzushiji-MNIST, and verify the files.",
    "digits": "Write synthetic digits as MNIST files.",
    "predict": "Read the digits in pictures or folders of them with a trained run.",
    "verify": "Judge plugins, your own or the built-in ones, by every law.",
    "new": "Write the skeleton of a plugin that passes.",
    "plugins": "List the plugins: contract, settings and file.",
    "laws": "List the laws, or explain one.",
    "replay": "Make a recorded failure happen again.",
    "runs": "List the runs with their figures.",
    "bundle": "Pack a finished run into one file that others can check.",
    "reproduce": "Train a bundle again and compare: identical, within a band, or different and since when.",
    "stress": "Make go wrong what could go wrong, and judge what comes of it.",
    "bench": "Measure speed and memory, beside the bare matrix products.",
    "trace": "Walk through backpropagation in a small network, with every number.",
}

GONE = 141  # the exit code of whoever writes to a reader that has gone, as the shell gives it: 128 + SIGPIPE


class Lazy(click.Group):
    """A group that knows its commands by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import `cli.<name>` and hand out its command."""
        if name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"nnlaw.cli.{name}").command
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; silently at an end where its reader is, as in `nn laws | head`."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)  # what is still to be flushed must not fail once more
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
            return GONE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone, so that --help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy)
@click.version_option(package_name="nnlaw", message="%(version)s")
def group() -> None:
    """A neural network from first principles, under executable laws."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 all held, 1 a law was violated, 2 bad usage or unreadable input."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """The exit code of a command line."""
    install()  # files that we load may say `from nn import layer`
    try:
        code = group.main(args=args, prog_name="nn", standalone_mode=False)
    except click.exceptions.Abort as error:
        click.echo(str(error) or "interrupted", err=True)
        return 130
    except click.ClickException as error:
        told = error.format_message()  # the whole usage where nothing was asked
        click.echo(told if told.startswith("Usage:") else f"nn: {told}", err=True)
        return 2
    except (Exception, SystemExit) as error:  # none of ours calls sys.exit: a plugin does
        return _explain(error)
    return code if isinstance(code, int) else 0


def _explain(error: BaseException) -> int:
    from nnlaw.spec.violation import BadInput, Violation

    if isinstance(error, Violation):
        click.echo(str(error), err=True)
        return 1
    if isinstance(error, BadInput):
        click.echo(f"nn: {error}", err=True)
        return 2
    from nnlaw.nn.plugins.errors import blamed, is_internal, told

    click.echo(f"nn: {told(error) if is_internal(error) else blamed(error)}", err=True)
    return 2
