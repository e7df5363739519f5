"""nn new: the skeleton of a plugin, which passes nn verify as it stands, to change bit by bit."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("kind")
@click.argument("name")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file.  [default: NAME.py]")
def command(kind: str, name: str, output: Path | None) -> None:
    """Write the skeleton of a plugin: a layer, loss, optimizer, initializer, schedule, batches, metric or model.

    It passes `nn verify`. A file that exists is never overwritten.
    """
    from nnlaw.spec.violation import BadInput

    file = output or Path(f"{_checked(kind, name)}.py")
    text = _skeleton(kind, _checked(kind, name), file)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise BadInput(f"{file} exists; choose another with --output") from None
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror}") from error
    click.echo(f"{file}\nNext: nn verify {file}")
    meant = _textbook(kind, _checked(kind, name))
    if meant and meant != OWN[kind]:
        click.echo(
            f"{name} is a standard name, but this skeleton computes {OWN[kind]}: "
            f"law definition will hold it to the textbook's {meant}"
        )


OWN = {
    "layer": "swish", "loss": "softmax_cross_entropy", "optimizer": "momentum", "initializer": "xavier_uniform",
    "schedule": "linear", "metric": "accuracy",
}  # fmt: skip
"""What each skeleton computes."""


def _textbook(kind: str, name: str) -> str:
    """The textbook's name for `name`, or "" where it has none."""
    from nnlaw.spec import reference as d

    tables = {"layer": d.LAYERS, "loss": d.LOSSES, "optimizer": d.OPTIMIZERS, "initializer": d.INITIALIZERS,
              "schedule": d.SCHEDULES, "metric": d.METRICS}
    return d.standard_name(None, name, tables[kind]) if kind in tables else ""  # type: ignore[arg-type]  # of many types


def _checked(kind: str, name: str) -> str:
    """The name as plugins bear it. Raises BadInput for an unknown kind, or a name that can't be one."""
    import keyword

    import nnlaw.nn.builtin  # noqa: F401  # registers what is built in
    from nnlaw.nn.plugins.registry import KINDS, REGISTRY, canonical
    from nnlaw.spec.violation import BadInput

    if kind not in KINDS:
        raise BadInput(f"no kind of plugin is called {kind!r}; known: {', '.join(KINDS)}")
    found = canonical(name)
    if not found.isidentifier() or not found.isascii() or keyword.iskeyword(found):
        raise BadInput(f"{name!r} can't name a plugin; expected letters, digits and _, such as swish or my_layer")
    if (kind, found) in REGISTRY.plugins:
        raise BadInput(f"{kind} {name!r} is built in; give your own another name")
    return found


def _skeleton(kind: str, name: str, file: Path) -> str:
    from importlib.resources import files
    from string import Template

    title = "".join(word.capitalize() for word in name.split("_")) or "Mine"
    text = (files("nnlaw.cli") / "skeletons" / f"{kind}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(name=name, Class=title, function=f"{name}_{kind}", file=file)
