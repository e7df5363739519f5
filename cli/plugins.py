"""nn plugins: what can be named in a layer string or a flag."""

from __future__ import annotations

from inspect import Parameter
from pathlib import Path

import click


@click.command()
@click.option("--plugin", "files", multiple=True, metavar="FILE", help="Your own plugin file; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def command(files: tuple[str, ...], as_json: bool) -> None:
    """List the plugins: kind, name, contract, settings and file."""
    import json

    import nnlaw.nn.builtin  # noqa: F401  # registers what is built in
    from nnlaw.nn.plugins.loader import load_file
    from nnlaw.nn.plugins.registry import REGISTRY

    for file in files:
        load_file(Path(file))
    rows = [
        {
            "kind": plugin.kind,
            "name": plugin.name,
            "contract": plugin.contract,
            "settings": [_shown(row) for row in plugin.settings.values()],
            "file": plugin.file,
        }
        for plugin in REGISTRY.plugins.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        settings = ", ".join(row["settings"])
        click.echo(f"{row['kind']:12} {row['name']:22} {row['contract']:20} {settings:40} {row['file']}")


def _shown(row: Parameter) -> str:
    """`rate: float = 0.5`, also where annotations are kept as text."""
    kind = row.annotation if isinstance(row.annotation, str) else getattr(row.annotation, "__name__", "")
    typed = f": {kind}" if row.annotation is not row.empty else ""
    return f"{row.name}{typed}" + (f" = {row.default!r}" if row.default is not row.empty else "")
