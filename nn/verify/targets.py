"""Plugins before the bench: what the registry knows becomes spec's records, and these become reports.

Runs in whatever process it is called in; nn/verify/worker.py calls it in one of its own.
"""

from __future__ import annotations

from pathlib import Path

import nnlaw.nn.builtin  # noqa: F401  # registers what is built in, before a user's file is
from nnlaw.nn.plugins.errors import is_internal, line_of_user, told
from nnlaw.nn.plugins.loader import load_file
from nnlaw.nn.plugins.registry import KINDS, REGISTRY
from nnlaw.nn.plugins.units import chosen_unit, unit_of
from nnlaw.spec.conformance import codes_of, conformance
from nnlaw.spec.report import Report
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.violation import BadInput


def units_in_file(path: Path) -> list[Unit]:
    """The plugins that a user's file registers, whatever they are called."""
    return [unit_of(plugin) for plugin in load_file(path, hiding=True)]


def units_in_module(name: str) -> list[Unit]:
    """The plugins that an importable module registers. Raises BadInput where it can't be imported."""
    import importlib

    before = dict(REGISTRY.plugins)
    try:
        with REGISTRY.of_user(hiding=True):
            importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise BadInput(f"module {name}: {type(error).__name__} on import: {error}") from error
    new = [plugin for key, plugin in REGISTRY.plugins.items() if before.get(key) is not plugin]
    if not new:
        new = [plugin for plugin in before.values() if getattr(plugin.thing, "__module__", "").startswith(name)]
    if not new:
        raise BadInput(f"module {name}: registers nothing; expected a decorator such as @layer('name')")
    return [unit_of(plugin) for plugin in new]


def named_unit(text: str) -> Unit:
    """A built-in plugin as `relu`, `layer:relu` or `dropout:rate=0.2` names it. Raises BadInput."""
    first, _, rest = text.partition(":")
    if first in KINDS and rest:
        kinds, asked = [first], rest
    else:
        kinds, asked = [kind for kind in KINDS if (kind, _bare(text)) in REGISTRY.plugins], text
    if not kinds:
        raise BadInput(f"{text}: {_unknown(text)}")
    if len(kinds) > 1:
        raise BadInput(f"{text}: several kinds have one; write {' or '.join(f'{kind}:{text}' for kind in kinds)}")
    if ":" not in asked:  # without settings it is constructed like anyone's plugin
        return unit_of(REGISTRY.find(kinds[0], asked))
    return chosen_unit(kinds[0], asked)


def _bare(text: str) -> str:
    return text.partition(":")[0].strip().replace("-", "_")


def _unknown(text: str) -> str:
    import difflib

    known = sorted({name for _, name in REGISTRY.plugins})
    near = difflib.get_close_matches(_bare(text), known, n=3, cutoff=0.4)
    return "no such file, folder, module or built-in plugin" + (f"; nearest: {', '.join(near)}" if near else "")


def built_in_units(kind: str) -> list[Unit]:
    """All built-in plugins of one kind."""
    return [unit_of(p) for p in REGISTRY.plugins.values() if p.kind == kind and p.built_in]


def check_unit(record: Unit, laws: list[str], seed: int) -> Report:
    """Every law, or those named, against one plugin. What keeps it from being judged is told in the report."""
    try:
        return conformance(record, laws or None, seed=seed, explain=True)
    except BadInput as error:
        reason = str(error) if record.name in str(error) else f"{record.label}: {error}"
    except Exception as error:  # a plugin that breaks the judging itself, or a mistake of ours
        ended = f"judging it ended by {type(error).__name__}: {error}{_place(line_of_user(error))}"
        reason = f"{record.label}: {told(error) if is_internal(error) else ended}"
    except BaseException as error:  # SystemExit and its like
        reason = f"{record.label}: it ended the interpreter by {type(error).__name__}{_place(line_of_user(error))}"
    return Report(record.name, record.kind, reason=reason)


def is_checked_by(record: Unit, laws: list[str]) -> bool:
    """Whether any of the laws is one of this plugin's kind; all are, where none is named."""
    return not laws or bool(codes_of(record.kind) & set(laws))


def _place(line: str) -> str:
    return f", at {Path(line).name}" if line else ""
