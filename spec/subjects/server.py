"""The side of the code under test: make the calls of the laws until the connection ends.

    serve(read, write, open_target)

A request is (number, operation, object or None, arguments, changes of arrays, numbers to forget: arrays, objects,
number of the result or None). The reply is (number, "value" or "error", content, changes of arrays, random generators
among the arguments, as they are now, CPU time of this process); the content of an error is (names of its class and
bases, text, traceback). OPERATIONS lists what can be called: the methods of a Subject, and `open`, which calls
`open_target`.

A request with a number for its result has no reply: the result is kept under this number, and with number 0 there is no
result. Its error is that of every later request that uses the result or, without a result, the object.
"""

from __future__ import annotations

import ast
import contextlib
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.interrupt import interrupt_after
from nnlaw.spec.subjects.object_subject import ObjectSubject
from nnlaw.spec.subjects.shared_arrays import SharedArrays
from nnlaw.spec.subjects.subject import Subject, Target
from nnlaw.spec.subjects.wire import LENGTH, MAX_FRAME, ONLY_READ, TooLarge, decode, encode
from nnlaw.spec.syntax import parse

VARIANT_SECONDS = 0.5  # of CPU time for one call of a variant, which may never end
MAX_TEXT = 2000  # characters of an exception's text
BY_VALUE = ONLY_READ | {"attribute", "attributes", "attributes_named", "generator_states", "gradients", "open", "take"}
"""Operations whose results are only read, so both sides need not hold the same arrays."""

Open = Callable[[Any], Any]


@dataclass(frozen=True)
class Failed:
    """In place of an object that could not be made or changed: the error, as described() returns it."""

    error: Any


class ServerTables:
    """The arrays and objects of this side."""

    def __init__(self) -> None:
        self.arrays = SharedArrays(first=1, weak=False)
        self.objects: dict[int, Subject | Failed] = {}
        self.next_object = 0
        self.by_value = False

    def known_array(self, array: Array) -> int | None:
        return self.arrays.number(array)

    def new_array(self, array: Array) -> int | None:
        return None if self.by_value else self.arrays.add(array)

    def array(self, number: int, writable: bool) -> Array:
        return self.arrays.get(number, writable)

    def keep_array(self, number: int, array: Array) -> None:
        self.arrays.keep(number, array)

    def object_number(self, thing: Any) -> tuple[int, str] | None:
        if not isinstance(thing, Subject):
            return None
        self.next_object += 2
        self.objects[self.next_object] = thing
        return self.next_object, thing.type_name

    def object(self, number: int, type_name: str) -> Subject | Failed:
        return self.objects[number]

    def finish(self, result: int, target: Any, outcome: str, content: Any) -> None:
        """Keep what a request without a reply has made, or its error."""
        if result:
            self.objects[result] = content if outcome == "value" else Failed(content)
        elif outcome == "error":
            for number in [number for number, each in self.objects.items() if each is target]:
                self.objects[number] = Failed(content)


def serve(
    read: Callable[[int], bytes], write: Callable[[bytes], None], open_target: Open, tables: ServerTables | None = None
) -> None:
    """Handle requests until `read`, which returns exactly so many bytes, returns an empty result."""
    tables = tables or ServerTables()
    while header := read(LENGTH.size):
        size = LENGTH.unpack(header)[0]
        if size > MAX_FRAME:
            return
        number, operation, target, arguments, changes, dropped, result = decode(read(size), tables)
        tables.arrays.apply(changes)
        tables.arrays.drop(dropped[0])
        for each in dropped[1]:
            tables.objects.pop(each, None)
        own = arguments if target is None else (target, *arguments)
        failed = next((each for each in own if isinstance(each, Failed)), None)
        try:
            if failed is not None:
                outcome, content = "error", failed.error
            else:
                function = open_target if operation == "open" else OPERATIONS[operation]
                with _limited(own):
                    outcome, content = "value", function(*own)
        except BaseException as error:  # the laws decide what it means
            outcome, content = "error", described(error)
        if result is not None:
            tables.finish(result, target, outcome, content)
            continue
        rest = tables.arrays.changes(), _generators(arguments), time.process_time()
        tables.by_value = operation in BY_VALUE
        try:
            reply = encode([number, outcome, content, *rest], tables)
        except TooLarge as error:  # it is not for the laws to decide
            reply = encode([number, "too large", str(error), *rest], tables)
        except (ValueError, MemoryError) as error:
            reply = encode([number, "error", described(error), *rest], tables)
        write(reply)


@contextlib.contextmanager
def _limited(subjects: Sequence[Any]) -> Iterator[None]:
    """Raise TimeoutError if a call of a variant takes longer than VARIANT_SECONDS of CPU time."""
    if not any(isinstance(each, ObjectSubject) and each.is_variant for each in subjects):
        yield
        return
    interrupt_after(VARIANT_SECONDS)
    try:
        yield
    finally:
        interrupt_after(None)


def _generators(arguments: Sequence[Any]) -> list[np.random.Generator]:
    """The random generators among the arguments of a call."""
    own = [each for group in arguments if isinstance(group, list | tuple) for each in group]
    return [each for each in own if isinstance(each, np.random.Generator)]


def described(error: BaseException) -> tuple[list[str], str, list[tuple[str, str, str, int]]]:
    """The names of an exception's class and its bases, its text, and its traceback."""
    try:
        text = text_of(error)[:MAX_TEXT]
    except Exception:
        text = "an exception whose text can't be made"
    frames = [
        (str(frame.f_globals.get("__name__", "")), frame.f_code.co_name, frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return [kind.__name__ for kind in type(error).__mro__], text, frames[-20:]


def _call(subject: Subject, method: str, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    return subject.call(method, *args, **settings)


def _take(subject: Subject, count: int, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    return subject.take(count, *args, **settings)


def _attribute(subject: Subject, name: str, of_class: bool) -> Any:
    found = subject.attribute(name, of_class=of_class)
    return ObjectSubject(found) if callable(found) else found


def _run(subject: Subject, calls: Any, variant: Subject | None, params: dict[str, Array]) -> tuple[Any, ...]:
    found = subject.run(calls, variant=variant, params=params)
    return found.results, found.params, found.grads, found.is_random


def _sweep(
    subject: Subject,
    method: str,
    args: list[Any],
    targets: list[tuple[Target, int]],
    indices: list[int | None],
    values: list[Any],
    fresh: bool,
    item: int | None,
) -> Any:
    """The results, as one array if they are arrays of one shape and dtype."""
    each = [target for target, count in targets for _ in range(count)]
    changes: list[Any] = list(zip(each, zip(indices, values, strict=True), strict=True))
    found = subject.sweep(method, args, changes, fresh=fresh, item=item)
    kinds = {(each.dtype.char, each.shape) if type(each) is np.ndarray else ("", ()) for each in found}
    return np.stack(found) if len(kinds) == 1 and kinds.pop()[0] in ("f", "d") else found


def _set_item(subject: Subject, holder: str, name: Any, array: Any) -> None:
    subject.mapping(holder)[name] = array


def _delete_item(subject: Subject, holder: str, name: Any) -> None:
    del subject.mapping(holder)[name]


def _variant(subject: Subject, changed: Sequence[str], tracer: Subject | None) -> Subject:
    trees = [node for text in changed for node in parse(text).body if isinstance(node, ast.FunctionDef)]
    return subject.variant(trees, tracer)


def _declaration(subject: Subject) -> tuple[str, list[str]] | None:
    from nnlaw.spec.law import code_of

    found = subject.declaration
    return None if found is None else (found.contract.text, [code_of(law) for law in found.laws])


def _location(subject: Subject, method: str) -> tuple[Any, ...]:
    return astuple(subject.location(method))


def _rows(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [astuple(row) for row in rows]


OPERATIONS: dict[str, Callable[..., Any]] = {
    "attribute": _attribute,
    "attributes_named": lambda subject, names: [_attribute(subject, name, False) for name in names],
    "attributes": lambda subject, own: subject.attributes(own=own),
    "call": _call,
    "completed": lambda subject: subject.completed(),
    "copy": lambda subject, variant, values, float64: subject.copy(variant, values=values, float64=float64),
    "create": lambda subject, args, settings: subject.create(settings, args),
    "declaration": _declaration,
    "delete_item": _delete_item,
    "form": lambda subject: subject.form,
    "functions": lambda subject: _rows(subject.functions()),
    "global_numbers": lambda subject: subject.global_numbers(),
    "generator_states": lambda subject: [repr(state) for state in subject.generator_states()],
    "gradients": lambda subject, dy: subject.gradients(dy),
    "has": lambda subject, method: subject.has(method),
    "items": lambda subject, holder: dict(subject.mapping(holder)),
    "location": _location,
    "run": _run,
    "seed_globals": lambda subject, seed: subject.seed_globals(seed),
    "set": lambda subject, name, value: subject.set(name, value),
    "set_item": _set_item,
    "steps": lambda subject, w, gradients, lr: subject.steps(w, gradients, lr),
    "settings": lambda subject: _rows(subject.settings()),
    "skip_random": lambda subject, count: subject.skip_random(count),
    "sweep": _sweep,
    "take": _take,
    "to_float32": lambda subject: subject.to_float32(),
    "tracer": lambda subject: subject.tracer(),
    "variant": _variant,
    "watch_generators": lambda subject, on: subject.watch_generators(on),
}
