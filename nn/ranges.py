"""Refusals of settings: each names the setting, its value, and what was expected."""

from __future__ import annotations

from math import isfinite


def positive(**settings: float) -> None:
    """Raises ValueError unless each is a finite number above 0."""
    for name, value in settings.items():
        if not (isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a finite number above 0, found {value}")


def fraction(**settings: float) -> None:
    """Raises ValueError unless each lies in [0, 1)."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1), found {value}")


def factor(**settings: float) -> None:
    """Raises ValueError unless each lies in [0, 1], both included."""
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in [0, 1], found {value}")
