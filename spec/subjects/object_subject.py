"""A subject in this process: a thin wrapper around a class, an instance or a function.

    subject_of(layer).forward(x)        layer.forward(x)
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import linecache
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from itertools import islice, pairwise
from types import FunctionType
from typing import Any, Literal

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import Declaration, declaration_of
from nnlaw.spec.subjects import global_generators
from nnlaw.spec.subjects.copies import (
    AnyGenerator,
    advance,
    copies_of,
    copy_of_generator,
    copy_with_generators,
    generator_states,
)
from nnlaw.spec.subjects.interrupt import can_interrupt, interrupt_after
from nnlaw.spec.subjects.layer_protocol import complete_layer, convert, convert_to_float32
from nnlaw.spec.subjects.subject import Change, Run, Setting, SourceFunction, Subject, Target
from nnlaw.spec.subjects.tracer import Tracer
from nnlaw.spec.subjects.variants import (
    ChangedFunctions,
    calling_others,
    changed_functions,
    functions_behind,
    functions_of,
    helpers_of,
    variant_of,
)
from nnlaw.spec.violation import Location

SETTING_KINDS: dict[Any, str] = {
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "var_positional",
    inspect.Parameter.VAR_KEYWORD: "var_keyword",
}
FEW = 20  # changes that are made in a new copy each


def subject_of(thing: Any) -> Subject:
    """The subject of an object; a subject is returned as it is."""
    return thing if isinstance(thing, Subject) else ObjectSubject(thing)


class ObjectSubject(Subject):
    """The subject of `object`, which lives in this process."""

    def __init__(
        self, thing: Any, generators: Sequence[AnyGenerator] | None = None, *, is_variant: bool = False
    ) -> None:
        self.object = thing
        self.is_variant = is_variant  # compiled from a changed source, which may never end
        self.type_name = str(getattr(thing, "__name__", type(thing).__name__))
        self._generators = generators

    @property
    def _class(self) -> Any:
        """Its class; a class or a function itself."""
        return self.object if inspect.isclass(self.object) or inspect.isroutine(self.object) else type(self.object)

    @property
    def form(self) -> str:
        if inspect.isclass(self.object):
            return "class"
        return "function" if inspect.isroutine(self.object) else "instance"

    def attribute(self, name: str, default: Any = None, *, of_class: bool = False) -> Any:
        return getattr(self._class if of_class else self.object, name, default)

    def attributes(self, *, own: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for owner in (self.object,) if own else (*reversed(type(self.object).__mro__), self.object):
            found |= getattr(owner, "__dict__", {})
        return {name: value for name, value in found.items() if not name.startswith("__")}

    def has(self, method: str) -> bool:
        return callable(getattr(self.object, method, None))

    def settings(self) -> tuple[Setting, ...]:
        try:
            rows = inspect.signature(self._class).parameters.values()
        except (TypeError, ValueError):
            return ()
        return tuple(
            Setting(
                row.name,
                row.default is row.empty,
                None if row.default is row.empty else row.default,
                _annotation(row.annotation),
                SETTING_KINDS.get(row.kind, "positional"),
            )
            for row in rows
        )

    @property
    def declaration(self) -> Declaration | None:
        return declaration_of(self.object)

    def location(self, method: str = "", unit: str = "") -> Location:
        if not method:
            return Location.of(self.object, unit)
        source = getattr(self.object, "source_of", None)  # of an adapter: the author's function
        found = source(method) if source is not None and inspect.ismethod(source) else None
        return Location.of(found or getattr(self.object, method, None), unit)

    def call(self, method: str, *args: Any, **settings: Any) -> Any:
        function = getattr(self.object, method) if method else self.object
        return _called(function, args, settings)

    def take(self, count: int, *args: Any, **settings: Any) -> tuple[list[Any], bool]:
        def start(*args: Any, **settings: Any) -> tuple[list[Any], bool]:
            items = iter(self.object(*args, **settings))
            return [_copied(item) for item in islice(items, count)], next(items, None) is not None

        found: tuple[list[Any], bool] = _called(start, args, settings)
        return found

    def sweep(
        self,
        method: str,
        args: Sequence[Any],
        changes: Sequence[Change],
        *,
        fresh: bool,
        item: int | None = None,
    ) -> list[Any]:
        if not fresh:
            return self._swept(method, args, changes, item, lambda: self)
        if len(changes) > FEW and (found := self._swept_by_one_copy(method, args, changes, item)):
            return found
        return self._swept_by_new_copies(method, args, changes, item)

    def _swept_by_new_copies(
        self, method: str, args: Sequence[Any], changes: Sequence[Change], item: int | None
    ) -> list[Any]:
        copies = copies_of(self.object)
        return self._swept(method, args, changes, item, lambda: ObjectSubject(next(copies)))

    def _swept_by_one_copy(
        self, method: str, args: Sequence[Any], changes: Sequence[Change], item: int | None
    ) -> list[Any]:
        """The results of one copy, which takes less time than many: its generators are set back before each call.

        Empty if that is not enough: if it has no generator, new copies have other results at the first or the last
        change of an array, or no change of an array has an effect, as in a copy whose parameters are views of another.
        """
        twin, found_generators = copy_with_generators(self.object)
        generators = [each for each in found_generators if isinstance(each, np.random.Generator)]
        if not generators or len(generators) < len(found_generators):
            return []
        one, states = ObjectSubject(twin), [each.bit_generator.state for each in generators]

        def set_back() -> ObjectSubject:
            for each, state in zip(generators, states, strict=True):
                each.bit_generator.state = state
            return one

        try:
            found = one._swept(method, args, changes, item, set_back)
        except TimeoutError:  # of interrupt_after
            raise
        except Exception:  # it may refuse a second call
            return []
        ends: list[int] = []
        for target in dict.fromkeys(target for target, _ in changes):
            first, *rest = (i for i, (other, _) in enumerate(changes) if other == target)
            if all(np.array_equal(found[i], found[first]) for i in rest):
                return []
            ends += [first, rest[-1]]
        new = self._swept_by_new_copies(method, args, [changes[i] for i in ends], item)
        return found if all(map(np.array_equal, (found[i] for i in ends), new)) else []

    def _swept(
        self,
        method: str,
        args: Sequence[Any],
        changes: Sequence[Change],
        item: int | None,
        called: Callable[[], ObjectSubject],
    ) -> list[Any]:
        """The result of what `called` returns at each change of the arrays of this object."""
        arrays: dict[Target, tuple[Array, Array]] = {}
        results = []
        for target, (index, value) in changes:
            if target not in arrays:
                array = args[target] if isinstance(target, int) else self.mapping(target[0])[target[1]]
                arrays[target] = array.reshape(-1), array.reshape(-1).copy()
                if not np.shares_memory(arrays[target][0], array):
                    raise ValueError("the array to change must be contiguous")
            flat, before = arrays[target]
            if index is None:
                flat[:] = np.reshape(value, -1)
            else:
                flat[index] = value
            try:
                result = called().call(method, *args)
                results.append(_copied(result if item is None else result[item]))
            finally:
                flat[:] = before
        return results

    def run(
        self,
        calls: Sequence[tuple[str, Sequence[Any]]],
        *,
        variant: Subject | None = None,
        params: Mapping[str, Array] | None = None,
    ) -> Run:
        each = self.copy(variant)
        for name, array in (params or {}).items():
            each.params[name] = array
        begin = {name: np.array(array) for name, array in each.params.items()}
        results, states = [], [each.generator_states()]
        for method, args in calls:
            results.append(_copied(each.call(method, *(_copied(arg, order="K") for arg in args))))
            states.append(each.generator_states())
        return Run(results, begin, dict(each.grads), [before != after for before, after in pairwise(states)])

    def steps(self, w: Array, gradients: Sequence[Array], lr: float) -> list[Array]:
        path, w = [], w.copy()
        for g in gradients:
            self.object.step(w, np.array(g), lr)
            path.append(w.copy())
        return path

    def mapping(self, holder: str) -> MutableMapping[str, Array]:
        found = getattr(self.object, holder, None)
        return found if isinstance(found, dict | MutableMapping) else {}  # the first is found faster

    def set(self, name: str, value: Any) -> None:
        setattr(self.object, name, value)

    def copy(
        self, variant: Subject | None = None, *, values: Mapping[str, Any] | None = None, float64: bool = False
    ) -> Subject:
        twin, generators = copy_with_generators(self.object)
        if variant is not None:
            if isinstance(object_of(variant), ChangedFunctions):
                author = _authors_object(twin)
                author.replace_functions(object_of(variant).with_defaults_of(author.own_functions()))
            else:
                _authors_object(twin).__class__ = object_of(variant)
        for name, value in (values or {}).items():
            setattr(twin, name, value)
        if float64:
            convert(twin, np.float64)
        return ObjectSubject(twin, generators, is_variant=self.is_variant or variant is not None)

    def completed(self) -> Subject:
        return ObjectSubject(complete_layer(copy_with_generators(self.object)[0]))

    def to_float32(self) -> None:
        convert_to_float32(self.object)

    def create(self, settings: Mapping[str, Any], args: Sequence[Any] = ()) -> Subject:
        return ObjectSubject(_called(self._class, args, settings))

    def functions(self) -> list[SourceFunction]:
        thing = _authors_object(self.object)
        if functions_behind(thing) or type(thing).__module__.startswith("nnlaw.spec."):  # an adapter of functions
            own = functions_behind(thing)
            of_gradient = {id(f) for f in [*own[:1], *helpers_of(own[:1])]}
            return [_source(f, False, id(f) not in of_gradient) for f in [*own, *helpers_of(own)]]
        own = functions_of(thing)
        return [_source(f, f in own) for f in [*own, *helpers_of(own)]]

    def variant(self, changed: Sequence[ast.FunctionDef], tracer: Subject | None = None) -> Subject:
        recorder = None if tracer is None else object_of(tracer)
        thing = _authors_object(self.object)
        if functions_behind(thing):
            made = changed_functions(functions_behind(thing), changed, recorder)
            found = calling_others(thing, made.by_name) if isinstance(thing, FunctionType) else made
            return ObjectSubject(found, is_variant=True)
        return ObjectSubject(variant_of(thing, changed, recorder), is_variant=True)

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        interrupt_after(seconds)
        try:
            yield
        finally:
            interrupt_after(None)

    @property
    def can_be_limited(self) -> bool:
        return can_interrupt()

    def cpu_time(self) -> float:
        return 0.0

    @contextlib.contextmanager
    def silenced(self) -> Iterator[None]:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield

    def tracer(self) -> Subject:
        return ObjectSubject(Tracer())

    def generator_states(self) -> list[Any]:
        if self._generators is None:
            return generator_states(copy_with_generators(self.object)[1])
        return generator_states(self._generators)

    def skip_random(self, count: int) -> None:
        for generator in self._generators or ():
            for _ in range(count):
                generator.random()

    def seed_globals(self, seed: int | None) -> None:
        global_generators.start(seed)

    def global_numbers(self) -> tuple[float, ...]:
        return global_generators.next_numbers()

    def watch_generators(self, on: bool) -> list[Any]:
        return global_generators.watch(on)


def _authors_object(thing: Any) -> Any:
    """The instance that an adapter wraps, or an adapter that this one wraps; any other object itself."""
    found = getattr(thing, "instance", None) if hasattr(type(thing), "source_of") else None
    return thing if found is None else _authors_object(found)


def object_of(subject: Subject) -> Any:
    """The object of a subject in this process."""
    assert isinstance(subject, ObjectSubject)
    return subject.object


def _called(function: Callable[..., Any], args: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """Call a function with copies of the random generators, which are then advanced as the copies were.

    What keeps a generator that it is given has one of its own, in this process as in another.
    """
    if np.random.Generator not in map(type, args):
        return function(*args, **settings)
    generators = [i for i, each in enumerate(args) if type(each) is np.random.Generator]
    own = [copy_of_generator(each) if i in generators else each for i, each in enumerate(args)]
    try:
        return function(*own, **settings)
    finally:
        for i in generators:
            advance(args[i], own[i])


def _copied(value: Any, order: Literal["C", "K"] = "C") -> Any:
    """A copy of arrays, which the code under test may use again."""
    if isinstance(value, np.ndarray):
        return value.copy(order)
    return type(value)(_copied(each, order) for each in value) if type(value) in (tuple, list) else value


def _annotation(found: Any) -> str:
    if found is inspect.Parameter.empty:
        return ""
    return found if isinstance(found, str) else str(getattr(found, "__name__", found))


def _source(f: FunctionType, of_class: bool, of_value: bool = False) -> SourceFunction:
    code = f.__code__
    names = code.co_names
    return SourceFunction(f.__name__, code.co_filename, code.co_firstlineno, names, of_class, _text(f), of_value)


def _text(function: FunctionType) -> str:
    path = function.__code__.co_filename
    linecache.checkcache(path)
    return "".join(linecache.getlines(path, function.__globals__))
