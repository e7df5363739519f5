"""Registered plugins as the units that spec checks.

    unit_of(REGISTRY.find("layer", "relu"))
    chosen_unit("optimizer", "adam:beta1=0.8")
"""

from __future__ import annotations

from typing import Any

from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.registry import Plugin
from nnlaw.spec.subjects.unit import Unit


def unit_of(plugin: Plugin, options: dict[str, Any] | None = None) -> Unit:
    """The unit of a registered plugin, with the settings that were chosen and its declared exceptions."""
    expected = getattr(plugin.thing, "expected", None) or {}
    return Unit(plugin.kind, plugin.name, plugin.thing, options=options or {}, expected=expected)


def chosen_unit(kind: str, text: str) -> Unit:
    """The unit of a line such as `adam:beta1=0.8`. Raises BadInput if the line is not valid."""
    choice = choose(kind, text)
    positional = dict(zip(choice.plugin.settings, choice.args, strict=False))
    return unit_of(choice.plugin, positional | choice.kwargs)
