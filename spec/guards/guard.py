"""The guards that stand in for methods of one instance and judge their calls, and the docket that counts them.

A guard filters with a few cheap tests and calls the laws of spec/laws/call/ only where the filter is not
satisfied, so an armed network computes bit for bit what a plain one does, a little slower.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from math import isfinite
from typing import Any, cast

import numpy as np
from numpy import ndarray, vdot

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.claims import interval
from nnlaw.spec.contracts.shapes import Contract
from nnlaw.spec.law import LawFunction, code_of
from nnlaw.spec.laws.call.dtype import dtype
from nnlaw.spec.laws.call.finite import finite
from nnlaw.spec.laws.call.input_untouched import input_untouched
from nnlaw.spec.laws.call.shape import shape
from nnlaw.spec.violation import Location

INT64, UINT64 = np.dtype(np.int64), np.dtype(np.uint64)  # a negative label is a huge unsigned one
writable = cast(Callable[[Array, bool], None], ndarray.setflags)  # by position: half the time of by keyword
ALWAYS: tuple[LawFunction, ...] = (input_untouched, shape, dtype, finite)


class CheckLog:
    """The count of judgments, and the last array found sound, so that it is not judged twice."""

    def __init__(self) -> None:
        self.sound: Array = np.empty(0)
        self.guards: list[Guard] = []
        self.audits: Counter[str] = Counter()

    def checked(self) -> dict[str, int]:
        """How often each law was judged so far, by code."""
        total = Counter(self.audits)
        for guard in self.guards:
            for judge in guard.laws:
                total[code_of(judge)] += guard.calls
        return dict(sorted(total.items()))


class Guard:
    """Stands in for one bound method and judges its calls. The method as written is at `.bare`.

    Most of a call is a filter: an array like one that was judged before, and finite, can break no law of every call,
    so the laws themselves are asked only where the filter is in doubt.
    """

    __slots__ = (
        "bare", "bounded", "calls", "check_log", "contract", "filtered", "laws", "location", "names", "owner", "shapes",
    )  # fmt: skip

    def __init__(
        self,
        bare: Callable[..., Any],
        owner: object,
        path: str,
        contract: Contract,
        names: tuple[str, str],
        laws: tuple[LawFunction, ...],
        check_log: CheckLog,
    ) -> None:
        self.bare = bare
        self.owner = owner
        self.contract = contract
        self.names = names
        self.laws = laws
        self.check_log = check_log
        self.filtered = set(laws) == set(ALWAYS)  # further laws have no filter: they are judged each time
        self.calls = 0
        self.shapes: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.bounded = interval(owner) is not None
        self.location = Location.of(bare, path)
        check_log.guards.append(self)

    def __call__(self, x: Array) -> Any:
        self.calls += 1
        check_log = self.check_log
        fits = self.filtered and (x is check_log.sound or self.plainly_fits(x))
        if not fits:
            self.judge(Call(self.location, self.owner, self.contract, {self.names[0]: x}))
        seen = x.view()
        writable(seen, False)
        try:
            y = self.bare(seen)
        except Exception as error:
            self.judge(Call(self.location, self.owner, self.contract, {self.names[0]: x}, error=error))
            raise
        if (
            fits
            and type(y) is ndarray
            and y.dtype is x.dtype
            and self.shapes.get(x.shape) == y.shape
            and isfinite((flat := y.ravel()).dot(flat))
        ):
            check_log.sound = y
            return y
        if y is None and self.excused():
            return None
        self.judge(Call(self.location, self.owner, self.contract, {self.names[0]: x}, {self.names[1]: y}))
        self.shapes[x.shape] = y.shape
        check_log.sound = y
        return y

    def plainly_fits(self, x: Array) -> bool:
        """Whether x is like an input that was judged before, and finite."""
        return type(x) is ndarray and x.shape in self.shapes and x.dtype.kind == "f" and isfinite(vdot(x, x))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy of an armed object is a plain one: audits probe copies and must not count as calls."""
        return copy.deepcopy(self.bare, memo)

    def excused(self) -> bool:
        """A first layer may skip the gradient of its input."""
        return self.location.method == "backward" and getattr(self.owner, "needs_dx", True) is False

    def judge(self, call: Call) -> None:
        """Every law of this guard on one half of a call; the first that is broken speaks."""
        for law in self.laws:
            law(call)


class LossGuard(Guard):
    """Stands in for the `forward` of a loss: (prediction, target) -> number."""

    def __call__(self, prediction: Array, target: Array) -> Any:  # type: ignore[override]  # a loss takes two
        self.calls += 1
        inputs = {"prediction": prediction, "target": target}
        if not (prediction is self.check_log.sound and self.plainly_sound(prediction, target)):
            self.judge(Call(self.location, self.owner, self.contract, inputs))
        seen, labels = prediction.view(), target.view()
        writable(seen, False)
        writable(labels, False)
        try:
            value = self.bare(seen, labels)
        except Exception as error:
            self.judge(Call(self.location, self.owner, self.contract, inputs, error=error))
            raise
        if not (isinstance(value, float) and isfinite(value)):
            self.judge(Call(self.location, self.owner, self.contract, inputs, {"loss": value}))
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


class LossGradientGuard(Guard):
    """Stands in for the `backward` of a loss: () -> gradient of the prediction."""

    def __call__(self) -> Any:  # type: ignore[override]  # it takes nothing
        self.calls += 1
        try:
            slope = self.bare()
        except Exception as error:
            self.judge(Call(self.location, self.owner, self.contract, {}, error=error))
            raise
        if not (type(slope) is ndarray and isfinite(vdot(slope, slope))):
            self.judge(Call(self.location, self.owner, self.contract, {}, {self.names[1]: slope}))
        self.check_log.sound = slope
        return slope
