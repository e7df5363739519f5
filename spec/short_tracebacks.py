"""Tracebacks that end at the call of a check.

    @short_traceback
    def conformance(...): ...

A failed test then shows the line of the test and the diagnostic, and no line of this package.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nnlaw.spec.violation import BadInput, Inconclusive, Violation

P = ParamSpec("P")
R = TypeVar("R")


def short_traceback(function: Callable[P, R]) -> Callable[P, R]:
    """The function; what it found is raised without the frames below it."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except (Violation, Inconclusive, BadInput) as error:
            raise error.with_traceback(None) from None

    return call
