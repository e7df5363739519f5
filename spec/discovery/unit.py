"""What spec knows of anyone's plugin: a record, from a registry or from the thing itself.

    Record("layer", "swish", Swish)                     by hand
    record_of(Swish)                                    its kind told from its methods
"""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.contracts.obeys import Declaration, declaration_of
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.violation import BadInput, Location, Violation

SMALL = (3, 2, 7, 9)  # for required integers: unlike each other, unlike the batch and unlike the inputs' sizes
METHODS = {"layer": ("forward", "backward"), "loss": ("forward", "backward"), "optimizer": ("step",),
           "model": ("loss_and_grads", "predict")}
FUNCTIONS = ("initializer", "schedule", "batches", "metric")


@dataclass(frozen=True)
class Unit:
    """What is known of a plugin: its kind and name, the class, function or instance, a contract that stands in for
    @obeys, settings to construct or call it with, and the laws it is expected to break, each with the reason."""

    kind: str
    name: str
    thing: Any
    contract: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Kind, name and place, as sentences about it begin."""
        location = Location.of(getattr(self.thing, self._method) if inspect.isclass(self.thing) else self.thing)
        place = f" ({location.file}:{location.line})" if location.file else ""
        return f"{self.kind} {self.name}{place}"

    @property
    def _method(self) -> str:
        return next((m for m in METHODS.get(self.kind, ()) if hasattr(self.thing, m)), "__init__")

    @property
    def declaration(self) -> Declaration | None:
        """The contract, from the record or from @obeys."""
        return Declaration(parse(self.contract)) if self.contract else declaration_of(self.thing)

    def make(self, settings: dict[str, Any]) -> Any:
        """A new instance, or a copy of the one that was handed in."""
        if not inspect.isclass(self.thing):
            return copy.deepcopy(self.thing)
        return self.thing(**settings)


def sort_of(thing: Any) -> str:
    """What `thing` is, in two words."""
    return f"class {thing.__name__}" if inspect.isclass(thing) else type(thing).__name__


def all_settings(record: Unit) -> list[dict[str, Any]]:
    """The keyword arguments of every instance to judge, each perhaps with an "input_shape"."""
    examples = getattr(record.thing, "examples", None) or [{}]
    if not isinstance(examples, list | tuple) or not all(isinstance(row, dict) for row in examples):
        raise BadInput(f"{record.label}: examples = {examples!r}, expected a list of dicts of keyword arguments")
    if record.options:
        shapes = [{"input_shape": row["input_shape"]} for row in examples if "input_shape" in row]
        examples = [{**(shapes[0] if shapes else {}), **record.options}]
    return [_filled_in(record, dict(row)) for row in examples]


def _filled_in(record: Unit, settings: dict[str, Any]) -> dict[str, Any]:
    """`settings` with small numbers for required integers that it leaves out."""
    small = iter(SMALL * 5)
    for name, row in _parameters(record).items():
        if name in settings or row.default is not row.empty:
            continue
        if row.annotation not in (int, "int"):
            raise BadInput(
                f"{record.label}: what to give {name} can't be told; list it in the class, "
                f"as examples = [{{{name!r}: ...}}], or annotate it as int"
            )
        settings[name] = next(small)
    return settings


def _parameters(record: Unit) -> dict[str, inspect.Parameter]:
    """The settings: constructor arguments, or a function's keyword-only ones."""
    if record.kind == "function" or not (inspect.isclass(record.thing) or record.kind in FUNCTIONS):
        return {}
    rows = inspect.signature(record.thing).parameters
    if record.kind in FUNCTIONS:
        return {name: row for name, row in rows.items() if row.kind is row.KEYWORD_ONLY}
    named = {name: row for name, row in rows.items() if row.kind not in (row.VAR_KEYWORD, row.VAR_POSITIONAL)}
    return dict(list(named.items())[3:]) if record.kind == "model" else named  # after n_in, n_out and rng


def path_of(record: Unit, settings: dict[str, Any]) -> str:
    """How diagnostics call it: "dropout(rate=0.2)"."""
    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    return f"{record.name}({said})" if said else record.name


def construct(record: Unit, settings: dict[str, Any]) -> Any:
    """An instance. Raises BadInput where the constructor refuses settings that were guessed, or it can't be copied;
    Violation where it raises on those that its author gave."""
    try:
        made = record.make(settings)
    except Exception as error:
        said = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        guessed = not getattr(record.thing, "examples", None) and any(
            row.default is row.empty for row in _parameters(record).values()
        )
        if not guessed:
            raise Violation(
                "shape",
                location=Location.of(record.thing.__init__, record.name),
                array="the call",
                actual=f"ended by {type(error).__name__}: {error}",
                expected=f"an instance from ({said})",
                cause=cause_of(error),
            ) from error
        raise BadInput(
            f"{record.label}: {type(error).__name__} from {record.thing.__name__}({said}): {error}; "
            "if it needs other settings, list examples = [{...}] in the class"
        ) from error
    try:
        copy.deepcopy(made)
    except Exception as error:
        raise BadInput(f"{record.label}: it can't be copied, as every probe must: {error}") from error
    return made


def unit_of(thing: Any, kind: str | None = None, name: str | None = None, contract: str | None = None) -> Unit:
    """The record of a class, a function or an instance that nobody registered. Raises BadInput where its kind is not
    plain from its methods or arguments."""
    called = name or str(getattr(thing, "__name__", type(thing).__name__))
    return Unit(kind or _kind_of(thing, contract), called, thing, contract)


def _kind_of(thing: Any, contract: str | None) -> str:
    def has(*methods: str) -> bool:
        return all(callable(getattr(thing, method, None)) for method in methods)

    if has("loss_and_grads"):
        return "model"
    if has("step"):
        return "optimizer"
    if has("forward", "backward"):
        return "layer" if _arity(thing.backward, thing) else "loss"
    if inspect.isroutine(thing) and (contract or declaration_of(thing)):
        return "function"
    arguments = _arguments(thing) if inspect.isroutine(thing) else []
    shapes = {("rng", 4): "initializer", ("t", 1): "schedule", ("x", 4): "batches", ("probabilities", 2): "metric"}
    found = shapes.get((arguments[0], len(arguments))) if arguments else None
    if found is None:
        raise BadInput(
            f"{getattr(thing, '__name__', type(thing).__name__)}: its kind can't be told; "
            f"pass kind=, one of {', '.join((*METHODS, *FUNCTIONS))}, or contract= for a plain function"
        )
    return found


def _arguments(function: Any) -> list[str]:
    rows = inspect.signature(function).parameters.values()
    return [row.name for row in rows if row.kind in (row.POSITIONAL_ONLY, row.POSITIONAL_OR_KEYWORD)]


def _arity(method: Any, owner: Any) -> int:
    return len(_arguments(method)) - inspect.isclass(owner)
