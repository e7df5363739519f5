"""Parse a plugin with its settings, such as `dropout:rate=0.2`: name:positional,key=value.

    choose("layer", "dropout:rate=0.2").make()          an instance of the class
    choose("schedule", "step:every=0.3").make()         the function with its settings bound
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from typing import Any

from nnlaw.nn.plugins.registry import REGISTRY, Plugin, canonical
from nnlaw.spec.violation import BadInput, counted

METHODS = {  # of the kinds that are classes; plugins of other kinds are functions
    "layer": ("forward", "backward"),
    "loss": ("forward", "backward"),
    "optimizer": ("step",),
    "model": ("loss_and_grads", "predict"),
}
SHOWN = 80  # characters of a value in a message


@dataclass(frozen=True)
class Choice:
    """A plugin with its settings, parsed from a line such as `dropout:rate=0.2`."""

    plugin: Plugin
    text: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def make(self, **supplied: Any) -> Any:
        """Construct the class, or bind the settings of the function. `supplied` are defaults for settings not given.

        Raises BadInput if the constructor refuses them.
        """
        accepted, kind = self.plugin.settings, self.plugin.kind
        given = set(self.kwargs) | set(list(accepted)[: len(self.args)])
        extra = {k: v for k, v in supplied.items() if k in accepted and k not in given}
        if not inspect.isclass(self.plugin.thing):
            if kind in METHODS:
                raise BadInput(f"{kind} {self.text!r} is a function, expected a class with {_and(METHODS[kind])}")
            return lambda *args: self.plugin.thing(*args, **self.kwargs, **extra)
        try:
            made = self.plugin.thing(*self.args, **self.kwargs, **extra)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{kind} {self.text!r}: {error}") from error
        self.require_methods(made)
        return made

    def require_methods(self, made: Any) -> None:
        """Raise BadInput if an instance lacks a method that its kind needs."""
        needed = METHODS.get(self.plugin.kind, ())
        missing = [name for name in needed if not callable(getattr(made, name, None))]
        if missing:
            raise BadInput(f"{self.plugin.kind} {self.text!r} has no {missing[0]}, expected {_and(needed)}")


def choose(kind: str, text: str) -> Choice:
    """Parse `name:positional,key=value` as a plugin of `kind`.

    Raises BadInput for an unknown name, an unknown setting, or a value of the wrong type.
    """
    name, _, rest = text.strip().partition(":")
    plugin = REGISTRY.find(kind, name)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in rest.split(",") if rest else []:
        key, equals, value = word.partition("=")
        if equals:
            kwargs[canonical(key)] = _value(value)
        else:
            args.append(_value(word))
    settings = plugin.settings
    _check(plugin, text, settings, args, kwargs)
    rows = [row for row, _ in zip(settings.values(), args, strict=False)]
    if rows and all(row.kind is row.KEYWORD_ONLY for row in rows):
        kwargs = {row.name: value for row, value in zip(rows, args, strict=True)} | kwargs
        args = []
    return Choice(plugin, text.strip(), tuple(args), kwargs)


def _check(plugin: Plugin, text: str, settings: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    what = f"{plugin.kind} {_shown(text)}"
    if any(row.kind is row.VAR_KEYWORD for row in plugin.parameters.values()):
        return
    unknown = [key for key in kwargs if key not in settings]
    if unknown:
        raise BadInput(f"{what}: unknown setting {unknown[0]!r}; known: {', '.join(settings) or 'none'}")
    if len(args) > len(settings):
        most = f"at most {len(settings)}" if settings else "no value"
        raise BadInput(f"{what}: {counted(len(args), 'value')}, expected {most}")
    given = dict(zip(settings, args, strict=False)) | kwargs
    for name, row in settings.items():
        if name not in given and row.default is row.empty:
            raise BadInput(f"{what}: {name} is missing; write {plugin.name}:{name}=...")
        if name in given and not _fits(given[name], row):
            needed = row.annotation if row.annotation is not row.empty else type(row.default).__name__
            raise BadInput(f"{what}: {name} = {_shown(given[name])}, expected {getattr(needed, '__name__', needed)}")


def _and(names: tuple[str, ...]) -> str:
    return " and ".join(names)


def _shown(value: Any) -> str:
    """The value as written, cut after 80 characters."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _fits(value: Any, row: inspect.Parameter) -> bool:
    kind = row.annotation if isinstance(row.annotation, str) else getattr(row.annotation, "__name__", "")
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return type(value).__name__ == kind if kind in ("bool", "str") else True


def _value(word: str) -> Any:
    word = word.strip()
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        value = ast.literal_eval(word)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last two are raised for very deep nesting
        try:
            return float(word)  # nan and inf
        except ValueError:
            return word
    return value if isinstance(value, int | float | str) else word
