"""Check the settings of a plugin against the intervals that it declares as `admits`."""

from __future__ import annotations

from typing import Any

from nnlaw.spec.contracts.intervals import parse_interval


def check_settings(plugin: Any, **settings: float) -> None:
    """Raise ValueError unless each setting is in the interval that `plugin.admits` declares for it."""
    for name, value in settings.items():
        if value not in parse_interval(plugin.admits[name]):
            raise ValueError(f"{name} must lie in {plugin.admits[name]}, found {value}")
