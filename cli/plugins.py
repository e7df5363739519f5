"""nn plugins: list the layers, losses, optimizers, ... that nn train and nn verify accept by name."""

from __future__ import annotations

from inspect import Parameter

import click
from rich.table import Table

import nnlaw.nn.builtin  # noqa: F401  # registers the built-in plugins
from nnlaw.cli.output.console import console
from nnlaw.cli.output.streams import one_line, print_json
from nnlaw.nn.plugins.installed import BUILT_IN, PLUGINS, installed, origin, source_file
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.plugins.registry import REGISTRY, Plugin


@click.command()
@click.option("--plugin", "files", multiple=True, metavar="FILE|MODULE",
              help="List your own plugins, too. Can be repeated.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(files: tuple[str, ...], as_json: bool) -> None:
    """List the plugins: kind, name, contract and settings, and the file or package of those that are not built in."""
    for file in dict.fromkeys([*(row.file for row in installed(PLUGINS)), *map(source_file, files)]):
        load_plugin_file(file)
    plugins = list(REGISTRY.plugins.values())
    if as_json:
        print_json([_to_dict(plugin) for plugin in plugins])
        return
    console().print(_table(plugins))


def _table(plugins: list[Plugin]) -> Table:
    """One row per plugin. Settings and origins wrap; the other columns keep their width."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, texts in (
        ("kind", [plugin.kind for plugin in plugins]),
        ("name", [plugin.name for plugin in plugins]),
        ("contract", [plugin.contract for plugin in plugins]),
    ):
        table.add_column(title, min_width=max(map(len, texts)))
    for title in ("settings",) if all(plugin.built_in for plugin in plugins) else ("settings", "from"):
        table.add_column(title, overflow="fold")
    for plugin in plugins:
        source = "" if plugin.built_in else origin(plugin.file)
        row = [plugin.kind, plugin.name, plugin.contract, ", ".join(_settings(plugin)), source]
        table.add_row(*map(one_line, row[: len(table.columns)]))
    return table


def _to_dict(plugin: Plugin) -> dict[str, object]:
    return {
        "kind": plugin.kind,
        "name": plugin.name,
        "contract": plugin.contract,
        "settings": _settings(plugin),
        "file": plugin.file,
        "from": BUILT_IN if plugin.built_in else origin(plugin.file),
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
