"""What the adapters of all packages share: a subject to judge, casts, and draws from NumPy's global generator.

An adapter says a package's things in the words of the protocol and changes no mathematics. What each must say besides
(which dtype, where draws come from, which scale a convention has) stands in the docstring of its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from spec import LawResult, Report, Unit, Violation, conformance
from spec.violation import Inconclusive

BINARY, FRACTIONS = (1e-6, 1 - 1e-6), (1e-3, 1 - 1e-3)


@dataclass(frozen=True)
class Subject:
    """One thing of a package: its dotted name, its kind, and a call that judges it."""

    what: str
    kind: str
    judge: Callable[[], Report]


def subject(kind: str, what: str, thing: Any, contract: str | None = None, **options: Any) -> Subject:
    """A subject judged by every law of its kind, as anyone's plugin is."""
    record = Unit(kind, what, thing, contract, options)
    return Subject(what, kind, lambda: conformance(record))


def checked(what: str, check: Callable[[], None]) -> Subject:
    """A subject that one of spec's calls for code in its own style judges: check_backward, check_loss, ..."""

    def judge() -> Report:
        try:
            with np.errstate(all="ignore"):
                check()
        except Violation as violation:
            return Report(what, "function", [LawResult(violation.law, "broken", violation.message, violation)])
        except Inconclusive as reason:
            return Report(what, "function", [LawResult("gradient", "inconclusive", str(reason))])
        except Exception as error:
            ended = Violation("shape", actual=f"ended by {type(error).__name__}: {error}", expected="an answer")
            return Report(what, "function", [LawResult("shape", "broken", ended.message, ended)])
        return Report(what, "function", [LawResult("gradient", "holds")])

    return Subject(what, "function", judge)


def claiming(thing: Any, **claims: Any) -> Any:
    """`thing` with its claims as attributes."""
    for name, value in claims.items():
        setattr(thing, name, value)
    return thing


def cast(answer: Any, like: Any) -> Any:
    """An array as wide as what was handed in: whether a package keeps float32 is not what is judged here."""
    return np.asarray(answer).astype(np.asarray(like).dtype)


def state_of(rng: np.random.Generator) -> np.random.RandomState:
    """A generator of the old kind, from the one handed in."""
    return np.random.RandomState(int(rng.integers(2**31)))


@contextmanager
def drawing(rng: np.random.RandomState) -> Iterator[None]:
    """Whatever is drawn from NumPy's global generator inside comes from `rng`, and the global one is put back."""
    outside = np.random.get_state()
    np.random.set_state(rng.get_state())
    try:
        yield
    finally:
        rng.set_state(np.random.get_state())
        np.random.set_state(outside)


def initializer(draw: Callable[[tuple[int, int]], Any], **claims: Any) -> Any:
    """An initializer of the protocol from one that takes a shape (fan_in, fan_out) and draws globally."""

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Any:
        with drawing(state_of(rng)):
            return np.asarray(draw(shape))

    return claiming(initialize, **claims)


def settings(optimizer: Any, *names: str) -> dict[str, float]:
    """The hyperparameters that a package's optimizer keeps, for the adapter to tell."""
    return {name: float(getattr(optimizer, name)) for name in names}
