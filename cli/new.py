"""nn new: write a skeleton of a layer, loss, optimizer, ... that passes nn verify, to be changed step by step."""

from __future__ import annotations

import difflib
import keyword
import shlex
from importlib.resources import files
from pathlib import Path
from string import Template

import click

import nnlaw.nn.builtin  # noqa: F401  # registers the built-in plugins
from nnlaw.cli.completion import kinds
from nnlaw.cli.output.streams import as_line, echo
from nnlaw.nn.core.atomic_write import write_new
from nnlaw.nn.plugins.registry import KINDS, REGISTRY, canonical
from nnlaw.spec import reference
from nnlaw.spec.violation import BadInput

COMPUTES = {
    "layer": "swish", "loss": "softmax_cross_entropy", "optimizer": "momentum", "initializer": "xavier_uniform",
    "schedule": "linear", "metric": "accuracy",
}  # fmt: skip
"""The standard name of what each skeleton computes."""

STANDARD_NAMES: dict[str, dict[str, object]] = {
    "layer": {**reference.LAYERS}, "loss": {**reference.LOSSES}, "optimizer": {**reference.OPTIMIZERS},
    "initializer": {**reference.INITIALIZERS}, "schedule": {**reference.SCHEDULES}, "metric": {**reference.METRICS},
}  # fmt: skip


@click.command()
@click.argument("kind", shell_complete=kinds)
@click.argument("name")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file.  [default: NAME.py]")
def command(kind: str, name: str, output: Path | None) -> None:
    """Write a skeleton to start from. It passes nn verify.

    KIND is layer, loss, optimizer, initializer, schedule, batches, metric or model. An existing file is never
    overwritten.
    """
    name = _checked_name(kind, name)
    file = output or Path(f"{name}.py")
    text = _skeleton(kind, name, file)
    write_new(file, text)
    echo(file, f"Next: {_command(file)}")
    standard_name = reference.standard_name(None, name, STANDARD_NAMES.get(kind, {}))
    if standard_name and standard_name != COMPUTES[kind]:
        echo(
            f"Note: {name} is a standard name, but the skeleton computes {COMPUTES[kind]}. "
            f"The law definition fails until it computes {standard_name}."
        )


def _checked_name(kind: str, name: str) -> str:
    """The name in its registered form. Raises BadInput for an unknown kind, or a name that can't be used."""
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(KINDS)}"
        raise BadInput(f"unknown kind {kind!r}{hint}")
    found = canonical(name)
    if not found.isidentifier() or not found.isascii() or keyword.iskeyword(found):
        raise BadInput(f"{name!r} is not a valid name; use letters, digits and _, such as swish or my_layer")
    if (kind, found) in REGISTRY.plugins:
        raise BadInput(f"{kind} {name!r} is built in; choose another name")
    return found


def _command(file: Path) -> str:
    """The command that checks a file, quoted for a shell."""
    separator = "-- " if str(file).startswith("-") else ""
    return f"nn verify {separator}{shlex.quote(str(file))}"


def _skeleton(kind: str, name: str, file: Path) -> str:
    class_name = "".join(word.capitalize() for word in name.split("_")) or "Mine"
    text = (files("nnlaw.cli") / "skeletons" / f"{kind}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(name=name, Class=class_name, function=f"{name}_{kind}", file=_in_docstring(file))


def _in_docstring(file: Path) -> str:
    """The path as it is written in the docstring of the skeleton, where a backslash begins an escape."""
    return as_line(file.as_posix()).replace("\\", "/").replace('"', "'")
