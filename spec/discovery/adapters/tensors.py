"""Functions of tensors that record their own graph: y = f(x), then y.backward(dy) fills x.grad.

    class Tensor: data, grad, backward()         relu(t)      conv2d(t, weight)      Exp.apply(t)

The class of tensors is one that the module defines or imports: constructed with an array, which it keeps, it has a
gradient and a backward. Arrays among the other arguments are tensors with a gradient, too.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.discovery.adapted_loss import LossCode
from nnlaw.spec.discovery.adapters.cached_pairs import argument_values
from nnlaw.spec.discovery.adapters.losses import LOSS_WORDS, is_target, roles_of
from nnlaw.spec.discovery.adapters.losses import found_of as loss_of
from nnlaw.spec.discovery.calls import N_IN, Made, N, Randomness, is_of_project
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.nothing import is_base_class
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.slots import attributes_of
from nnlaw.spec.discovery.source_text import nodes_of
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Cause, Location, Violation

DATA, GRADIENT = re.compile(r"^_?(data|value|val|array|arr)$"), re.compile(r"^_?(grad|gradient)$")
AXES, SHAPES = re.compile(r"^(dim|axis)$"), re.compile(r"^(new_?)?shape$")
BIAS = re.compile(r"^(bias|b)$")
MAX_ARGUMENTS, MAX_MODULES = 8, 20


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The functions of the module, and its classes with apply, that take and return tensors."""
    kind = tensor_class(scope)
    if kind is None:
        return
    methods = list(_methods(kind, scope)) if kind in scope.classes.values() else []
    raising = (found.name for found in methods if getattr(found.readings[0].cases, "func", None) is _raising)
    lost = next(raising, "")  # the gradients that are lost if a tensor is used twice
    for name, thing in [*scope.functions.items(), *scope.classes.items()]:
        call: Any = thing if not inspect.isclass(thing) else None if is_base_class(thing) else _apply_of(thing)
        if call is None or name.startswith("_") or name.rpartition(".")[2] in ("forward", "backward"):
            continue
        with contextlib.suppress(Exception):
            found = None if inspect.isclass(thing) else loss_of_tensors(name, call, kind, scope)
            if found is not None and lost:  # its gradient is wrong because of that
                yield replace(found, readings=(), reason=f"{lost} loses gradients, see there")
                continue
            yield found or _found(name, thing, call, kind, scope)
    yield from methods


def loss_of_tensors(name: str, function: Callable[..., Any], kind: type, scope: Scope) -> Found | None:
    """A function of predictions and targets, one of which may be an array, that returns a tensor of one number."""
    names = [row.name for row in required_of(function)]
    if len(names) != 2 or not (LOSS_WORDS.search(name) or is_target(names[1])):
        return None
    codes = [
        LossCode(TensorLoss(function, kind, roles, wraps), "value", roles, "gradient", roles)
        for wraps in (True, False) for roles in roles_of(names)
    ]  # fmt: skip
    found = loss_of(
        name, "loss of tensors", Location.of(function), function, codes, scope, [], named=bool(LOSS_WORDS.search(name)),
    )  # fmt: skip
    if found is None or not found.readings:
        return None
    calls = f"{name}({', '.join(names)}).backward()"
    return replace(found, readings=tuple(replace(reading, calls=calls) for reading in found.readings))


def _methods(kind: type, scope: Scope) -> Iterator[Found]:
    """The methods of tensors that return another one, such as exp(self) and __add__(self, other)."""
    methods = [(name, value) for name, value in vars(kind).items() if inspect.isfunction(value)
               and (not name.startswith("_") or name in OPERATORS) and name not in NOT_FUNCTIONS]  # fmt: skip
    for name, method in methods[:MAX_METHODS]:
        if len(required_of(method)) <= MAX_REQUIRED:
            with contextlib.suppress(Exception):
                found = _found(f"{kind.__name__}.{name}", method, method, kind, scope)
                if found is not None:
                    yield found


OPERATORS = ("__add__", "__sub__", "__mul__", "__truediv__", "__neg__", "__matmul__", "__pow__")
NOT_FUNCTIONS = ("backward", "numpy", "detach", "copy", "clone", "item", "zero_grad", "zeros_like", "ones_like")
MAX_METHODS, MAX_REQUIRED = 40, 2


def tensor_class(scope: Scope) -> type | None:
    """The class of tensors that the module defines, imports, or that a module of the project that it imports has."""
    modules = [value for value in scope.namespace.values() if inspect.ismodule(value) and hasattr(value, "_nnlaw")]
    rows = [scope.namespace, *(vars(module) for module in modules[:MAX_MODULES])]
    kinds = [value for row in rows for value in row.values() if inspect.isclass(value) and is_of_project(value)]
    return next((kind for kind in dict.fromkeys(kinds) if _places(kind) is not None), None)


def _places(kind: type) -> tuple[str, str] | None:
    """The attributes of a tensor that are its array and its gradient; None if it is not a tensor."""
    if not inspect.isfunction(getattr(kind, "backward", None)):
        return None
    given = np.arange(6.0).reshape(2, 3)
    try:
        own = attributes_of(made_of(kind, given.copy()))
    except Exception:
        return None
    data = [name for name, value in own.items() if DATA.match(name) and np.array_equal(value, given)]
    gradient = [name for name in own if GRADIENT.match(name)]
    return (data[0], gradient[0]) if data and gradient else None


def made_of(kind: type, array: Array) -> Any:
    """A tensor whose gradient is computed."""
    return kind(array, **({"requires_grad": True} if _has_flag(kind) else {}))


@cache
def _has_flag(kind: type) -> bool:
    return "requires_grad" in inspect.signature(kind).parameters


def _apply_of(kind: type) -> Callable[..., Any] | None:
    """The method apply of a class, if it gets the arguments of forward but its first one, the context."""
    forward = inspect.getattr_static(kind, "forward", None)
    apply: Callable[..., Any] | None = getattr(kind, "apply", None)
    return apply if isinstance(forward, staticmethod) and callable(apply) else None


def _found(name: str, thing: Any, call: Callable[..., Any], kind: type, scope: Scope) -> Found | None:
    forward = getattr(thing, "forward", thing)
    rows = required_of(forward)[1:] if inspect.isclass(thing) else required_of(forward)
    optional = [row for row in inspect.signature(forward).parameters.values() if row.default is None]
    arrays = [row for row in optional if BIAS.match(row.name)]
    for more in ((arrays, []) if arrays else ([],)):
        rest = [*rows[1:], *more]
        fixed = {row.name: 1 if AXES.match(row.name) else (N, 2, 2) for row in rest
                 if AXES.match(row.name) or SHAPES.match(row.name)}  # fmt: skip
        open_rows = [row for row in rest if row.name not in fixed]
        values_of_rows = argument_values(open_rows, scope, forward)
        if len(open_rows) == 1 == len(rest):  # x * other
            like_x = {open_rows[0].name: np.random.default_rng(7).standard_normal((N, N_IN))}
            values_of_rows = itertools.chain([like_x], values_of_rows)
        choices = itertools.chain.from_iterable(map(_with_biases, values_of_rows))
        for values in itertools.islice(choices, MAX_ARGUMENTS):
            arguments = {row.name: fixed[row.name] if row.name in fixed else values[row.name] for row in rest}
            function = TensorFunction(call, forward, kind, arguments)
            if rows and _needs_positive(function):
                function = TensorFunction(call, forward, kind, arguments, positive=True)
            best = best_attempt([Made(function)], ("forward", "backward"), scope) if rows else None
            if best is not None and best.perfect:
                found = found_of(best, name, "function of tensors", TensorFunction)
                x = "exp(x)" if function.positive else "x"
                calls = f"{name}({', '.join([x, *arguments])}), then backward(dy); {best.plan.layout.describe}"
                readings = tuple(replace(reading, calls=calls) for reading in found.readings[:1])
                lost = _lost_if_used_twice(function, name, scope)
                if lost is not None:
                    readings = (replace(readings[0], cases=partial(_raising, lost)),)
                return replace(found, location=Location.of(forward), thing=thing, readings=readings)
    return None


def _lost_if_used_twice(function: TensorFunction, name: str, scope: Scope) -> Violation | None:
    """The gradient that is lost if a function gets the same tensors twice, and its results are added."""
    x = np.random.default_rng(0).standard_normal((N, N_IN))
    once, twice, added = (copy.deepcopy(function) for _ in range(3))
    randomness = Randomness.of(scope.module)
    try:
        randomness.reset()
        dy = np.random.default_rng(1).standard_normal(once.forward(x).shape)
        expected = [2 * array for array in once.backward(dy)]
        randomness.reset()
        found = twice.backward(dy) if twice.forward_twice(x) else ()
        alone = added.of_a_sum(dy)
    except Exception:  # these tensors can't be added
        return None
    if not all(np.allclose(gradient, dy) for gradient in alone):
        return None
    for array, actual, right in zip(("x", *function.names), found, expected, strict=False):
        if actual.shape == right.shape and not np.allclose(actual, right, rtol=1e-6, atol=1e-9):
            off = np.abs(actual - right)
            at = first_index(~(off < off.max()))
            is_lost = np.allclose(2 * actual, right)
            return Violation(
                "gradient", location=replace(function.place_of_gradient(), unit=name),
                array=f"the gradient of {array} in f({array}) + f({array})", index=at,
                actual=f"{actual[at]:.4g}", expected=f"{right[at]:.4g}, twice that of f({array})",
                cause=OVERWRITTEN.text if is_lost else "", cause_code=OVERWRITTEN.code if is_lost else "",
            )  # fmt: skip
    return None


OVERWRITTEN = Cause(
    "overwritten-gradient", "the gradient replaces that of another use of the same tensor; it must be added to it"
)


def _raising(violation: Violation, seed: int) -> list[Case]:
    raise violation


def _with_biases(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The values of arguments with a bias as long as the first or the last axis of the weights, then as they are."""
    weights = [value for value in values.values() if isinstance(value, np.ndarray) and value.ndim > 1]
    biases = [name for name in values if BIAS.match(name)]
    if weights and biases:
        for size in dict.fromkeys((weights[0].shape[0], weights[0].shape[-1])):
            yield values | dict.fromkeys(biases, np.random.default_rng(5).standard_normal(size))
    yield values


def _needs_positive(function: TensorFunction) -> bool:
    """Whether the function, such as a logarithm, is finite for positive numbers only."""
    x = np.random.default_rng(0).standard_normal((5, 4))
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        return not is_finite(function.forward(x)) and is_finite(function.forward(np.abs(x) + 0.1))
    return False


class TensorLoss:
    """value(p, t) and gradient(p, t) of a loss of tensors; with `wraps`, the target is a tensor, too."""

    def __init__(self, function: Callable[..., Any], kind: type, roles: tuple[str, ...], wraps: bool) -> None:
        self._fixed = function, kind, roles, wraps

    def __deepcopy__(self, memo: dict[int, Any]) -> TensorLoss:
        return self

    def source_of(self, method: str) -> Any:
        """The author's function."""
        return self._fixed[0]

    def _run(self, arrays: tuple[Array, ...]) -> tuple[Any, Any]:
        function, kind, roles, wraps = self._fixed
        given = [made_of(kind, array) if role == "p" or wraps else array
                 for role, array in zip(roles, arrays, strict=True)]  # fmt: skip
        return given[roles.index("p")], function(*given)

    def value(self, *arrays: Array) -> Array:
        """The loss."""
        places = _places(self._fixed[1])
        assert places is not None
        return np.array(getattr(self._run(arrays)[1], places[0]))

    def gradient(self, *arrays: Array) -> Array:
        """The gradient of the prediction."""
        places = _places(self._fixed[1])
        assert places is not None
        prediction, loss = self._run(arrays)
        loss.backward()
        found = getattr(prediction, places[1])
        return np.array(getattr(found, places[0]) if isinstance(found, self._fixed[1]) else found)


class TensorFunction:
    """forward(x) and backward(dy) of a function of tensors; the arrays among its other arguments are attributes.

    With `positive` it is the function of exp(x).
    """

    def __init__(
        self, call: Callable[..., Any], author: Callable[..., Any], kind: type, arguments: dict[str, Any],
        *, positive: bool = False,
    ) -> None:  # fmt: skip
        places = _places(kind)
        assert places is not None
        self.positive = positive
        self._fixed = call, author, kind, places
        self._form: list[str] = []
        self._names = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> TensorFunction:
        twin = object.__new__(type(self))
        for name, value in vars(self).items():
            if name not in ("_tensors", "_y", "_x", "_given"):
                setattr(twin, name, value if name in ("_fixed", "_form") else copy.deepcopy(value, memo))
        return twin

    def source_of(self, method: str) -> Any:
        """The author's function."""
        call, author, _, _ = self._fixed
        owner = getattr(call, "__self__", None)
        return getattr(owner, "backward", author) if method != "forward" and inspect.isclass(owner) else author

    def forward(self, x: Array) -> Array:
        """The array of the tensor that the function returns."""
        call, _, kind, (data, _) = self._fixed
        self._given, self._x = x, np.exp(x) if self.positive else x
        values = [self._x, *(getattr(self, name) for name in self._names)]
        given = [made_of(kind, value.copy()) if isinstance(value, np.ndarray) else value for value in values]
        self._tensors = [tensor for tensor in given if isinstance(tensor, kind)]
        self._y = call(*given)
        found = np.array(getattr(self._y, data))
        if found.dtype == np.float16:
            raise TypeError("finite differences of half precision prove nothing")
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors behind x."""
        return tuple(name for name in self._names if isinstance(getattr(self, name), np.ndarray))

    def forward_twice(self, x: Array) -> bool:
        """Run the function twice on the same tensors and add the results; whether these are equal."""
        call, _, _, (data, _) = self._fixed
        y = np.array(self.forward(x))
        given = iter(self._tensors[1:])
        values = [getattr(self, name) for name in self._names]
        second = call(self._tensors[0], *(next(given) if isinstance(v, np.ndarray) else v for v in values))
        self._y = self._y + second
        return np.array_equal(y, getattr(second, data))

    def of_a_sum(self, dy: Array) -> tuple[Array, ...]:
        """The gradients of two tensors that are added."""
        _, _, kind, _ = self._fixed
        self._x = dy
        one, other = made_of(kind, dy.copy()), made_of(kind, dy.copy())
        self._tensors, self._y = [one, other], one + other
        return self.backward(dy)

    def place_of_gradient(self) -> Location:
        """Where the author's function assigns a gradient, or else the backward of tensors."""
        _, author, kind, (_, gradient) = self._fixed
        for node in nodes_of(author):
            if isinstance(node, ast.Assign) and any(getattr(target, "attr", "") == gradient for target in node.targets):
                place = Location.of(author)
                return replace(place, line=place.line + node.lineno - 1)
        return Location.of(inspect.getattr_static(kind, "backward"))

    def backward(self, dy: Array) -> tuple[Array, ...]:
        """The gradients of all tensors."""
        if not self._form:  # found out on copies: a call that fails leaves wrong gradients behind
            self._form.append(next((form for form in self._forms() if self.runs(form, dy)), "sum"))
        return self._gradients(self._form[0], dy)

    def _forms(self) -> tuple[str, ...]:
        backward: Callable[..., Any] = getattr(self._fixed[2], "backward", self._y.backward)
        takes_one = len(inspect.signature(backward).parameters) > 1
        return ("tensor", "array", "sum", "mean") if takes_one else ("sum", "mean")

    def runs(self, form: str, dy: Array) -> bool:
        """Whether backward takes the incoming gradient in this form."""
        twin = copy.deepcopy(self)
        with contextlib.suppress(Exception):
            twin.forward(self._given)
            return all(array.dtype.kind == "f" for array in twin._gradients(form, dy))
        return False

    def _gradients(self, form: str, dy: Array) -> tuple[Array, ...]:
        _, _, kind, (data, gradient) = self._fixed
        if form == "sum":
            (self._y * kind(dy.copy())).sum().backward()
        elif form == "mean":
            (self._y * kind(dy * dy.size)).mean().backward()
        else:
            self._y.backward(kind(dy.copy()) if form == "tensor" else dy.copy())
        found = [getattr(tensor, gradient) for tensor in self._tensors]
        arrays = [np.array(getattr(each, data) if isinstance(each, kind) else each) for each in found]
        return (arrays[0] * self._x if self.positive else arrays[0], *arrays[1:])


__all__ = ["adapt"]
