"""Plugins that a run folder or a bundle brings with it: foreign code, unless it is trusted.

    plugins = own_plugins(folder, settings.plugins)     the copies in the folder; nothing outside of it is loaded
    require_trust(folder, plugins, trust)               refuse to import them here without --trust
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnlaw.spec.violation import BadInput


def own_plugins(folder: Path, plugins: Sequence[str]) -> list[Path]:
    """The plugin files of a run. Raises BadInput if one is missing, or is not a file in the folder itself."""
    files = [Path(name) for name in plugins]
    for file in files:
        if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
            name = file.name.partition("-")[2]  # copies are numbered
            raise BadInput(f"{folder}: its plugin {name} is missing from {file.parent.name}/")
    return files


def require_trust(folder: Path, plugins: Sequence[str], trust: bool) -> None:
    """Raise BadInput if the run has plugins and is not trusted."""
    if own_plugins(folder, plugins) and not trust:
        raise BadInput(
            f"{folder} brings its own code ({Path(plugins[0]).name}), which would run with all your rights; if you "
            "trust its author, add --trust"
        )
