"""Strictness in one place: arm an instance, or a block of code, and every call is judged.

    strict(layer)            bound guards on this instance alone; its class and its brothers stay as they are
    with strict(): f(x)      functions under @obeys judge their calls inside the block
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnlaw.spec.contracts.call import Call, named_outputs
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.contracts.obeys import Declaration, Switch, declaration_of
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.guards.guard import ALWAYS, CheckLog, Guard, LossGradientGuard, LossGuard, writable
from nnlaw.spec.law import LawFunction, code_of
from nnlaw.spec.laws.call.domain import domain
from nnlaw.spec.laws.call.range import within_range
from nnlaw.spec.laws.call.simplex import rows_sum_to_one
from nnlaw.spec.violation import BadInput, Location

LABELS = parse("N C, N -> ")
VALUES = parse("N ..., N ... -> ")


def arm_layer(layer: Any, path: str, check_log: CheckLog, declaration: Declaration) -> None:
    """Guard `forward` and `backward` of one layer."""
    contract = declaration.contract
    laws = (*ALWAYS, *_claimed(layer), *declaration.laws)
    layer.forward = Guard(layer.forward, layer, path, contract, ("input", "output"), laws, check_log)
    layer.backward = Guard(layer.backward, layer, path, contract.reversed, ("dy", "dx"), ALWAYS, check_log)


def _claimed(thing: object) -> tuple[LawFunction, ...]:
    """The laws that a claimed domain and a claimed range call for."""
    inputs: tuple[LawFunction, ...] = (domain,) if claim(thing, "domain") is not None else ()
    return inputs + ((within_range,) if claim(thing, "range") is not None else ())


def called_codes(function: Any, declaration: Declaration) -> list[str]:
    """The codes of the laws that `judged_call` judges."""
    return [code_of(judge) for judge in (*ALWAYS, *_claimed(function), *declaration.laws)]


def arm_loss(loss: Any, path: str, check_log: CheckLog) -> None:
    """Guard `forward` and `backward` of one loss; the kind is the contract."""
    contract = LABELS if claim(loss, "targets") == "labels" else VALUES
    laws = (*ALWAYS, domain)
    names = ("prediction", "d prediction")
    loss.forward = LossGuard(loss.forward, loss, path, contract, names, laws, check_log)
    loss.backward = LossGradientGuard(loss.backward, loss, path, parse("-> N ..."), names, ALWAYS, check_log)


def arm_predict(model: Any, path: str, check_log: CheckLog) -> None:
    """Guard `predict` of a whole model: rows of its answer are probabilities."""
    laws = (*ALWAYS, rows_sum_to_one)
    contract = parse("N ... -> N C")
    model.predict = Guard(model.predict, model, path, contract, ("input", "probabilities"), laws, check_log)


def is_armed(thing: object) -> bool:
    """Whether `strict` has put guards on this instance."""
    return any(isinstance(value, Guard) for value in vars(thing).values())


def strict(
    thing: Any = None, *, path: str = "", check_log: CheckLog | None = None, contract: str | None = None
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
    declaration = Declaration(parse(contract)) if contract else declaration_of(thing)
    if declaration is None:
        raise BadInput(
            f'{type(thing).__name__} has no shape contract: put @obeys("N n_in -> N n_out") above its class, '
            "or pass contract="
        )
    if not hasattr(thing, "__dict__"):
        raise BadInput(f"{type(thing).__name__} has __slots__ and no __dict__, so it cannot be armed")
    if not is_armed(thing):
        arm_layer(thing, path or type(thing).__name__, check_log or CheckLog(), declaration)
    return thing


@contextmanager
def _block() -> Iterator[None]:
    Switch.depth += 1
    try:
        yield
    finally:
        Switch.depth -= 1


def checked_call(
    function: Callable[..., Any], declaration: Declaration, args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """One call of a plain function under every law it is bound by."""
    contract = declaration.contract
    laws = (*ALWAYS, *_claimed(function), *declaration.laws)
    location = Location.of(function)
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
