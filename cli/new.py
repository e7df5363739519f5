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
    from spec.violation import BadInput

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


def _checked(kind: str, name: str) -> str:
    """The name as plugins bear it. Raises BadInput for an unknown kind, or a name that can't be one."""
    import keyword

    import nn.builtin  # noqa: F401  # registers what is built in
    from nn.registry import KINDS, REGISTRY, canonical
    from spec.violation import BadInput

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
    text = (files("cli") / "skeletons" / f"{kind}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(name=name, Class=title, function=f"{name}_{kind}", file=file)
