"""Two functions as one object with forward and backward, so that they are called like a layer written as a class.

    CachedPair(affine_forward, affine_backward, {"w": w, "b": b})   f(x) -> out, cache; g(dout, cache)
    Activation(sigmoid, sigmoid_prime, of="input")                  backward: dy · f'(x)
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.scope import required_of
from nnlaw.spec.subjects.hyperparameters import numeric_defaults
from nnlaw.spec.subjects.variants import bare_function, with_another


class CachedPair:
    """f(x, w, b, ...) -> out or (out, cache), and g(dout, cache) -> gradients of x, w, b, ...

    The arrays among the arguments are attributes under the names of the arguments. `second` is what g takes beside
    dout: "cache", "input", "output", the name of an argument, or "result[2]" for part of what f returned; `incoming`
    is the position of dout, and `place` that of x among the arguments of f. If f returns several `outputs` and a cache,
    g takes the gradient of each and the cache; the outputs are side by side. If g is f, what f returns beside the
    output is called with dout.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        derivative: Callable[..., Any],
        arguments: dict[str, Any],
        second: tuple[str, ...] = ("cache",),
        incoming: int = 0,
        place: int = 0,
        outputs: int = 1,
    ) -> None:
        self._functions, self._outputs = (function, derivative), outputs
        self._names, self._second, self._incoming, self._place = tuple(arguments), second, incoming, place
        self._pair = False
        for name, value in arguments.items():
            setattr(self, name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> CachedPair:
        twin = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(twin, name, value if name == "_functions" else copy.deepcopy(value, memo))
        return twin

    def source_of(self, method: str) -> Callable[..., Any]:
        """The author's function behind a method."""
        return self._functions[method != "forward"]

    def own_functions(self) -> list[Any]:
        """The author's functions, the derivative first."""
        return list(dict.fromkeys(reversed(self._functions)))

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        first, second = (made.get(function.__name__, function) for function in self._functions)
        self._functions = first, second

    @property
    def functions(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """f and g."""
        return self._functions

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments behind x, by name."""
        return {name: getattr(self, name) for name in self._names}

    @property
    def second(self) -> tuple[tuple[str, ...], int]:
        """What g takes beside dout, and the position of dout."""
        return self._second, self._incoming

    @property
    def place(self) -> int:
        """The position of x among the arguments of f."""
        return self._place

    @property
    def outputs(self) -> int:
        """How many outputs f returns beside the cache."""
        return self._outputs

    def forward(self, x: Array) -> Array:
        """The output; the cache is kept."""
        self._x = x
        given = [getattr(self, name) for name in self._names]
        given.insert(self._place, x)
        result = self._functions[0](*given)
        parts = result if isinstance(result, tuple | list) else ()
        self._parts = {f"result[{i}]": part for i, part in enumerate(parts)}
        if self._outputs > 1:
            ys, self._cache = result[: self._outputs], result[-1]
            self._axis = int(x.shape[0] == ys[0].shape[0])  # samples are rows or columns
            self._ends = np.cumsum([y.shape[self._axis] for y in ys])[:-1]
            self._y = np.concatenate(ys, axis=self._axis)
            return self._y
        self._cache, self._pair = None, isinstance(result, tuple | list) and len(result) == 2
        if isinstance(result, tuple | list) and len(result) > 1:
            result, self._cache = result[0], result[1] if len(result) == 2 else tuple(result[1:])
        self._y = np.asarray(result)
        return self._y

    @property
    def other_outputs(self) -> list[Array]:
        """What f returned in the latest call beside the outputs and the cache: backward takes no gradient of it."""
        return [part for part in list(self._parts.values())[self._outputs : -1] if isinstance(part, np.ndarray)]

    @property
    def has_cache(self) -> bool:
        """Whether f returned a pair of output and cache in the latest call."""
        return self._pair

    def backward(self, dy: Array) -> Any:
        """What the second function returns."""
        if self._functions[1] is self._functions[0]:
            return self._cache(dy)
        known = {"cache": self._cache, "input": self._x, "output": self._y, **self._parts}
        rest = [known[what] if what in known else getattr(self, what) for what in self._second]
        parts = [part.copy() for part in np.split(dy, self._ends, self._axis)] if self._outputs > 1 else [dy]
        rest[self._incoming : self._incoming] = parts
        return self._functions[1](*rest)


def by_entries(function: Callable[..., Any], x: Array, **settings: Any) -> Any:
    """f(x), or f of each entry of x if it takes a single number, as with math.exp(x) or x if x > 0 else 0."""
    try:
        return function(x, **settings)
    except (TypeError, ValueError) as error:
        if not OF_A_NUMBER.search(str(error)):
            raise
    return np.vectorize(lambda entry: function(float(entry), **settings), otypes=[float])(x)


OF_A_NUMBER = re.compile(r"only (length-1|size-1|0-dimensional) arrays can be converted|truth value of an array")
"""What NumPy raises if an array is used as a number."""


class Activation:
    """f(x) and its derivative as a function of the input or the output, to be multiplied with dy.

    A derivative of "nothing" takes no argument: it is that at the latest x.
    """

    def __init__(self, function: Callable[..., Any], derivative: Callable[..., Any], of: str) -> None:
        self._functions, self._of = (function, derivative), of
        for name, value in {**numeric_defaults(function), **vars(getattr(function, "__self__", object))}.items():
            if isinstance(value, int | float) and not hasattr(self, name):  # laws look for a slope among the attributes
                setattr(self, name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.copy(self)

    def source_of(self, method: str) -> Callable[..., Any]:
        """The author's function behind a method."""
        return self._functions[method != "forward"]

    def own_functions(self) -> list[Any]:
        """The author's functions, the derivative first."""
        return list(dict.fromkeys(map(bare_function, reversed(self._functions))))

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        first, second = (with_another(function, made) for function in self._functions)
        self._functions = first, second

    @property
    def takes_arrays(self) -> bool:
        """Whether both functions take arrays, and not a single number only."""
        try:
            for function in self._functions:
                function(*(np.linspace(0.1, 0.9, 6).reshape(2, 3) for _ in required_of(function)))
        except Exception:
            return False
        return True

    def forward(self, x: Array) -> Array:
        """f(x)."""
        self._x = x.copy()
        self._y = np.array(by_entries(self._functions[0], x))
        return self._y.copy()

    def backward(self, dy: Array) -> Array:
        """dy times the derivative: entry by entry or, if that is a matrix per sample, by a matrix product."""
        if self._of == "nothing":
            self.forward(self._x)
            slope = np.asarray(self._functions[1]())
        else:
            slope = np.asarray(by_entries(self._functions[1], (self._x if self._of == "input" else self._y).copy()))
        if slope.shape != dy.shape and slope.ndim == dy.ndim + 1 and slope.shape[-1] == dy.shape[-1]:
            found: Array = np.einsum("...i,...ij->...j", dy, slope)
            return found
        return np.asarray(dy * slope)
