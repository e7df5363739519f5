"""From a file, a module or a name to the units in it.

    open_target({"file": "/home/me/mine.py"})     in the process of the code under test: what it offers to the laws
    units_in_process({"name": "relu"})            in this process
"""

from __future__ import annotations

import ast
import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nnlaw.nn.builtin  # noqa: F401  # registers the built-in plugins, before a user's file is loaded
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.plugins.registry import KINDS, REGISTRY, canonical
from nnlaw.nn.plugins.units import chosen_unit, unit_of
from nnlaw.spec.discovery.targets import targets as discovery_targets
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput, NothingToCheck

SEARCH_SECONDS = 35.0  # for the ways to call what a file defines, before the usual timeout of 60 s


def units_in_file(path: Path) -> list[Unit]:
    """The units that a user's file registers. They may have the names of built-in ones.

    Its definitions alone are run, not its training script; the whole file only if a definition needs that.
    """
    before = dict(REGISTRY.plugins)
    try:
        plugins = load_plugin_file(path, override=True, definitions_only=True)
    except BadInput:  # which the import of the whole file reports
        REGISTRY.plugins.clear()
        REGISTRY.plugins.update(before)
        plugins = load_plugin_file(path, override=True)
    return [unit_of(plugin) for plugin in plugins]


def units_in_module(name: str) -> list[Unit]:
    """The units that an importable module registers. Raises BadInput if it can't be imported or has no units."""
    before = dict(REGISTRY.plugins)
    try:
        with REGISTRY.user_plugins(override=True):
            importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise BadInput(f"module {name}: {type(error).__name__} on import: {error}") from error
    new = [plugin for key, plugin in REGISTRY.plugins.items() if before.get(key) is not plugin]
    if not new:
        new = [plugin for plugin in before.values() if getattr(plugin.thing, "__module__", "").startswith(name)]
    if not new:
        raise NothingToCheck(f'module {name}: no layer, loss, ... is registered: put @layer("name") above your class')
    return [unit_of(plugin) for plugin in new]


def named_unit(text: str) -> Unit:
    """A built-in plugin, given as `relu`, `layer:relu` or `dropout:rate=0.2`. Raises BadInput."""
    first, _, rest = text.partition(":")
    if first in KINDS and rest:
        kinds, settings_text = [first], rest
    else:
        kinds = [kind for kind in KINDS if (kind, canonical(first)) in REGISTRY.plugins]
        settings_text = text
    if not kinds:
        raise BadInput(f"{text}: {_not_found(first)}")
    if len(kinds) > 1:
        raise BadInput(f"{text} is ambiguous; write {' or '.join(f'{kind}:{text}' for kind in kinds)}")
    if ":" not in settings_text:  # without settings, its examples are used, as for a user's plugin
        return unit_of(REGISTRY.find(kinds[0], settings_text))
    return chosen_unit(kinds[0], settings_text)


def _not_found(name: str) -> str:
    known = sorted({name for _, name in REGISTRY.plugins})
    near = difflib.get_close_matches(canonical(name), known, n=1)
    return "no such file, folder, module or built-in plugin" + (f"; did you mean {near[0]}?" if near else "")


def built_in_units(kind: str) -> list[Unit]:
    """All built-in plugins of one kind."""
    return [unit_of(p) for p in REGISTRY.plugins.values() if p.kind == kind and p.built_in]


def units_in_process(target: dict[str, str]) -> list[Unit]:
    """The units of a target in this process."""
    ((key, value),) = target.items()
    if key == "file":
        return units_in_file(Path(value))
    if key == "module":
        return units_in_module(value)
    return built_in_units(value) if key == "kind" else [named_unit(value)]


def open_target(target: dict[str, str]) -> dict[str, list[Any]]:
    """What a file or module offers to the laws; nothing for an empty target.

    "units" are those that it registers: kind, name, subject and declared exceptions. "found" is what else its source
    defines, as found_data sends it; "notes" are remarks on how it was loaded. `folder`, the current folder of the
    checking process, is put last on sys.path. `definition` is the only one to check, and those named in `without`,
    separated by spaces, are left out.
    """
    target = dict(target)
    without = target.pop("without", "").split()
    folder, name = target.pop("folder", ""), target.pop("definition", "")
    if folder and folder not in sys.path:
        sys.path.append(folder)
    if not target:
        return {"units": [], "found": [], "notes": []}
    file = _file_of(target)
    if file is None or _registers(file):
        rows = [(unit.kind, unit.name, unit.subject, unit.expected) for unit in units_in_process(target)]
        return {"units": [row for row in rows if not name or row[2].type_name == name], "found": [], "notes": []}
    return _found_in(file, name, without)


def _found_in(file: Path, name: str, without: Sequence[str]) -> dict[str, list[Any]]:
    """What a file without registered units defines, without some of its names."""
    from nnlaw.spec.discovery.find import find  # not needed for other files, whose process then starts sooner
    from nnlaw.spec.discovery.found_data import to_data
    from nnlaw.spec.discovery.load import load

    loaded = load(file)
    names = [each for each in loaded.names if name in ("", each) and each not in (*loaded.unavailable, *without)]
    found = find(loaded.module, names, _passes, SEARCH_SECONDS)
    alone = any(each.kind for each in found) and isinstance(getattr(loaded.module, name, None), type)
    if name and not alone:  # a function may belong to a pair
        available = [each for each in loaded.names if each not in loaded.unavailable]
        everything = find(loaded.module, available, _passes, SEARCH_SECONDS)
        found = [each for each in everything if each.kind and name in (each.name, *each.names)] or found
    if name and not found and name not in loaded.names:
        raise BadInput(f"{file}: it defines no {name}")
    notes = [str(finding) for finding in loaded.findings]
    notes += [f"{module} is not installed; a placeholder was imported" for module in loaded.placeholders]
    notes += [f"{file} does not exist; a sample text was read in its place" for file in loaded.missing_texts]
    notes += [f"{missing} is not available: {reason}" for missing, reason in loaded.unavailable.items()]
    return {"units": [], "found": [to_data(each) for each in found], "notes": notes}


def _passes(found: Any) -> bool:
    """Whether a unit passes, in the process of the code under test: the outcome is that of the checking process."""
    from nnlaw.spec.conformance import passes  # the laws: few files need them here

    return passes(found)


def _file_of(target: dict[str, str]) -> Path | None:
    """The file to check; that of a module, if it is written in Python."""
    if "file" in target:
        return Path(target["file"])
    try:
        return discovery_targets([target["module"]])[0].path if "module" in target else None
    except BadInput:  # units_in_module reports what is wrong with it
        return None


def _registers(file: Path) -> bool:
    """Whether a file calls one of the decorators that register a class or function, imported from this package."""
    if file.suffix != ".py":
        return False
    try:
        tree = parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    own = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("nn", "nnlaw")
        for alias in node.names
    } & {*KINDS, "nn", "nnlaw"}
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules = {"nn", "nnlaw"} & set(imports)
    return any(
        isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in own)
            or (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                and node.func.value.id in own | modules and node.func.attr in KINDS)
        )
        for node in ast.walk(tree)
    )  # fmt: skip
