"""Settings to construct a class or call a function with: from its `examples`, else its defaults and small integers.

    for settings in all_settings(unit):
        instance = construct(unit, settings)
    other_settings(unit, settings)          the same with a second value of each setting, where mistakes show
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.contracts.intervals import parse_interval
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


CONTINUOUS = re.compile(
    r"(alpha|beta\d?|gamma|delta|rho|mu|momentum|decay|wd|l[12]|lam|lambda_?|lmbda|reg\w*|rate|p|prob|keep\w*|drop\w*|"
    r"slope|scale|gain|temperature|temp|tau|eps\w*|smoothing|margin|weight)$",
    re.I,
)
"""Names of settings that may be any number, even if the default is an integer."""
CLIPS = re.compile(r"clip|max_?(grad(ient)?_?)?norm", re.I)
"""Names of bounds of a gradient; beyond them it is another function's on purpose."""
PENALTIES = re.compile(
    r"(^|_)(l1|l2|reg|regulari[sz]\w*|weight_?decay|wd|lambd|lambda_?\w*|lamb?|penalty|decay_?rate)(_|$)", re.I
)
"""Names of penalties on weights; what they add to the gradient of a layer belongs to no output."""


def second_value(value: float) -> float:
    """Another value that is allowed wherever `value` is, as far as can be inferred: 0.7 times it, or 0.1 for 0.

    Rates stay in [0, 1], positive numbers positive; 0, 0.5 and 1, where right and wrong may agree, are left. An integer
    above 1 is followed by the next, since it may be a count, such as the scale of an image.
    """
    if type(value) is int and value > 1:
        return value + 1
    return float(f"{0.7 * value:.6g}") if value else 0.1


def second_values(defaults: Mapping[str, Any], *, penalties: bool) -> dict[str, float]:
    """A second value for each setting that is a number, by name; penalties on weights only with `penalties`."""
    return {
        name: second_value(value)
        for name, value in defaults.items()
        if (type(value) is float or (type(value) is int and CONTINUOUS.match(name)))
        and abs(value) < 1e30
        and not CLIPS.search(name)
        and (penalties or not PENALTIES.search(name))
    }


def other_settings(unit: Unit, settings: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """`settings` with second values, to try in this order, and the names of those that are not the author's.

    First with sizes that are not those of `examples`, then with the author's.
    """
    given = {name: row.default for name, row in _parameters(unit).items()} | dict(settings)
    changed = second_values(given, penalties=unit.kind != "layer")
    for name, text in (declared_value(unit.subject, "admits") or {}).items():
        row = parse_interval(text)
        if name in changed and not row.low < changed[name] < row.high:
            changed[name] = given[name] + (min(row.high, given[name] + 1) - given[name]) / 3
    small = iter(SMALL * 5)
    chosen = [name for row in (unit.subject.attribute("examples") or ())[:1] for name in row]
    sizes = {name: next(small) for name in chosen if type(settings[name]) is int and settings[name] > 0}
    sizes = {name: size for name, size in sizes.items() if name not in changed}
    if sizes or (unit.kind == "layer" and "input_shape" in settings):
        own = {name: value for name, value in settings.items() if name != "input_shape"}
        yield own | sizes | changed, tuple(changed)
    if changed:
        yield dict(settings) | changed, tuple(changed)


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
