"""A subject in another process, and the connection over which its calls go.

    connection = Connection(read, write)          read(n) returns exactly n bytes
    for unit in connection.open(target): ...      what the other side offers
    subject.forward(x)                            one request, one reply
    result = subject.started(calls)               a request; result() waits for its reply

Operations whose result is not read, such as a copy, have no reply: while the other side makes the copy, this side
continues. Their errors are raised by the first request that uses the copy.

Everything that the other side sends is data, and is checked first. If it sends anything else than the reply to the
request, or nothing in time, SubjectEnded is raised, which no law catches.
"""

from __future__ import annotations

import ast
import math
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import ATTRIBUTES
from nnlaw.spec.contracts.obeys import Declaration
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.law import CATALOG
from nnlaw.spec.subjects.copies import advance
from nnlaw.spec.subjects.remote_error import Frame, remote_error
from nnlaw.spec.subjects.shared_arrays import SharedArrays
from nnlaw.spec.subjects.subject import Change, Run, Setting, SourceFunction, Subject
from nnlaw.spec.subjects.wire import LENGTH, MAX_FRAME, ONLY_READ, BadFrame, TooLarge, decode, encode
from nnlaw.spec.violation import BadInput, Inconclusive, Location, NothingToCheck

T = TypeVar("T")
MAX_TEXT = 2000  # characters of an exception's text
MAX_NAME = 200  # characters of a name
MAX_CHANGES = 1000  # of one message of a sweep


FIXED = {*ATTRIBUTES, "has_dx"}  # attributes that are the same for all instances


class SubjectEnded(BaseException):
    """The process of the code under test ended, took too long or sent something else than a reply; why, as text."""

    while_explaining = False
    """Whether this happened while the cause and a fix of a violation were searched."""


@dataclass
class _Reply:
    """The reply to the request of this number, once it is here."""

    number: int
    arguments: Sequence[Any]
    is_here: bool = False
    content: Any = None
    raised: BaseException | None = None


class Connection:
    """Requests to the process of the code under test, which replies in their order."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
        self.read, self.write = read, write
        self.arrays = SharedArrays(first=0, weak=True)
        self.dropped: list[int] = []
        self.by_value = False
        self.number = 0
        self.awaited: deque[_Reply] = deque()  # in the order of their requests
        self.next_object = 1  # odd; the other side uses even numbers
        self.cpu_time = 0.0  # of the other process, at its last reply
        self.ended = ""
        self.folder = self.file = ""

    def confine(self, folder: str, file: str) -> None:
        """From now on report places outside `folder` as places in `file`."""
        self.folder, self.file = os.path.realpath(folder), file

    def own_path(self, path: str) -> str:
        """The path of a place that the other side sent."""
        is_own = not self.folder or not os.path.isabs(path) or Path(os.path.realpath(path)).is_relative_to(self.folder)
        return path if is_own else self.file

    def make(self, operation: str, target: RemoteSubject, *arguments: Any) -> int:
        """Send an operation that makes an object, and do not wait for it; the number of the object."""
        number, self.next_object = self.next_object, self.next_object + 2
        self.write(self._frame(operation, target, arguments, number))
        return number

    def change(self, operation: str, target: RemoteSubject, *arguments: Any) -> None:
        """Send an operation that changes an object, and do not wait for it."""
        self.write(self._frame(operation, target, arguments, 0))

    def request(self, operation: str, target: RemoteSubject | None, *arguments: Any) -> Any:
        """The result of one operation. Raises what the code under test raised, or SubjectEnded."""
        return self.result(self.send(operation, target, *arguments))

    def send(self, operation: str, target: RemoteSubject | None, *arguments: Any) -> _Reply:
        """Send a request, and do not wait for its reply."""
        with self._noting_the_end():
            self.write(self._frame(operation, target, arguments, None))
        reply = _Reply(self.number, arguments)
        self.awaited.append(reply)
        return reply

    def result(self, reply: _Reply) -> Any:
        """The result of an operation that was sent. Raises what the code under test raised, or SubjectEnded."""
        with self._noting_the_end():
            while not reply.is_here:
                self._receive(self.awaited.popleft())
        if reply.raised is not None:
            raise reply.raised
        return reply.content

    @contextmanager
    def _noting_the_end(self) -> Iterator[None]:
        """Raise the SubjectEnded that ended the connection again."""
        if self.ended:
            raise SubjectEnded(self.ended)
        try:
            yield
        except SubjectEnded as error:
            self.ended = str(error)
            raise

    def _receive(self, reply: _Reply) -> None:
        """Read the next reply: what the operation returns, or what it raises."""
        size = LENGTH.unpack(self.read(LENGTH.size))[0]
        if size > MAX_FRAME:
            raise SubjectEnded(f"it sent a message of {size:,} bytes")
        try:
            number, outcome, content, changed, generators, cpu_time = decode(self.read(size), self)
            if number != reply.number or outcome not in ("value", "error", "too large"):
                raise BadFrame("it is the reply to another request")
            self.arrays.apply(changed)
            self._restore(reply.arguments, generators)
            if not (isinstance(cpu_time, float) and math.isfinite(cpu_time)):
                raise BadFrame("its CPU time is not a number")
            self.cpu_time = max(self.cpu_time, cpu_time)
            reply.raised = self._error(*content) if outcome == "error" else None
            if outcome == "too large":
                reply.raised = Inconclusive(f"a result has more than {MAX_FRAME:,} bytes")
        except (BadFrame, KeyError, TypeError, ValueError, AttributeError) as error:
            raise SubjectEnded(f"it sent something else than a reply: {error}") from None
        reply.content, reply.is_here = content, True

    def _frame(
        self, operation: str, target: RemoteSubject | None, arguments: Sequence[Any], result: int | None
    ) -> bytes:
        """The frame of one operation, with what changed on this side since the last one."""
        self.number += 1
        changes = self.arrays.changes()
        forgotten = [self.arrays.take_dropped(), self.dropped[:]]
        self.dropped.clear()
        self.by_value = operation in ONLY_READ
        try:
            return encode([self.number, operation, target, list(arguments), changes, forgotten, result], self)
        except TooLarge as error:  # the changes in it are lost
            raise SubjectEnded(f"it can't be called: {error}") from None

    def _restore(self, arguments: Sequence[Any], found: Sequence[np.random.Generator]) -> None:
        """Advance the random generators that were passed, as the code under test advanced them."""
        own = [each for group in arguments if isinstance(group, list | tuple) for each in group]
        for ours, theirs in zip([each for each in own if isinstance(each, np.random.Generator)], found, strict=True):
            advance(ours, theirs)

    def _error(self, names: Any, text: Any, frames: Any) -> BaseException:
        found = [Frame(str(m), str(f), self.own_path(str(p)), _typed(line, int)) for m, f, p, line in _rows(frames, 4)]
        shown = [str(name)[:MAX_NAME] for name in _typed(names, list)]
        text = str(text)[:MAX_TEXT]
        if "NothingToCheck" in shown:
            return NothingToCheck(text)
        if "BadInput" in shown:  # a declaration that can't be read
            return BadInput(text)
        return remote_error(shown, text, found)

    # the tables of the wire format

    def known_array(self, array: Array) -> int | None:
        return self.arrays.number(array)

    def new_array(self, array: Array) -> int | None:
        return None if self.by_value else self.arrays.add(array)

    def array(self, number: int, writable: bool) -> Array:
        return self.arrays.get(number)

    def keep_array(self, number: int, array: Array) -> None:
        self.arrays.keep(number, array)

    def object_number(self, thing: Any) -> tuple[int, str] | None:
        return (thing.number, thing.type_name) if isinstance(thing, RemoteSubject) else None

    def object(self, number: int, type_name: str) -> RemoteSubject:
        return RemoteSubject(self, number, type_name)


class RemoteSubject(Subject):
    """The subject of an object in another process, by its number there."""

    def __init__(self, connection: Connection, number: int, type_name: str) -> None:
        self.connection, self.number, self.type_name = connection, number, type_name
        self.known: dict[tuple[Any, ...], Any] = {}

    def __del__(self) -> None:
        self.connection.dropped.append(self.number)

    def _request(self, operation: str, *arguments: Any) -> Any:
        return self.connection.request(operation, self, *arguments)

    def _change(self, operation: str, *arguments: Any) -> None:
        self.connection.change(operation, self, *arguments)

    def _once(self, operation: str, *arguments: Any) -> Any:
        """The result of an operation that never changes."""
        key = (operation, *arguments)
        if key not in self.known:
            self.known[key] = self._request(operation, *arguments)
        return self.known[key]

    @property
    def form(self) -> str:
        return _typed(self._once("form"), str)

    def attribute(self, name: str, default: Any = None, *, of_class: bool = False) -> Any:
        found = (self._once if name in FIXED else self._request)("attribute", name, of_class)
        return default if found is None else found

    def attributes_named(self, names: Collection[str]) -> dict[str, Any]:
        found = _typed(self._request("attributes_named", list(names)), list)
        return dict(zip(names, found, strict=False))

    def attributes(self, *, own: bool = False) -> dict[str, Any]:
        return _typed(self._request("attributes", own), dict)

    def has(self, method: str) -> bool:
        return self._request("has", method) is True

    def settings(self) -> tuple[Setting, ...]:
        rows = _rows(self._once("settings"), 5)
        return tuple(Setting(str(n), bool(r), d, str(a), str(k)) for n, r, d, a, k in rows)

    @property
    def declaration(self) -> Declaration | None:
        found = self._once("declaration")
        if found is None:
            return None
        ((text, codes),) = _rows([found], 2)
        laws = [CATALOG["call", code].check for code in _typed(codes, list) if ("call", code) in CATALOG]
        return Declaration(parse(_typed(text, str)), tuple(laws))

    def location(self, method: str = "", unit: str = "") -> Location:
        ((_, name, path, line, column),) = _rows([self._once("location", method)], 5)
        return Location(
            unit, str(name), self.connection.own_path(str(path)), _typed(line, int), _typed(column, int)
        )

    def call(self, method: str, *args: Any, **settings: Any) -> Any:
        return self._request("call", method, list(args), settings)

    def take(self, count: int, *args: Any, **settings: Any) -> tuple[list[Any], bool]:
        ((items, more),) = _rows([self._request("take", count, list(args), settings)], 2)
        return _typed(items, list), more is True

    def sweep(
        self,
        method: str,
        args: Sequence[Any],
        changes: Sequence[Change],
        *,
        fresh: bool,
        item: int | None = None,
    ) -> list[Any]:
        return self.sweep_started(method, args, changes, fresh=fresh, item=item)()

    def sweep_started(
        self, method: str, args: Sequence[Any], changes: Sequence[Change], *, fresh: bool, item: int | None = None
    ) -> Callable[[], list[Any]]:
        replies: list[tuple[_Reply, int]] = []
        for start in range(0, len(changes), MAX_CHANGES):
            part = changes[start : start + MAX_CHANGES]
            targets = [[target, len(list(group))] for target, group in groupby(target for target, _ in part)]
            indices, values = [index for _, (index, _) in part], [value for _, (_, value) in part]
            reply = self.connection.send("sweep", self, method, list(args), targets, indices, values, fresh, item)
            replies.append((reply, len(part)))

        def results() -> list[Any]:
            found: list[Any] = []
            for reply, count in replies:
                part = self.connection.result(reply)
                if isinstance(part, np.ndarray) and part.ndim:  # results of one shape
                    part = list(part)
                if len(_typed(part, list)) != count:
                    raise SubjectEnded("it sent something else than a reply: another number of results")
                found += part
            return found

        return results

    def run(
        self,
        calls: Sequence[tuple[str, Sequence[Any]]],
        *,
        variant: Subject | None = None,
        params: Mapping[str, Array] | None = None,
    ) -> Run:
        return self.started(calls, variant=variant, params=params)()

    def started(
        self,
        calls: Sequence[tuple[str, Sequence[Any]]],
        *,
        variant: Subject | None = None,
        params: Mapping[str, Array] | None = None,
    ) -> Callable[[], Run]:
        rows = [[method, list(args)] for method, args in calls]
        reply = self.connection.send("run", self, rows, variant, dict(params or {}))

        def result() -> Run:
            ((results, params, grads, is_random),) = _rows([self.connection.result(reply)], 4)
            if not len(_typed(results, list)) == len(_typed(is_random, list)) == len(rows):
                raise SubjectEnded("it sent something else than a reply: another number of results")
            return Run(results, _typed(params, dict), _typed(grads, dict), [each is True for each in is_random])

        return result

    def gradients(self, dy: Array) -> dict[str, Array]:
        return _typed(self._request("gradients", dy), dict)

    def steps(self, w: Array, gradients: Sequence[Array], lr: float) -> list[Array]:
        return _typed(self._request("steps", w, list(gradients), lr), list)

    def mapping(self, holder: str) -> MutableMapping[str, Array]:
        return _RemoteMapping(self, holder)

    def set(self, name: str, value: Any) -> None:
        self._change("set", name, value)

    def copy(
        self, variant: Subject | None = None, *, values: Mapping[str, Any] | None = None, float64: bool = False
    ) -> Subject:
        return self._made("copy", variant, dict(values or {}), float64, same_class=variant is None)

    def _made(self, operation: str, *arguments: Any, same_class: bool) -> RemoteSubject:
        """The subject that an operation makes; if it is one of the same class, the same is known of it."""
        subject = RemoteSubject(self.connection, self.connection.make(operation, self, *arguments), self.type_name)
        if same_class:
            subject.known = self.known
        return subject

    def completed(self) -> Subject:
        return self._made("completed", same_class=True)

    def to_float32(self) -> None:
        self._change("to_float32")

    def create(self, settings: Mapping[str, Any], args: Sequence[Any] = ()) -> Subject:
        return _typed(self._request("create", list(args), dict(settings)), RemoteSubject)

    def functions(self) -> list[SourceFunction]:
        rows = _rows(self._request("functions"), 7)
        return [
            SourceFunction(str(n), self.connection.own_path(str(p)), _typed(i, int), tuple(c), bool(o), str(t), bool(v))
            for n, p, i, c, o, t, v in rows
        ]

    def variant(self, changed: Sequence[ast.FunctionDef], tracer: Subject | None = None) -> Subject:
        sources = [ast.unparse(tree) for tree in changed]
        return self._made("variant", sources, tracer, same_class=False)

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def can_be_limited(self) -> bool:
        return True

    def cpu_time(self) -> float:
        return self.connection.cpu_time

    def silenced(self) -> AbstractContextManager[None]:
        return nullcontext()

    def tracer(self) -> Subject:
        return _typed(self._request("tracer"), RemoteSubject)

    def generator_states(self) -> list[Any]:
        return _typed(self._request("generator_states"), list)

    def skip_random(self, count: int) -> None:
        self._change("skip_random", count)

    def seed_globals(self, seed: int | None) -> None:
        self._change("seed_globals", seed)

    def global_numbers(self) -> tuple[float, ...]:
        return _typed(self._request("global_numbers"), tuple)

    def watch_generators(self, on: bool) -> list[Any]:
        return _typed(self._request("watch_generators", on), list)


class _RemoteMapping(MutableMapping[str, Array]):
    """The arrays of an attribute of a remote subject, by name, as they were when it was read."""

    def __init__(self, subject: RemoteSubject, holder: str) -> None:
        self.subject, self.holder = subject, holder
        self.arrays: dict[str, Array] = _typed(subject._request("items", holder), dict)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __setitem__(self, name: str, array: Array) -> None:
        self.subject._change("set_item", self.holder, name, array)
        self.arrays[name] = array

    def __delitem__(self, name: str) -> None:
        self.subject._change("delete_item", self.holder, name)
        del self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


def _typed(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SubjectEnded(f"it sent something else than a reply: a {type(value).__name__}, expected a {kind.__name__}")
    return value


def _rows(value: Any, count: int) -> list[Sequence[Any]]:
    rows: list[Any] = _typed(value, list)
    if not all(isinstance(row, tuple | list) and len(row) == count for row in rows):
        raise SubjectEnded("it sent something else than a reply: rows of another length")
    return rows
