"""Settings to construct a class or call a function with: from its `examples`, else its defaults and small integers.

    for settings in all_settings(unit):
        instance = construct(unit, settings)
"""

from __future__ import annotations

from typing import Any

from nnlaw.spec.subjects.subject import Setting, Subject
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.subjects.unit import FUNCTIONS, Unit
from nnlaw.spec.violation import BadInput, Violation

SMALL = (3, 2, 7, 9)  # for required integers: different from each other, from the batch size and from input sizes


def all_settings(unit: Unit) -> list[dict[str, Any]]:
    """The keyword arguments of every instance to check; each may include an "input_shape".

    Raises BadInput if a required setting has no value that can be inferred.
    """
    examples = unit.subject.attribute("examples")
    if examples is None or (isinstance(examples, list | tuple) and not examples):
        examples = [{}]
    if not isinstance(examples, list | tuple) or not all(isinstance(row, dict) for row in examples):
        raise BadInput(f"{unit.label}: examples = {examples!r}, expected a list of dicts of keyword arguments")
    if unit.options:
        shapes = [{"input_shape": row["input_shape"]} for row in examples if "input_shape" in row]
        examples = [{**(shapes[0] if shapes else {}), **unit.options}]
    return [_completed(unit, dict(row)) for row in examples]


def _completed(unit: Unit, settings: dict[str, Any]) -> dict[str, Any]:
    """`settings` with small numbers for the required integers that are missing."""
    small = iter(SMALL * 5)
    for name, row in _parameters(unit).items():
        if name in settings or not row.required:
            continue
        if row.annotation != "int":
            raise BadInput(
                f"{unit.label}: can't infer a value for {name}; set examples = [{{{name!r}: ...}}] in the class, "
                "or annotate it as int"
            )
        settings[name] = next(small)
    return settings


def _parameters(unit: Unit) -> dict[str, Setting]:
    """The settings: constructor arguments, or a function's keyword-only ones."""
    if unit.kind == "function" or not (unit.subject.form == "class" or unit.kind in FUNCTIONS):
        return {}
    rows = unit.subject.settings()
    if unit.kind in FUNCTIONS:
        return {row.name: row for row in rows if row.kind == "keyword"}
    named = {row.name: row for row in rows if row.kind in ("positional", "keyword")}
    return dict(list(named.items())[3:]) if unit.kind == "model" else named  # after n_in, n_out and rng


def display_name(unit: Unit, settings: dict[str, Any]) -> str:
    """The name in diagnostics: "dropout(rate=0.2)"."""
    arguments = ", ".join(f"{name}={value}" for name, value in settings.items())
    return f"{unit.name}({arguments})" if arguments else unit.name


def construct(unit: Unit, settings: dict[str, Any]) -> Subject:
    """An instance made with `settings`.

    Raises Violation if the constructor raises on its author's own settings; BadInput if it raises on guessed ones, or
    if the instance can't be copied.
    """
    try:
        made = unit.make(settings)
    except Exception as error:
        arguments = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        guessed = not unit.subject.attribute("examples") and any(row.required for row in _parameters(unit).values())
        if not guessed:
            raise Violation(
                "shape",
                location=unit.subject.location("__init__", unit.name),
                actual=f"{type(error).__name__}: {error}",
                expected=f"an instance from ({arguments})",
                cause=cause_of(error),
                cause_code="exception",
            ) from error
        raise BadInput(
            f"{unit.label}: {type(error).__name__} from {unit.subject.type_name}({arguments}): {error}; "
            "if it needs other settings, set examples = [{...}] in the class"
        ) from error
    try:
        made.copy()
    except Exception as error:
        raise BadInput(f"{unit.label}: can't copy it, which every check does: {error}") from error
    return made
