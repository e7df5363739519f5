"""`from nn import layer` and `from spec import obeys` in user files.

The package is called `nnlaw`, but files written for version 0.1 import `nn` and `spec`. `install()` puts one finder at
the start of `sys.meta_path` that resolves these two names to `nnlaw.nn` and `nnlaw.spec`, the same module objects,
unless the user has a module or package of that name. Only the command and `pytest --nn-plugin` install it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

ALIASES = ("nn", "spec")


class _ExistingModule(Loader):
    """Returns a module that is already imported, unchanged."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has just replaced it
        prefix = f"{module.__name__}."  # `import spec.law` must not replace the function spec.law by the module
        loaded = {name: found for name, found in sys.modules.items() if name.startswith(prefix)}
        sys.modules.update({name.removeprefix("nnlaw."): found for name, found in loaded.items()})


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = own_module(fullname)
        return ModuleSpec(fullname, _ExistingModule(importlib.import_module(name))) if name else None


def own_module(fullname: str) -> str | None:
    """`nnlaw.nn.core` for `nn.core`; None for other names, or if the user has a module or package nn."""
    top = fullname.partition(".")[0]
    if top not in ALIASES or _belongs_to_user(top) or importlib.util.find_spec(f"nnlaw.{fullname}") is None:
        return None
    return f"nnlaw.{fullname}"


def is_own_folder(folder: Path) -> bool:
    """Whether a folder called nn or spec is that of our own package; in a checkout it is beside the user's files.

    A checkout counts also if the package runs from another place, as its tests do in tox.
    """
    own = importlib.util.find_spec(f"nnlaw.{folder.name}") if folder.name in ALIASES else None
    if own is None or own.origin is None:
        return False
    checkout = (folder.parent / "src" / "nnlaw" / "_names.py").is_file()
    return checkout or Path(own.origin).parent.resolve() == folder.resolve()


def _belongs_to_user(top: str) -> bool:
    """Whether `top` is a module, or a package with an __init__.py, that is not ours: imported, or on sys.path."""
    own = importlib.util.find_spec(f"nnlaw.{top}")
    imported = sys.modules.get(top)
    if imported is not None:
        return imported.__spec__ is not own
    found = PathFinder.find_spec(top)
    if found is None or found.origin is None:  # a folder without __init__.py is not a package
        return False
    return not is_own_folder(Path(found.origin).parent)


def install() -> None:
    """Put the finder at the start of sys.meta_path, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
