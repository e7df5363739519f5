"""Refusals of settings: each names the setting, its value, and where it must lie."""

from __future__ import annotations

from typing import Any

from nnlaw.spec.contracts.intervals import parse_interval


def admit(plugin: Any, **settings: float) -> None:
    """Raises ValueError unless each setting lies in the interval that `plugin.admits` has for it."""
    for name, value in settings.items():
        if value not in parse_interval(plugin.admits[name]):
            raise ValueError(f"{name} must lie in {plugin.admits[name]}, found {value}")
