"""@obeys: one line above a class or function that says which shapes, and which further laws, it keeps.

On a class it is a mark and nothing else: the class is returned as it came, and `strict` arms instances later.
On a function it returns a guard that passes straight through (one test) unless `with strict():` is in force;
the function as written is at `.bare`.

    @obeys("N n_in -> N n_out")
    class Dense: ...

    @obeys("N C -> N C", rows_sum_to_one)
    def softmax(z): ...
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from nnlaw.spec.contracts.shapes import Contract, parse
from nnlaw.spec.law import LawFunction

Marked = TypeVar("Marked", bound=Callable[..., Any])


@dataclass(frozen=True)
class Declaration:
    """What a mark records: the shape contract, and the call laws beyond the usual ones."""

    contract: Contract
    laws: tuple[LawFunction, ...] = ()


def obeys(shapes: str, *laws: LawFunction) -> Callable[[Marked], Marked]:
    """Mark a class, or guard a function, with a shape contract and further call laws.

    Raises BadInput where the contract cannot be read.
    """
    declaration = Declaration(parse(shapes), laws)

    def mark(thing: Marked) -> Marked:
        if inspect.isclass(thing):
            setattr(thing, "__obeys__", declaration)  # noqa: B010  # the checker knows no such attribute
            return thing
        return _guard(thing, declaration)

    return mark


def declaration_of(thing: object) -> Declaration | None:
    """What `thing`, a class, an instance or a guarded function, was marked with."""
    found = getattr(thing, "__obeys__", None)
    return found if isinstance(found, Declaration) else None


class Switch:
    """Whether guarded functions judge their calls; `depth` counts the `with strict():` blocks we are inside."""

    depth = 0


def _guard(function: Marked, declaration: Declaration) -> Marked:
    @functools.wraps(function)
    def guarded(*args: Any, **settings: Any) -> Any:
        if not Switch.depth:
            return function(*args, **settings)
        from nnlaw.spec.guards.strict import checked_call

        return checked_call(function, declaration, args, settings)

    guarded.__obeys__ = declaration  # type: ignore[attr-defined]  # a function's attributes are not in its type
    guarded.bare = function  # type: ignore[attr-defined]  # a function's attributes are not in its type
    return guarded  # type: ignore[return-value]  # wraps keeps the signature, which the checker cannot see
