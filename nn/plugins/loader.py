"""A user's plugin file: imported, and what it registers told; or one sentence that says what is wrong, and where.

    load_file(Path("mine.py"))      [Plugin("layer", "swish", Swish, built_in=False)]
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from nnlaw.nn.plugins.registry import REGISTRY, Plugin
from nnlaw.spec.violation import BadInput, Location


def load_file(path: Path, *, hiding: bool = False) -> list[Plugin]:
    """Import a user's plugin file and return what it registered, which may hide a built-in one where `hiding` is set.

    Raises BadInput with file and line where it cannot be read or parsed, raises on import, or registers nothing.
    """
    import importlib.util
    import sys
    import traceback

    if not path.is_file():
        raise BadInput(f"plugin file {path}: {'not a file' if path.exists() else 'no such file'}")
    before = dict(REGISTRY.plugins)
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    if spec is None or spec.loader is None:
        raise BadInput(f"plugin file {path}: expected a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    if str(path.parent.resolve()) not in sys.path:  # last, so that its neighbors can be imported but hide nothing
        sys.path.append(str(path.parent.resolve()))
    try:
        with REGISTRY.of_user(hiding):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        place = f"{path}:{error.lineno}" if error.lineno else path  # null bytes have no line
        raise BadInput(f"plugin file {place}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        what = "" if isinstance(error, BadInput) else f"{type(error).__name__} on import: "
        raise BadInput(f"plugin file {place}: {what}{error}") from error
    new = [plugin for key, plugin in REGISTRY.plugins.items() if before.get(key) is not plugin]
    if not new:
        raise BadInput(f"plugin file {path}: registers nothing; {_how_to_register(module)}")
    return new


def _module_name(path: Path) -> str:
    """A name of its own for each file: two may be called alike in two folders."""
    import hashlib

    return f"nn_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode(errors='replace')).hexdigest()[:12]}"


def _how_to_register(module: Any) -> str:
    """What to write above the first class that looks like a layer or a loss, or in general."""
    for thing in vars(module).values():
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and hasattr(thing, "forward"):
            if not hasattr(thing, "backward"):
                continue
            line, name = Location.of(thing.forward).line, thing.__name__.lower()
            place = f"{thing.__name__} (line {line})" if line else thing.__name__  # NumPy's own functions have none
            if _arguments(thing.forward) > 2:
                return f'{place} looks like a loss: put @loss("{name}") from nn above it'
            return (
                f'{place} has forward and backward: put @layer("{name}") and '
                '@obeys("N n_in -> N n_out") above it (from nn import layer; from spec import obeys)'
            )
    return "expected a decorator such as @layer('name')"


def _arguments(forward: Any) -> int:
    """How many a method must be given, itself included; 0 where it does not tell, as some of NumPy's functions."""
    try:
        return sum(row.default is row.empty for row in inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        return 0
