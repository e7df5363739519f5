"""`from nn import layer` and `from spec import obeys` in files that the command loads.

The package is `nnlaw`, but files written for version 0.1 import `nn` and `spec`. `install()` puts one finder in front
of `sys.meta_path` that resolves these two names to `nnlaw.nn` and `nnlaw.spec`, the same module objects, unless the
user has a module or a package of that name. Only the command and `pytest --nn-plugin` install it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

ALIASES = ("nn", "spec")
HERE = Path(__file__).parent


class _SameModule(Loader):
    """Hands out a module that is already imported, unchanged."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has just replaced it


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top not in ALIASES or _belongs_to_user(top):
            return None
        module = importlib.import_module(f"nnlaw.{fullname}")
        return ModuleSpec(fullname, _SameModule(module))


def _belongs_to_user(top: str) -> bool:
    """Whether `top` is a module or a package with an __init__.py on sys.path that is not ours."""
    found = PathFinder.find_spec(top)
    if found is None or found.origin is None:  # a bare folder is no package
        return False
    return Path(found.origin).resolve() != (HERE / top / "__init__.py").resolve()


def install() -> None:
    """Put the finder in front of sys.meta_path, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
