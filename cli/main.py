"""The command `nn`: a group of commands, each imported only when it is called.

A Violation ends in exit code 1, unusable input in exit code 2, each with a message and without a traceback.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from nnlaw._child import prestart
from nnlaw._names import install
from nnlaw.cli.output.streams import Stream, discard_output, echo, open_streams

COMMANDS = {
    "train": "Train a network on MNIST files or on built-in synthetic digits.",
    "fetch": "Download MNIST, Fashion-MNIST or Kuzushiji-MNIST and verify the files.",
    "digits": "Write synthetic digits as MNIST files.",
    "predict": "Read handwritten digits in pictures.",
    "verify": "Check hand-written network code against every law.",
    "grade": "Grade the submissions of a class by a rubric.",
    "new": "Write a skeleton of a layer, loss, optimizer, ... that passes.",
    "plugins": "List what can be named in nn train: layers, losses, optimizers, ...",
    "laws": "List the laws, or print the page of one.",
    "replay": "Reproduce a recorded failure.",
    "runs": "List training runs with their metrics.",
    "bundle": "Pack a finished run into one file that others can check.",
    "reproduce": "Train a bundle again and compare the results.",
    "stress": "Run robustness tests: bad data, corrupt files, crashes, full disks, adversarial images.",
    "bench": "Measure speed and memory, compared with bare matrix products.",
    "trace": "Walk through backpropagation in a small network, with every number.",
}

HELP = {"-h", "--help"}
INTERRUPTED = 130  # exit code after Ctrl-C, as shells report it: 128 + SIGINT
COMPLETION = "_NN_COMPLETE"  # set by a shell that completes a command line
BROKEN_PIPE = 141  # exit code if the reader of the output is gone, as shells report it: 128 + SIGPIPE


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`nn help train` is `nn train --help`."""
        return super().parse_args(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import `cli.<name>` and return its command."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"nnlaw.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for an unknown command."""
        if args[0] == "verify" and not HELP & set(args) and any(map(os.path.exists, args[1:])):
            prestart()  # it imports NumPy while this process does
        if args[0] not in COMMANDS and args[0].isprintable() and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no command is called {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. End without a message if its reader is gone, as in `nn laws | head`."""
        try:
            code = super().invoke(ctx)
            Stream(err=False).flush()
            return code
        except BrokenPipeError:
            for stream in (sys.stdout, sys.stderr):
                discard_output(stream)
            return BROKEN_PIPE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": sorted(HELP)})
@click.version_option(package_name="nnlaw", message="%(version)s")
def group() -> None:
    """Check hand-written neural networks against executable laws, and train one that obeys them."""


def main(args: list[str] | None = None) -> None:
    """Run a command line and exit: 0 everything passed, 1 a law failed, 2 bad usage or unreadable input."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # set by nnlaw/__main__.py
        signal.signal(signal.SIGINT, signal.default_int_handler)
    open_streams()
    try:
        code = run(args)
        sys.stdout.flush()
    except OSError:  # of help, which click prints
        discard_output(sys.stdout)
    except KeyboardInterrupt:  # while the first one was handled
        code = INTERRUPTED
    sys.exit(code)


def run(args: list[str] | None = None) -> int:
    """Run a command line and return the exit code."""
    install()  # files that we load may import `nn` and `spec`
    leave = os._exit
    os._exit = _leave_without_result  # type: ignore[assignment]  # mypy expects NoReturn
    try:
        code = group.main(args=args, prog_name="nn", standalone_mode=False)
    except click.exceptions.Abort as error:
        echo(str(error) or "interrupted", err=True)
        return INTERRUPTED
    except KeyboardInterrupt:
        echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        _print_usage_error(error)
        return 2
    except SystemExit as done:
        if COMPLETION not in os.environ:
            return _print_error(done)
        return int(done.code or 0)
    except BaseException as error:  # a plugin may raise GeneratorExit, or call sys.exit
        return _print_error(error)
    finally:
        os._exit = leave
    return code if isinstance(code, int) else 0


def _leave_without_result(code: int, own: int = os.getpid(), leave: Callable[[int], None] = os._exit) -> None:
    """What os._exit does while a command runs: a plugin that calls it ends the command with an error, as sys.exit does.

    In a process that was forked, where it belongs, it works as always.
    """
    if os.getpid() != own:
        leave(code)
    raise SystemExit(f"called os._exit({code!r}) before there was a result")


def _print_usage_error(error: click.ClickException) -> None:
    """The message, then the usage in a line; the whole help if no command was given."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        echo(*error.format_message().split("\n"), err=True)
        return
    echo(f"nn: {error.format_message()}", err=True)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        usage = " ".join(error.ctx.get_usage().split())
        echo(f"{usage}  Try '{error.ctx.command_path} --help'.", err=True)


def _print_error(error: BaseException) -> int:
    """Print the error; return the exit code."""
    from nnlaw.spec.violation import BadInput, Violation

    if isinstance(error, Violation):
        from nnlaw.cli.output.console import console
        from nnlaw.cli.output.diagnostic import Diagnostic

        console(stderr=True).print(Diagnostic(error))
        return 1
    if isinstance(error, BadInput):
        echo(f"nn: {error}", err=True)
        return 2
    from nnlaw.nn.plugins.errors import describe_internal_error, describe_user_error, is_internal

    echo(f"nn: {describe_internal_error(error) if is_internal(error) else describe_user_error(error)}", err=True)
    return 2
