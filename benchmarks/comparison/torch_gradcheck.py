"""PyTorch: torch.autograd.gradcheck on a Function whose forward and backward are the plugin's.

Its defaults, of which slow mode and nondet_tol = 0 are the strictest, and check_grad_dtypes, which is off by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from subjects import KINDS, Function, functions

from nnlaw.spec.subjects.unit import Unit

__all__ = ["KINDS", "harnesses"]


def harnesses(record: Unit) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each function of the plugin, and its check, which raises."""
    for name, made in functions(record):
        yield name, lambda made=made: _check(made())


def _check(function: Function) -> None:
    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *points: torch.Tensor) -> torch.Tensor:
            return _tensor(function.value(*(point.detach().numpy() for point in points)))

        @staticmethod
        def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(map(_tensor, function.slopes(dy.numpy())))

    inputs = tuple(torch.tensor(point, requires_grad=True) for point in function.points)
    torch.autograd.gradcheck(Wrapped.apply, inputs, check_grad_dtypes=True)


def _tensor(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
