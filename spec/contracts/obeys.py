"""@obeys: one line above a class or function that declares its shapes, and further call laws it must pass.

    @obeys("N n_in -> N n_out")
    class Dense: ...

    @obeys("N C -> N C", rows_sum_to_one)
    def softmax(z): ...

A class is returned unchanged, with the declaration recorded; `strict(instance)` adds guards later. A function is
wrapped: the wrapper calls it directly (one test) unless `with strict():` is active. The function as written is `.bare`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from nnlaw.spec.contracts.attributed import attribute_of
from nnlaw.spec.contracts.shapes import Contract, parse
from nnlaw.spec.law import LawFunction

Marked = TypeVar("Marked", bound=Callable[..., Any])


@dataclass(frozen=True)
class Declaration:
    """The shape contract that @obeys records, and the call laws beyond those that always run."""

    contract: Contract
    laws: tuple[LawFunction, ...] = ()


CheckedCall: TypeAlias = Callable[[Callable[..., Any], Declaration, tuple[Any, ...], dict[str, Any]], Any]

CHECKED_CALL: ContextVar[CheckedCall | None] = ContextVar("CHECKED_CALL", default=None)
"""The function that makes and checks a call of a wrapped function; None outside of `with strict():`."""


def obeys(shapes: str, *laws: LawFunction) -> Callable[[Marked], Marked]:
    """Declare the shape contract of a class or function, and further call laws.

    Raises BadInput if the contract can't be read.
    """
    declaration = Declaration(parse(shapes), laws)

    def mark(thing: Marked) -> Marked:
        if inspect.isclass(thing):
            setattr(thing, "__obeys__", declaration)  # noqa: B010  # mypy does not have this attribute
            return thing
        return _wrapped(thing, declaration)

    return mark


def declaration_of(thing: object) -> Declaration | None:
    """The declaration that @obeys recorded on a class, an instance or a function, if any."""
    found = attribute_of(thing, "__obeys__")
    return found if isinstance(found, Declaration) else None


def _wrapped(function: Marked, declaration: Declaration) -> Marked:
    @functools.wraps(function)
    def wrapper(*args: Any, **settings: Any) -> Any:
        checked_call = CHECKED_CALL.get()
        if checked_call is None:
            return function(*args, **settings)
        return checked_call(function, declaration, args, settings)

    wrapper.__obeys__ = declaration  # type: ignore[attr-defined]  # a function's attributes are not in its type
    wrapper.bare = function  # type: ignore[attr-defined]  # a function's attributes are not in its type
    return wrapper  # type: ignore[return-value]  # functools.wraps keeps the signature, which mypy can't see
