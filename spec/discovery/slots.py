"""Where an object keeps its arrays: attributes, lists, dicts, nested objects.

    for slot, array in array_slots(layer): ...             Slot("W"), Slot("params['b']"), Slot("layers[0].W")
    slot.get(layer), slot.set(layer, array)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import FrozenInstanceError, dataclass
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.closures import Closures

UNUSED = "the output does not depend on it at the inputs that were tried"
MAX_DEPTH = 6
MAX_SLOTS = 400
MAX_ENTRIES = 4096  # of a list of numbers
NUMBERS: tuple[type, ...] = (float, int, np.floating, np.integer)
ROWS = (list, tuple, deque)
LEAVES = frozenset({int, float, bool, str, type(None)})  # types of values without arrays


@dataclass(frozen=True)
class Slot:
    """A place in an object: the steps that lead there, each an attribute (".", name) or an item ("[", key)."""

    steps: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        """As in the source, without `self`: `layers[0].params['W']`."""
        parts = [f".{key}" if kind == "." else f"[{key!r}]" for kind, key in self.steps]
        return "".join(parts).removeprefix(".")

    @property
    def key(self) -> str:
        """The last attribute or key that is a name: `W` of `layers[0].params['W']`."""
        return next((str(key) for _, key in reversed(self.steps) if isinstance(key, str)), "")

    @property
    def parent(self) -> Slot:
        """The place of the object, dict or list around it."""
        return Slot(self.steps[:-1])

    def get(self, thing: Any) -> Any:
        """The value there. Raises AttributeError or LookupError if there is none."""
        return _at(self.steps, thing)

    def set(self, thing: Any, value: Any) -> None:
        """Put a value there; a tuple around it is replaced, and an ndarray subclass stays one, with its attributes.

        An array in place of a number, or of a nested list of numbers, is put there as such.
        """
        holder = _at(self.steps[:-1], thing)
        kind, key = self.steps[-1]
        try:
            old = _at(self.steps[-1:], holder)
        except (AttributeError, LookupError, TypeError):
            old = None
        if isinstance(value, np.ndarray | np.number):
            value = _in_form_of(old, value)
        if isinstance(holder, tuple) and kind == ".":
            self.parent.set(thing, holder._replace(**{key: value}))  # type: ignore[attr-defined]  # a named tuple
        elif kind == ".":
            try:
                setattr(holder, key, value)
            except FrozenInstanceError:
                object.__setattr__(holder, key, value)
        elif isinstance(holder, tuple):
            self.parent.set(thing, (*holder[:key], value, *holder[key + 1 :]))
        else:
            holder[key] = value


def _at(steps: Iterable[tuple[str, Any]], thing: Any) -> Any:
    for kind, key in steps:
        thing = getattr(thing, key) if kind == "." else thing[key]
    return thing


def _in_form_of(old: Any, value: Any) -> Any:
    """An array in the form of what it replaces: a subclass, a number, or a nested list of numbers of its shape."""
    if isinstance(old, np.ndarray):
        if type(old) is np.ndarray or not isinstance(value, np.ndarray):
            return value
        value = value.view(type(old))
        vars(value).update(vars(old))
        return value
    if isinstance(old, NUMBERS) and np.ndim(value) == 0:
        return np.float64(value) if isinstance(old, np.number) else float(value)
    if isinstance(old, ROWS) and np.ndim(value) and len(old) == len(value) and as_numbers(old) is not None:
        rows = [_in_form_of(each, part) for each, part in zip(old, value, strict=True)]
        return type(old)(*rows) if hasattr(old, "_fields") else type(old)(rows)
    return value


def array_slots(thing: Any) -> list[tuple[Slot, Array]]:
    """The places of all numeric arrays in an object, with the arrays."""
    found: list[tuple[Slot, Array]] = []
    seen: set[int] = set()
    for slot, value in _walk(thing, (), seen):
        found.append((slot, value))
        if len(found) >= MAX_SLOTS:
            break
    return found


def has_arrays(thing: Any) -> bool:
    """Whether there is a numeric array in an object."""
    return any(True for _ in _walk(thing, (), set()))


def number_leaves(thing: Any) -> list[tuple[Slot, Array]]:
    """The places of numbers and of nested lists of numbers in an object, with their values as arrays."""
    return list(islice(_walk(thing, (), set(), numbers=True), MAX_SLOTS))


def as_numbers(value: Any) -> Array | None:
    """A number or a nested list of numbers, of one length at each depth, as an array; None for another value."""
    if isinstance(value, NUMBERS) and not isinstance(value, bool):
        return None if isinstance(value, int) and value.bit_length() > 53 else np.array(value, np.float64)
    if not isinstance(value, ROWS) or not 0 < len(value) <= MAX_ENTRIES:
        return None
    rows: list[Array] = []
    for each in value:
        row = as_numbers(each)
        if row is None or row.shape != (rows[0].shape if rows else row.shape):
            return None
        rows.append(row)
    return np.array(rows)


def number_slots(thing: Any, steps: tuple[tuple[str, Any], ...] = ()) -> list[Slot]:
    """The places of the numbers among the attributes of an object and of its parts."""
    found: list[Slot] = []
    for name, value in attributes_of(thing).items():
        place = (*steps, (".", name))
        if isinstance(value, float | int) and not isinstance(value, bool):
            found.append(Slot(place))
        rows = enumerate(value[:64]) if isinstance(value, list | tuple) else ()
        inner = [((*place, ("[", i)), each) for i, each in rows] or [(place, value)]
        for path, each in inner:
            if len(path) <= MAX_DEPTH and is_user_object(each) and not isinstance(each, np.ndarray):
                found += number_slots(each, path)
    return found


def leaves(tree: Any) -> list[tuple[Slot, Array]]:
    """The arrays in a returned value, with their places: those of an array itself, a tuple, a dict or an object."""
    return [(Slot(()), np.asarray(tree))] if isinstance(tree, np.ndarray | np.number | float) else array_slots(tree)


def _walk(
    thing: Any, steps: tuple[tuple[str, Any], ...], seen: set[int], *, numbers: bool = False
) -> Iterator[tuple[Slot, Array]]:
    """The places of arrays or, with `numbers`, those of numbers and of lists of these."""
    if isinstance(thing, np.ndarray) and thing.dtype != object and thing.dtype.kind in "fiub":
        if not numbers:
            yield Slot(steps), thing
        if type(thing) is np.ndarray:
            return
    if thing is None or id(thing) in seen or len(steps) > MAX_DEPTH:
        return
    if numbers and (found := as_numbers(thing)) is not None:
        yield Slot(steps), found
        return
    children: list[tuple[str, Any, Any]] = []
    if isinstance(thing, Mapping):
        children = [("[", key, value) for key, value in thing.items()]
    elif isinstance(thing, tuple) and hasattr(thing, "_fields"):
        children = [(".", name, value) for name, value in zip(thing._fields, thing, strict=False)]
    elif isinstance(thing, ROWS):
        children = [("[", i, value) for i, value in enumerate(islice(thing, 64))]
    elif isinstance(thing, np.ndarray) and thing.dtype == object:
        children = [("[", i, value) for i, value in enumerate(thing[:64])] if thing.ndim == 1 else []
    elif is_user_object(thing):
        children = [(".", name, value) for name, value in {**_shared(thing), **attributes_of(thing)}.items()]
    if children:
        seen.add(id(thing))
    for kind, key, value in children:
        if type(value) in LEAVES and not (numbers and type(value) in NUMBERS):
            continue
        yield from _walk(value, (*steps, (kind, key)), seen, numbers=numbers)


def _shared(thing: Any) -> dict[str, Any]:
    """Arrays, numbers and containers that are attributes of the class of an object."""
    kinds = (np.ndarray, dict, *ROWS, *NUMBERS)
    return {
        name: value for kind in reversed(type(thing).__mro__) for name, value in vars(kind).items()
        if isinstance(value, kinds) and not name.startswith("__") and name not in getattr(kind, "__slots__", ())
    }  # fmt: skip


def is_user_object(thing: Any) -> bool:
    """Whether a thing is an instance of a class of the code under test, which may hold arrays; a module is not."""
    kind = type(thing)
    if isinstance(thing, type | ModuleType) or (callable(thing) and hasattr(thing, "__code__")):
        return False
    return kind.__module__.partition(".")[0] not in ("builtins", "numpy", "random", "collections") or (
        isinstance(thing, np.ndarray) and kind is not np.ndarray
    )


def attributes_of(thing: Any) -> dict[str, Any]:
    """The attributes of an instance, those in __slots__ included; of closures, the variables that they share."""
    if isinstance(thing, Closures):
        return thing.variables()
    found = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        names = getattr(kind, "__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__") and hasattr(thing, name):
                found[name] = getattr(thing, name)
    return found


def is_like_weights(array: Array) -> bool:
    """Whether an array may be weights: floats, most of them different and none of them 0, unlike a buffer."""
    varied = len(np.unique(array)) > array.size / 2
    return array.dtype.kind == "f" and array.size >= 4 and bool(array.all()) and varied
