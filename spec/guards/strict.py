"""Strict mode: put guards on one instance, or check functions inside a block.

    strict(layer)            guards on this instance only; its class and other instances are unchanged
    with strict(): f(x)      every call of a function under @obeys is checked inside the block, in the same thread
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnlaw.spec.contracts.call import Call, named_outputs
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.contracts.obeys import CHECKED_CALL, Declaration, declaration_of
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.guards.guard import ALWAYS, Guard, LossGradientGuard, LossGuard, set_writable
from nnlaw.spec.law import LawFunction, code_of
from nnlaw.spec.laws.call.domain import domain
from nnlaw.spec.laws.call.range import within_range
from nnlaw.spec.laws.call.simplex import rows_sum_to_one
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.violation import BadInput, Location

LABELS = parse("N C, N -> ")
VALUES = parse("N ..., N ... -> ")


def arm_layer(layer: Any, path: str, check_log: CheckLog, declaration: Declaration) -> None:
    """Put guards on `forward` and `backward` of one layer."""
    contract = declaration.contract
    laws = _call_laws(layer, declaration)
    forward, backward = _locations(layer, path)
    layer.forward = Guard(layer.forward, layer, forward, contract, ("input", "output"), laws, check_log)
    layer.backward = Guard(layer.backward, layer, backward, contract.reversed, ("dy", "dx"), ALWAYS, check_log)


def _locations(thing: Any, path: str) -> list[Location]:
    """Where its forward and its backward are defined."""
    return [subject_of(thing).location(method, path) for method in ("forward", "backward")]


def _call_laws(thing: object, declaration: Declaration) -> tuple[LawFunction, ...]:
    """The laws of every call, of a declared domain and range, and those that @obeys adds."""
    inputs: tuple[LawFunction, ...] = (domain,) if declared_value(thing, "domain") is not None else ()
    outputs: tuple[LawFunction, ...] = (within_range,) if declared_value(thing, "range") is not None else ()
    return (*ALWAYS, *inputs, *outputs, *declaration.laws)


def call_law_codes(function: Any, declaration: Declaration) -> list[str]:
    """The codes of the laws that `checked_call` checks."""
    return [code_of(law) for law in _call_laws(function, declaration)]


def arm_loss(loss: Any, path: str, check_log: CheckLog) -> None:
    """Put guards on `forward` and `backward` of one loss; its `targets` give the contract."""
    contract = LABELS if declared_value(loss, "targets") == "labels" else VALUES
    laws = (*ALWAYS, domain)
    names = ("prediction", "d prediction")
    forward, backward = _locations(loss, path)
    loss.forward = LossGuard(loss.forward, loss, forward, contract, names, laws, check_log)
    loss.backward = LossGradientGuard(loss.backward, loss, backward, parse("-> N ..."), names, ALWAYS, check_log)


def arm_predict(model: Any, path: str, check_log: CheckLog) -> None:
    """Put a guard on `predict` of a whole model, whose output rows are probabilities."""
    laws = (*ALWAYS, rows_sum_to_one)
    contract = parse("N ... -> N C")
    predict = subject_of(model).location("predict", path)
    model.predict = Guard(model.predict, model, predict, contract, ("input", "probabilities"), laws, check_log)


def is_armed(thing: object) -> bool:
    """Whether `strict` has put guards on this instance."""
    return any(isinstance(value, Guard) for value in vars(thing).values())


def strict(
    thing: Any = None, *, path: str = "", check_log: CheckLog | None = None, contract: str | None = None
) -> Any:
    """Put guards on a layer and return it; without arguments, a block in which functions under @obeys are checked.

    `contract` is used instead of that of @obeys. Raises BadInput if there is no contract, or if the object can't have
    guards.
    """
    if thing is None:
        return _block()
    if not (callable(getattr(thing, "forward", None)) and callable(getattr(thing, "backward", None))):
        raise BadInput(f"{getattr(thing, '__name__', type(thing).__name__)} has no forward and backward to guard")
    if inspect.isclass(thing):
        raise BadInput(f"strict() takes an instance, not the class {thing.__name__}")
    declaration = Declaration(parse(contract)) if contract else declaration_of(thing)
    if declaration is None:
        raise BadInput(
            f'{type(thing).__name__} has no shape contract: put @obeys("N n_in -> N n_out") above its class, '
            "or pass contract="
        )
    if not hasattr(thing, "__dict__"):
        raise BadInput(f"{type(thing).__name__} has __slots__ and no __dict__, so it can't have guards")
    if not is_armed(thing):
        arm_layer(thing, path or type(thing).__name__, check_log or CheckLog(), declaration)
    return thing


@contextmanager
def _block() -> Iterator[None]:
    token = CHECKED_CALL.set(checked_call)
    try:
        yield
    finally:
        CHECKED_CALL.reset(token)


def checked_call(
    function: Callable[..., Any], declaration: Declaration, args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """Call a function and check its inputs and outputs against every law that it declares."""
    contract = declaration.contract
    laws = _call_laws(function, declaration)
    location = subject_of(function).location()
    count = len(contract.inputs)
    if len(args) < count:  # arrays passed by keyword
        bound = inspect.signature(function).bind(*args, **settings)
        passed = list(bound.arguments)[:count]
        args = tuple(bound.arguments[name] for name in passed)
        settings = {name: value for name, value in settings.items() if name not in passed}
    inputs = {("input" if count == 1 else f"input {i}"): array for i, array in enumerate(args[:count])}
    views = [array.view() if isinstance(array, np.ndarray) else array for array in args]
    for view in views:
        if isinstance(view, np.ndarray):
            set_writable(view, False)
    call = Call(location, function, contract, inputs)
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
