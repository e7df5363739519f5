"""Guards: each replaces one method of one instance, and checks every call.

A guard runs a few fast tests, and the laws of spec/laws/call/ only if these leave doubt. So a network with guards
computes the same bits as without, a little slower.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import isfinite
from typing import Any, cast

import numpy as np
from numpy import ndarray, vdot

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.attributed import attribute_of
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.contracts.shapes import Contract
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.law import LawFunction
from nnlaw.spec.laws.call.dtype import dtype
from nnlaw.spec.laws.call.finite import finite
from nnlaw.spec.laws.call.input_untouched import input_untouched
from nnlaw.spec.laws.call.shape import shape
from nnlaw.spec.violation import Location, Violation

INT64, UINT64 = np.dtype(np.int64), np.dtype(np.uint64)  # a negative label is a huge unsigned one
set_writable = cast(Callable[[Array, bool], None], ndarray.setflags)  # by position: twice as fast as by keyword
ALWAYS: tuple[LawFunction, ...] = (input_untouched, shape, dtype, finite)
"""The laws of every call."""


class Guard:
    """Replaces one bound method and checks its calls. The method as written is `.bare`.

    Fast path: a finite array with the shape of an earlier one passes every law of ALWAYS.
    """

    __slots__ = (
        "always_only", "bare", "calls", "check_log", "contract", "has_domain", "laws", "location", "names", "owner",
        "shapes",
    )  # fmt: skip

    def __init__(
        self,
        bare: Callable[..., Any],
        owner: object,
        location: Location,
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
        self.always_only = set(laws) == set(ALWAYS)  # other laws have no fast test
        self.calls = 0
        self.shapes: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.has_domain = domain_of(owner) is not None
        self.location = location
        check_log.guards.append(self)

    def __call__(self, x: Array) -> Any:
        self.calls += 1
        check_log = self.check_log
        passed = self.always_only and (x is check_log.last_checked or self.passes_fast(x))
        if not passed:
            self.check(Call(self.location, self.owner, self.contract, {self.names[0]: x}))
        view = x.view()
        set_writable(view, False)
        try:
            y = self.bare(view)
        except Exception as error:
            self.check(Call(self.location, self.owner, self.contract, {self.names[0]: x}, error=error))
            raise
        if (
            passed
            and type(y) is ndarray
            and y.dtype is x.dtype
            and self.shapes.get(x.shape) == y.shape
            and isfinite((flat := y.ravel()).dot(flat))
        ):
            check_log.last_checked = y
            return y
        if y is None and self.may_return_none():
            return None
        self.check(Call(self.location, self.owner, self.contract, {self.names[0]: x}, {self.names[1]: y}))
        self.shapes[x.shape] = y.shape
        check_log.last_checked = y
        return y

    def passes_fast(self, x: Array) -> bool:
        """Whether x is finite and has the shape of an input that passed before."""
        return type(x) is ndarray and x.shape in self.shapes and x.dtype.kind == "f" and isfinite(vdot(x, x))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy of a guarded object has no guards: laws call copies, which must not count as calls."""
        return copy.deepcopy(self.bare, memo)

    def may_return_none(self) -> bool:
        """Whether this is the backward of a first layer, which computes no dx."""
        return self.location.method == "backward" and attribute_of(self.owner, "needs_dx", True) is False

    def check(self, call: Call) -> None:
        """Check every law of this guard before or after a call; raises the first violation that is not tolerated."""
        for law in self.laws:
            try:
                law(call)
            except Violation as violation:
                self.check_log.found(violation)


class LossGuard(Guard):
    """Replaces the `forward` of a loss: (prediction, target) -> number."""

    def __call__(self, prediction: Array, target: Array) -> Any:  # type: ignore[override]  # a loss has two inputs
        self.calls += 1
        inputs = {"prediction": prediction, "target": target}
        if not (prediction is self.check_log.last_checked and self.target_passes_fast(prediction, target)):
            self.check(Call(self.location, self.owner, self.contract, inputs))
        view, labels = prediction.view(), target.view()
        set_writable(view, False)
        set_writable(labels, False)
        try:
            value = self.bare(view, labels)
        except Exception as error:
            self.check(Call(self.location, self.owner, self.contract, inputs, error=error))
            raise
        if not (isinstance(value, float) and isfinite(value)):
            self.check(Call(self.location, self.owner, self.contract, inputs, {"loss": value}))
        return value

    def target_passes_fast(self, prediction: Array, target: Array) -> bool:
        """Whether all labels are in range, and the first row is not probabilities where logits are expected."""
        if not isinstance(target, np.ndarray) or self.has_domain:
            return False
        if target.dtype != INT64 or target.shape != prediction.shape[:1] or not len(target):
            return False
        if np.maximum.reduce(target.view(UINT64)) >= prediction.shape[-1]:
            return False
        return not 0 <= prediction.item(0) <= 1 or bool(abs(np.add.reduce(prediction[0]) - 1) > 0.01)


class LossGradientGuard(Guard):
    """Replaces the `backward` of a loss: () -> gradient of the prediction."""

    def __call__(self) -> Any:  # type: ignore[override]  # it has no inputs
        self.calls += 1
        try:
            gradient = self.bare()
        except Exception as error:
            self.check(Call(self.location, self.owner, self.contract, {}, error=error))
            raise
        if not (type(gradient) is ndarray and isfinite(vdot(gradient, gradient))):
            self.check(Call(self.location, self.owner, self.contract, {}, {self.names[1]: gradient}))
        self.check_log.last_checked = gradient
        return gradient
