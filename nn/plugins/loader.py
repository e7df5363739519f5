"""Import a user's plugin file, and return the plugins that it registers.

    load_plugin_file(Path("mine.py"))      [Plugin("layer", "swish", Swish, built_in=False)]
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from nnlaw.nn.plugins.registry import REGISTRY, Plugin
from nnlaw.spec.discovery.needed_statements import Definitions
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput, Location, NothingToCheck


def load_plugin_file(path: Path, *, override: bool = False, definitions_only: bool = False) -> list[Plugin]:
    """Import a user's plugin file and return its plugins. With `override`, they may have the names of built-in ones.

    With `definitions_only`, a training script in it is not run.

    Raises NothingToCheck if it registers no plugin; BadInput as import_file does.
    """
    before = dict(REGISTRY.plugins)
    module = import_file(path, override=override, definitions_only=definitions_only)
    new = [plugin for key, plugin in REGISTRY.plugins.items() if before.get(key) is not plugin]
    if not new:
        raise NothingToCheck(f"{path}: no layer, loss, ... is registered: {_how_to_register(module)}")
    return new


def import_file(path: Path, *, override: bool = False, definitions_only: bool = False) -> ModuleType:
    """Import a user's file. With `override`, its plugins may have the names of built-in ones.

    With `definitions_only`, the statements that define nothing are left out.

    Raises BadInput with file and line if it can't be read or parsed, or raises on import.
    """
    if not path.is_file():
        found = "not a file" if path.exists() else "no such file"
        raise BadInput(f"{path}: {found}")
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: expected a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    if str(path.parent.resolve()) not in sys.path:  # last, so that modules beside it can be imported but hide no other
        sys.path.append(str(path.parent.resolve()))
    try:
        with REGISTRY.user_plugins(override):
            if definitions_only:
                exec(_definitions(path), module.__dict__)
            else:
                spec.loader.exec_module(module)
    except SyntaxError as error:
        place = f"{path}:{error.lineno}" if error.lineno else path  # null bytes have no line
        raise BadInput(f"{place}: {error.msg}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # such as SystemExit or GeneratorExit
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        raise BadInput(f"{place}: {describe_import_error(error)}") from error
    return module


def _definitions(path: Path) -> CodeType:
    """The statements of a file that define something, and those that they need."""
    tree = parse(path.read_bytes(), str(path))
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    return compile(ast.Module([*future, *Definitions(tree).needed()], []), str(path), "exec", dont_inherit=True)


def describe_import_error(error: BaseException) -> str:
    """Why an import failed: the sentence of a BadInput, the call of sys.exit, or the exception."""
    if isinstance(error, BadInput):
        return str(error)
    if isinstance(error, SystemExit):
        return f"called sys.exit({error.code!r}) while being imported"
    return f"{type(error).__name__} on import: {error}"


def _module_name(path: Path) -> str:
    """A module name that differs for files of the same name in different folders."""
    return f"nn_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode(errors='replace')).hexdigest()[:12]}"


def _how_to_register(module: Any) -> str:
    """The decorator to put above the first class that looks like a layer or a loss, or the general form."""
    for thing in vars(module).values():
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and hasattr(thing, "forward"):
            if not hasattr(thing, "backward"):
                continue
            line, name = Location.of(thing.forward).line, thing.__name__.lower()
            place = f"{thing.__name__} (line {line})" if line else thing.__name__  # NumPy's functions have no line
            if _arguments(thing.forward) > 2:
                return f'{place} looks like a loss: put @loss("{name}") above it (from nnlaw import loss)'
            return (
                f'{place} has forward and backward: put @layer("{name}") and '
                '@obeys("N n_in -> N n_out") above it (from nnlaw import layer, obeys)'
            )
    return 'put @layer("name") above your class'


def _arguments(forward: Any) -> int:
    """The number of required arguments, self included; 0 if it has no signature, like some of NumPy's functions."""
    try:
        return sum(row.default is row.empty for row in inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        return 0
