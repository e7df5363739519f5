"""A callback for options that name a file to write: what can't be written is refused before the work begins.

    @click.option("--csv", type=click.Path(path_type=Path), callback=output_file)
"""

from __future__ import annotations

from pathlib import Path

import click


def output_file(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    """The path. Raises BadInput if it is a source file or a folder, or its folder does not exist."""
    if value is not None:
        from nnlaw.nn.core.atomic_write import check_output  # imports NumPy

        check_output(value)
    return value
