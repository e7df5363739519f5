"""A gradient step, where code takes an optimizer.

    step = Step(0.5)
    W = step.update(W, dW)        W - 0.5 · dW, under any name of the method
"""

from __future__ import annotations

from typing import Any

from nnlaw.spec.discovery.slots import leaves


class Step:
    """In place of an optimizer: every method takes a plain gradient step with a given rate.

    Methods return the new array, or, with `in_place`, change the array that they get. Of weights, bias and their
    gradients they return both; arrays after these are states, which are returned as they are.
    """

    def __init__(self, rate: float, in_place: bool = False) -> None:
        self.rate = self.lr = self.learning_rate = rate
        self.in_place = in_place

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        parts = [leaves(value) for value in (*arguments, *named.values())]
        shapes = [[array.shape for _, array in part] for part in parts]
        if len(parts) == 2 and len(shapes[0]) > 1 and shapes[0] == shapes[1]:  # lists of arrays and of gradients
            for (_, array), (_, gradient) in zip(*parts, strict=True):
                array -= self.rate * gradient
            return arguments[0] if arguments else None
        if any(len(part) > 1 for part in parts):
            raise TypeError("a gradient step takes one array and its gradient, not several in one argument")
        arrays = [array for part in parts for _, array in part]
        if len(arrays) > 3 and [array.shape for array in arrays[:2]] == [array.shape for array in arrays[2:4]]:
            moved = [array - self.rate * gradient for array, gradient in zip(arrays[:2], arrays[2:4], strict=True)]
            for array, new in zip(arrays, moved, strict=False) if self.in_place else ():
                array[...] = new
            return (*moved, *(array for array in arrays[4:] if array.ndim))
        if len(arrays) > 2:
            raise TypeError("a gradient step takes one array and its gradient, not further arrays")
        if len(arrays) < 2:
            return self.rate * arrays[0] if arrays else None
        if self.in_place:
            arrays[0] -= self.rate * arrays[1]
            return arrays[0]
        return arrays[0] - self.rate * arrays[1]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__call__
