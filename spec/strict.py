"""Strictness in one place: arm an instance, or a block of code, and every call is judged.

    strict(layer)            bound guards on this instance alone; its class and its brothers stay as they are
    with strict(): f(x)      functions under @obeys judge their calls inside the block

A guard filters with a few cheap tests and calls the laws of spec/laws/calls.py only where the filter is not
satisfied, so an armed network computes bit for bit what a plain one does, a little slower.
"""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any, cast

import numpy as np
from numpy import ndarray, vdot

from spec.arrays import Array
from spec.claims import claim, interval
from spec.contract import Obligation, Switch, obligation_of
from spec.law import CATALOGUE, Judge
from spec.laws import calls
from spec.laws.calls import Call, named_outputs
from spec.shapes import Contract, parse
from spec.violation import BadInput, Where

INT64, UINT64 = np.dtype(np.int64), np.dtype(np.uint64)  # a negative label is a huge unsigned one
writable = cast(Callable[[Array, bool], None], ndarray.setflags)  # by position: half the time of by keyword
ALWAYS: tuple[Judge, ...] = (calls.input_untouched, calls.shape, calls.dtype, calls.finite)


class Docket:
    """The count of judgments, and the last array found sound, so that it is not judged twice."""

    def __init__(self) -> None:
        self.sound: Array = np.empty(0)
        self.guards: list[Guard] = []
        self.audits: Counter[str] = Counter()

    def judged(self) -> dict[str, int]:
        """How often each law was judged so far, by code."""
        codes = {row.judge: row.code for row in CATALOGUE.values()}
        total = Counter(self.audits)
        for guard in self.guards:
            for judge in guard.laws:
                total[codes.get(judge, getattr(judge, "__name__", "law"))] += guard.calls
        return dict(sorted(total.items()))


class Guard:
    """Stands in for one bound method and judges its calls. The method as written is at `.bare`.

    Most of a call is a filter: an array like one that was judged before, and finite, can break no law of every call,
    so the laws themselves are asked only where the filter is in doubt.
    """

    __slots__ = (
        "bare", "bounded", "calls", "contract", "docket", "filtered", "laws", "names", "owner", "shapes", "where",
    )  # fmt: skip

    def __init__(
        self,
        bare: Callable[..., Any],
        owner: object,
        path: str,
        contract: Contract,
        names: tuple[str, str],
        laws: tuple[Judge, ...],
        docket: Docket,
    ) -> None:
        self.bare = bare
        self.owner = owner
        self.contract = contract
        self.names = names
        self.laws = laws
        self.docket = docket
        self.filtered = set(laws) == set(ALWAYS)  # further laws have no filter: they are judged each time
        self.calls = 0
        self.shapes: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.bounded = interval(owner) is not None
        self.where = Where.of(bare, path)
        docket.guards.append(self)

    def __call__(self, x: Array) -> Any:
        self.calls += 1
        docket = self.docket
        fits = self.filtered and (x is docket.sound or self.plainly_fits(x))
        if not fits:
            self.judge(Call(self.where, self.owner, self.contract, {self.names[0]: x}))
        seen = x.view()
        writable(seen, False)
        try:
            y = self.bare(seen)
        except Exception as error:
            self.judge(Call(self.where, self.owner, self.contract, {self.names[0]: x}, error=error))
            raise
        if (
            fits
            and type(y) is ndarray
            and y.dtype is x.dtype
            and self.shapes.get(x.shape) == y.shape
            and isfinite((flat := y.ravel()).dot(flat))
        ):
            docket.sound = y
            return y
        if y is None and self.excused():
            return None
        self.judge(Call(self.where, self.owner, self.contract, {self.names[0]: x}, {self.names[1]: y}))
        self.shapes[x.shape] = y.shape
        docket.sound = y
        return y

    def plainly_fits(self, x: Array) -> bool:
        """Whether x is like an input that was judged before, and finite."""
        return type(x) is ndarray and x.shape in self.shapes and x.dtype.kind == "f" and isfinite(vdot(x, x))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy of an armed object is a plain one: audits probe copies and must not count as calls."""
        return copy.deepcopy(self.bare, memo)

    def excused(self) -> bool:
        """A first layer may skip the gradient of its input."""
        return self.where.method == "backward" and getattr(self.owner, "needs_dx", True) is False

    def judge(self, call: Call) -> None:
        """Every law of this guard on one half of a call; the first that is broken speaks."""
        for law in self.laws:
            law(call)


class LossGuard(Guard):
    """Stands in for the `forward` of a loss: (prediction, target) -> number."""

    def __call__(self, prediction: Array, target: Array) -> Any:  # type: ignore[override]  # a loss takes two
        self.calls += 1
        inputs = {"prediction": prediction, "target": target}
        if not (prediction is self.docket.sound and self.plainly_sound(prediction, target)):
            self.judge(Call(self.where, self.owner, self.contract, inputs))
        seen, labels = prediction.view(), target.view()
        writable(seen, False)
        writable(labels, False)
        try:
            value = self.bare(seen, labels)
        except Exception as error:
            self.judge(Call(self.where, self.owner, self.contract, inputs, error=error))
            raise
        if not (isinstance(value, float) and isfinite(value)):
            self.judge(Call(self.where, self.owner, self.contract, inputs, {"loss": value}))
        return value

    def plainly_sound(self, prediction: Array, target: Array) -> bool:
        """Two quick looks that nearly always settle it: labels in range, a logit or a row that is no probability."""
        if not isinstance(target, np.ndarray) or self.bounded:
            return False
        if target.dtype != INT64 or target.shape != prediction.shape[:1] or not len(target):
            return False
        if np.maximum.reduce(target.view(UINT64)) >= prediction.shape[-1]:
            return False
        return not 0 <= prediction.item(0) <= 1 or bool(abs(np.add.reduce(prediction[0]) - 1) > 0.01)


class SlopeGuard(Guard):
    """Stands in for the `backward` of a loss: () -> gradient of the prediction."""

    def __call__(self) -> Any:  # type: ignore[override]  # it takes nothing
        self.calls += 1
        try:
            slope = self.bare()
        except Exception as error:
            self.judge(Call(self.where, self.owner, self.contract, {}, error=error))
            raise
        if not (type(slope) is ndarray and isfinite(vdot(slope, slope))):
            self.judge(Call(self.where, self.owner, self.contract, {}, {self.names[1]: slope}))
        self.docket.sound = slope
        return slope


def arm_layer(layer: Any, path: str, docket: Docket, obligation: Obligation) -> None:
    """Guard `forward` and `backward` of one layer."""
    contract = obligation.contract
    laws = (*ALWAYS, *_claimed(layer), *obligation.laws)
    layer.forward = Guard(layer.forward, layer, path, contract, ("input", "output"), laws, docket)
    layer.backward = Guard(layer.backward, layer, path, contract.reversed, ("dy", "dx"), ALWAYS, docket)


def _claimed(thing: object) -> tuple[Judge, ...]:
    """The laws that a claimed domain and a claimed range call for."""
    domain = (calls.domain,) if claim(thing, "domain") is not None else ()
    return domain + ((calls.within_range,) if claim(thing, "range") is not None else ())


def called_codes(function: Any, obligation: Obligation) -> list[str]:
    """The codes of the laws that `judged_call` judges."""
    codes = {row.judge: row.code for row in CATALOGUE.values()}
    laws = (*ALWAYS, *_claimed(function), *obligation.laws)
    return [codes.get(judge, getattr(judge, "__name__", "law")) for judge in laws]


LABELS = parse("N C, N -> ")
VALUES = parse("N ..., N ... -> ")


def arm_loss(loss: Any, path: str, docket: Docket) -> None:
    """Guard `forward` and `backward` of one loss; the kind is the contract."""
    contract = LABELS if claim(loss, "targets") == "labels" else VALUES
    laws = (*ALWAYS, calls.domain)
    names = ("prediction", "d prediction")
    loss.forward = LossGuard(loss.forward, loss, path, contract, names, laws, docket)
    loss.backward = SlopeGuard(loss.backward, loss, path, parse("-> N ..."), names, ALWAYS, docket)


def arm_predict(model: Any, path: str, docket: Docket) -> None:
    """Guard `predict` of a whole model: rows of its answer are probabilities."""
    laws = (*ALWAYS, calls.rows_sum_to_one)
    contract = parse("N ... -> N C")
    model.predict = Guard(model.predict, model, path, contract, ("input", "probabilities"), laws, docket)


def is_armed(thing: object) -> bool:
    """Whether `strict` has put guards on this instance."""
    return any(isinstance(value, Guard) for value in vars(thing).values())


def disarm(thing: Any) -> None:
    """Take the guards off again."""
    for name, value in list(vars(thing).items()):
        if isinstance(value, Guard):
            delattr(thing, name)


def strict(
    thing: Any = None, *, path: str = "", docket: Docket | None = None, contract: str | None = None
) -> Any:
    """Arm a layer and return it; or, called with nothing, a block in which guarded functions are judged.

    `contract` stands in where the class bears no @obeys. Raises BadInput where there is neither, or where the
    object cannot take guards.
    """
    if thing is None:
        return _block()
    if not (callable(getattr(thing, "forward", None)) and callable(getattr(thing, "backward", None))):
        raise BadInput(f"{getattr(thing, '__name__', type(thing).__name__)} has no forward and backward to guard")
    if inspect.isclass(thing):
        raise BadInput(f"{thing.__name__} is a class: pass an instance, so that its brothers stay as they are")
    obligation = Obligation(parse(contract)) if contract else obligation_of(thing)
    if obligation is None:
        raise BadInput(
            f'{type(thing).__name__} has no shape contract: put @obeys("N n_in -> N n_out") above its class, '
            "or pass contract="
        )
    if not hasattr(thing, "__dict__"):
        raise BadInput(f"{type(thing).__name__} has __slots__ and no __dict__, so it cannot be armed")
    if not is_armed(thing):
        arm_layer(thing, path or type(thing).__name__, docket or Docket(), obligation)
    return thing


@contextmanager
def _block() -> Iterator[None]:
    Switch.depth += 1
    try:
        yield
    finally:
        Switch.depth -= 1


def judged_call(
    function: Callable[..., Any], obligation: Obligation, args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """One call of a plain function under every law it is bound by."""
    contract = obligation.contract
    laws = (*ALWAYS, *_claimed(function), *obligation.laws)
    where = Where.of(function)
    count = len(contract.inputs)
    if len(args) < count:  # arrays handed in by keyword
        bound = inspect.signature(function).bind(*args, **settings)
        names_given = list(bound.arguments)[:count]
        args = tuple(bound.arguments[name] for name in names_given)
        settings = {name: value for name, value in settings.items() if name not in names_given}
    inputs = {("input" if count == 1 else f"input {i}"): array for i, array in enumerate(args[:count])}
    views = [array.view() if isinstance(array, np.ndarray) else array for array in args]
    for view in views:
        if isinstance(view, np.ndarray):
            writable(view, False)
    call = Call(where, function, contract, inputs)
    for law in laws:
        law(call)
    try:
        result = function(*views, **settings)
    except Exception as error:
        call.error = error
        for law in laws:
            law(call)
        raise
    names = tuple(
        "output" if len(contract.outputs) == 1 else f"output {i}" for i in range(len(contract.outputs))
    )
    call.outputs = named_outputs(names, result)
    for law in laws:
        law(call)
    return result

