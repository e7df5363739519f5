"""Callbacks that check the value of an option before the work begins.

    @click.option("--csv", type=click.Path(path_type=Path), callback=output_file)
    @click.option("--timeout", type=click.FloatRange(min=0.1), callback=finite)
"""

from __future__ import annotations

import math
from pathlib import Path

import click


def output_file(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    """The path. Raises BadInput if it is a source file or a folder, or its folder does not exist."""
    if value is not None:
        from nnlaw.nn.core.atomic_write import check_output  # imports NumPy

        check_output(value)
    return value


def finite(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """The number of seconds, which may not be nan or infinite: nothing would ever be too late."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds")
    return value
