"""Helpers of the adapters: units to check, casts, and random numbers from NumPy's global generator.

An adapter fits a package to the protocol and changes no mathematics. The docstring of its file describes its dtype, its
source of random numbers and the scale of its gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlaw.spec import LawResult, Report, Unit, Violation, conformance
from nnlaw.spec.report import Outcome
from nnlaw.spec.violation import Inconclusive

BINARY, FRACTIONS = (1e-6, 1 - 1e-6), (1e-3, 1 - 1e-3)


@dataclass(frozen=True)
class Subject:
    """One unit of a package: its dotted name, its kind, and a function that checks it."""

    what: str
    kind: str
    check: Callable[[], Report]


def subject(kind: str, what: str, thing: Any, contract: str | None = None, **options: Any) -> Subject:
    """A unit checked by every law of its kind."""
    record = Unit(kind, what, thing, contract, options)
    return Subject(what, kind, lambda: conformance(record))


def checked(what: str, check: Callable[[], None]) -> Subject:
    """A unit checked by a function of spec for code of any style: check_backward, check_loss, ..."""

    def run() -> Report:
        try:
            with np.errstate(all="ignore"):
                check()
        except Violation as violation:
            return Report(what, "function", [LawResult(violation.law, Outcome.FAIL, violation.message, violation)])
        except Inconclusive as reason:
            return Report(what, "function", [LawResult("gradient", Outcome.INCONCLUSIVE, str(reason))])
        except Exception as error:
            raised = f"the call raised {type(error).__name__}: {error}"
            failure = Violation("shape", array="the call", actual=raised, expected="a result")
            return Report(what, "function", [LawResult("shape", Outcome.FAIL, failure.message, failure)])
        return Report(what, "function", [LawResult("gradient", Outcome.PASS)])

    return Subject(what, "function", run)


def claiming(thing: Any, **claims: Any) -> Any:
    """`thing` with declarations as attributes."""
    for name, value in claims.items():
        setattr(thing, name, value)
    return thing


def cast(result: Any, like: Any) -> Any:
    """Cast to the dtype of the input: whether a package keeps float32 is not checked here."""
    return np.asarray(result).astype(np.asarray(like).dtype)


def state_of(rng: np.random.Generator) -> np.random.RandomState:
    """A legacy generator seeded from the given one."""
    return np.random.RandomState(int(rng.integers(2**31)))


@contextmanager
def drawing(rng: np.random.RandomState) -> Iterator[None]:
    """Inside, NumPy's global generator has the state of `rng`; afterwards its own state is restored."""
    outside = np.random.get_state()
    np.random.set_state(rng.get_state())
    try:
        yield
    finally:
        rng.set_state(np.random.get_state())
        np.random.set_state(outside)


def initializer(draw: Callable[[tuple[int, int]], Any], **claims: Any) -> Any:
    """An initializer of the protocol from one that takes a shape (fan_in, fan_out) and uses the global generator."""

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Any:
        with drawing(state_of(rng)):
            return np.asarray(draw(shape))

    return claiming(initialize, **claims)


def settings(optimizer: Any, *names: str) -> dict[str, float]:
    """The hyperparameters of a package's optimizer, as attributes for the adapter."""
    return {name: float(getattr(optimizer, name)) for name in names}
