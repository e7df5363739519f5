"""The table `[tool.nnlaw]` of a project's pyproject.toml.

    [tool.nnlaw]
    paths = ["src/layers"]          what nn verify checks if nothing is named
    seed = 1
    timeout = 20                    seconds
    ignores = [{ law = "gradient", path = "src/layers/old/*.py", reason = "frozen with the paper" }]

The file is that of the current folder or of the nearest one above it that has the table. The one beside what is checked
has no effect if that is elsewhere: what is checked has no part in its own outcome.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlaw.nn.core.regular_file import read_toml
from nnlaw.nn.verify.supervisor import MAX_SEED
from nnlaw.spec.declared_exceptions import DeclaredException, checked_exception
from nnlaw.spec.violation import BadInput, relative_to_cwd

KEYS = ("paths", "ignores", "seed", "timeout")
IGNORE_KEYS = {"law", "path", "reason"}


@dataclass(frozen=True)
class ProjectSettings:
    """Files and folders to check, declared exceptions, random seed, and seconds allowed."""

    paths: tuple[str, ...] = ()
    ignores: tuple[DeclaredException, ...] = ()
    seed: int = 0
    timeout: float = 60.0


def project_settings() -> ProjectSettings:
    """The settings of the current folder; the defaults if there are none. Raises BadInput if they are not valid."""
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return ProjectSettings()
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        table = _table(file) if file.is_file() else None
        if table is not None:
            return _settings(table, file)
    return ProjectSettings()


def _table(file: Path) -> dict[str, Any] | None:
    tools = read_toml(Path(relative_to_cwd(str(file)))).get("tool", {})
    return tools.get("nnlaw") if isinstance(tools, dict) else None


def _settings(table: Any, file: Path) -> ProjectSettings:
    place = f"{relative_to_cwd(str(file))}: [tool.nnlaw]"
    unknown = sorted(set(table) - set(KEYS)) if isinstance(table, dict) else [str(table)]
    if unknown:
        raise BadInput(f"{place}: unknown key {unknown[0]!r}, expected {', '.join(KEYS)}")
    paths, seed, timeout = table.get("paths", []), table.get("seed", 0), table.get("timeout", 60.0)
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise BadInput(f"{place}: paths = {paths!r}, expected a list of files and folders")
    if type(seed) is not int or not 0 <= seed <= MAX_SEED:
        raise BadInput(f"{place}: seed = {seed!r}, expected a whole number from 0 to {MAX_SEED}")
    if type(timeout) not in (int, float) or not 0.1 <= timeout < math.inf:
        raise BadInput(f"{place}: timeout = {timeout!r}, expected at least 0.1 seconds")
    ignores = table.get("ignores", [])
    if not isinstance(ignores, list):
        raise BadInput(f"{place}: ignores = {ignores!r}, expected a list of {{ law, path, reason }}")
    return ProjectSettings(
        tuple(relative_to_cwd(str(file.parent / path)) for path in paths),
        tuple(_ignore(row, place, file.parent) for row in ignores),
        seed,
        float(timeout),
    )


def _ignore(row: Any, place: str, folder: Path) -> DeclaredException:
    if not isinstance(row, dict) or not isinstance(row.get("path"), str) or set(row) - IGNORE_KEYS:
        raise BadInput(f'{place}: ignores: {row!r}, expected {{ law = "gradient", path = "old/*.py", reason = "..." }}')
    source = f"{relative_to_cwd(str(folder / 'pyproject.toml'))} ({row['path']})"
    return checked_exception(row.get("law"), row.get("reason"), source, f"{folder.as_posix()}/{row['path']}")
