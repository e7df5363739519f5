"""Names that the shell completes: laws, kinds, plugins, runs, scenarios. Each is read only when TAB is pressed.

    @click.option("--law", shell_complete=law_codes)

`eval "$(_NN_COMPLETE=bash_source nn)"` turns completion on; docs/terminal.md has the lines for zsh and fish.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click


def law_codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The codes of all laws."""
    from nnlaw.spec.law import KINDS, laws_of
    from nnlaw.spec.laws import load_laws

    load_laws()
    return _beginning(incomplete, (row.code for row in laws_of(*KINDS)))


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The kinds of plugins."""
    from nnlaw.nn.plugins.registry import KINDS

    return _beginning(incomplete, KINDS)


def plugin_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The built-in plugins of the option's kind, such as --optimizer; those of all kinds for another parameter."""
    import nnlaw.nn.builtin  # noqa: F401  # registers them
    from nnlaw.nn.plugins.registry import KINDS, REGISTRY

    kind_of_option = {"init": "initializer"}.get(param.name or "", param.name)
    found = (name for kind, name in REGISTRY.plugins if kind_of_option not in KINDS or kind == kind_of_option)
    return _beginning(incomplete, found)


def names_and_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Plugins, and files."""
    return [*map(CompletionItem, plugin_names(ctx, param, incomplete)), CompletionItem(incomplete, type="file")]


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The runs in runs/, the newest first, and other folders."""
    from nnlaw.nn.run_folder.folder import RUNS

    found = sorted((str(file.parent) for file in RUNS.glob("*/config.toml")), reverse=True)
    return [*map(CompletionItem, _beginning(incomplete, found)), CompletionItem(incomplete, type="dir")]


def scenario_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The scenarios of nn stress."""
    from nnlaw.nn.stress.scenario import scenarios

    return _beginning(incomplete, scenarios())


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name.startswith(incomplete)))
