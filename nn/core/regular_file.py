"""Refuse pipes and other special files, which could block forever when read."""

from __future__ import annotations

from pathlib import Path

from nnlaw.spec.violation import BadInput


def regular_file(path: Path) -> Path:
    """The path, if it is a regular file or does not exist. Raises BadInput otherwise."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: not a file, expected a regular file")
    return path
