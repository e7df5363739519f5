"""Plugins and laws of installed packages, which name their modules in pyproject.toml:

    [project.entry-points."nnlaw.plugins"]        [project.entry-points."nnlaw.laws"]
    acme = "acme.layers"                          acme = "acme.laws"

A module is used by its file, as if the file had been named: `--plugin acme.layers` is `--plugin .../acme/layers.py`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.registry import REGISTRY, canonical
from nnlaw.spec.violation import BadInput, relative_to_cwd

BUILT_IN = "built in"
NAMESPACE = "nnlaw"
PLUGINS, LAWS = f"{NAMESPACE}.plugins", f"{NAMESPACE}.laws"  # the groups of entry points
NAMED = {"model": "model", "loss": "loss", "optimizer": "optimizer", "schedule": "schedule", "init": "initializer",
         "batches": "batches"}  # fmt: skip
"""The settings that name one plugin each, with its kind."""


@dataclass(frozen=True)
class Installed:
    """A module that a package offers."""

    file: Path
    package: str
    """Name and version of the package."""


def installed(group: str) -> list[Installed]:
    """The modules that installed packages offer in a group, by name. Raises BadInput if one can't be found."""
    found = sorted(importlib.metadata.entry_points(group=group), key=lambda each: (each.name, each.value))
    rows = []
    for each in found:
        package = f"{each.dist.name} {each.dist.version}" if each.dist else each.name
        rows.append(Installed(_file(each.module, f"{package} ({group})"), package))
    return rows


def source_file(name: str) -> Path:
    """The file of that name, or the file of an installed module such as acme.layers. Raises BadInput."""
    path = Path(name)
    is_dotted = all(part.isidentifier() for part in name.split(".")) and path.suffix != ".py"
    return _file(name, name) if is_dotted and not path.exists() else path


def origin(file: str) -> str:
    """Where a user's file comes from: a package with its version, or the path."""
    path = Path(file)
    packages = (row.package for group in (PLUGINS, LAWS) for row in installed(group) if row.file == path)
    return next(packages, relative_to_cwd(file))


def with_installed(settings: Settings) -> Settings:
    """The settings with the plugins of installed packages, if one of the names in them is not built in."""
    names = [(kind, getattr(settings, name)) for name, kind in NAMED.items()]
    names += [("layer", text) for text in settings.layers.split()]
    known = all((kind, canonical(text.partition(":")[0])) in REGISTRY.plugins for kind, text in names)
    files = () if known or settings.plugins else tuple(str(row.file) for row in installed(PLUGINS))
    return settings.with_changes({"plugins": files or None})


def _file(module: str, label: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except Exception as error:  # the package is imported, and may raise anything
        raise BadInput(f"{label}: module {module} can't be found: {type(error).__name__}: {error}") from error
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise BadInput(f"{label}: no file or module is called {module}")
    return Path(spec.origin)
