"""nn plugins: list the layers, losses, optimizers, ... that nn train and nn verify accept by name."""

from __future__ import annotations

import json
from inspect import Parameter
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.table import Table

import nnlaw.nn.builtin  # noqa: F401  # registers the built-in plugins
from nnlaw.cli.output.console import clean, console
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.plugins.registry import REGISTRY, Plugin
from nnlaw.spec.violation import relative_to_cwd


@click.command()
@click.option("--plugin", "files", multiple=True, metavar="FILE", help="List your own plugins, too. Can be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(files: tuple[str, ...], as_json: bool) -> None:
    """List the plugins: kind, name, contract and settings, and the file of your own ones."""
    for file in files:
        load_plugin_file(Path(file))
    plugins = list(REGISTRY.plugins.values())
    if as_json:
        click.echo(json.dumps([_to_dict(plugin) for plugin in plugins], indent=2))
        return
    columns = ["kind", "name", "contract", "settings"] + (["file"] if files else [])
    table = Table(*columns, box=SIMPLE)
    for plugin in plugins:
        file = "" if plugin.built_in else relative_to_cwd(plugin.file)
        row = [plugin.kind, plugin.name, plugin.contract, ", ".join(_settings(plugin)), file]
        table.add_row(*map(clean, row[: len(columns)]))
    console().print(table)


def _to_dict(plugin: Plugin) -> dict[str, object]:
    return {
        "kind": plugin.kind,
        "name": plugin.name,
        "contract": plugin.contract,
        "settings": _settings(plugin),
        "file": plugin.file,
    }


def _settings(plugin: Plugin) -> list[str]:
    """`["rate: float = 0.5"]`."""
    return [_setting(parameter) for parameter in plugin.settings.values()]


def _setting(parameter: Parameter) -> str:
    annotation = parameter.annotation
    type_name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    typed = f": {type_name}" if annotation is not parameter.empty else ""
    default = f" = {parameter.default!r}" if parameter.default is not parameter.empty else ""
    return f"{parameter.name}{typed}{default}"
