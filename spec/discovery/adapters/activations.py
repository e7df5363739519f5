"""Activations without a cache: f and its derivative, as two functions, one function with a flag, or a class.

The derivative may take the input or the output; both readings are tried.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from nnlaw.spec.discovery.calls import Made, constructions
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.function_pair import Activation
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_cases import layer_case
from nnlaw.spec.discovery.layer_gradients import Attempt
from nnlaw.spec.discovery.layer_methods import FORWARD, is_method
from nnlaw.spec.discovery.layer_readings import compared_arrays
from nnlaw.spec.discovery.name_pairs import is_derivative_name
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.project_files import files_beside, imports, notebooks_beside, text_of
from nnlaw.spec.discovery.recipes import recipe_of_activation
from nnlaw.spec.discovery.remarks import remarks_of_layer
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.violation import Location

WORD = (
    r"(prime|bp|bprop|backprop|derivatives?|deriv|der|d|dx|df|grad|gradient|diffs?|dv|derivate|slope|back|backward|"
    r"jacobian|prim)"
)
AFTER = re.compile(rf"^(?P<base>.+?)_?{WORD}$", re.I)
BEFORE = [
    re.compile(rf"^{word}_?(of_)?(?P<base>.+)$", re.I)
    for word in ("derivative", "derivate", "derive", "deriv", "gradient", "grad", "backward", "back", "prime", "slope",
                 "diff", "der", "df", "dv", "d")
]  # fmt: skip
FLAGS = re.compile(r"^(is_?|return_?|calc_?|get_?)?(d|deriv\w*|prime|grad\w*|diff\w*|der|backward?|slope|back)$", re.I)
FUNCTION_METHODS = (
    *FORWARD, "activation", "activation_function", "function", "func", "fn", "f", "evaluate", "value", "act", "calc",
    "calculate", "eval", "g", "transform", "fire", "activate_function", "pass_forward", "get", "normal", "y",
    "__call__",
)  # fmt: skip
DERIVATIVE_METHODS = (
    "gradient", "derivative", "deriv", "prime", "grad", "grads", "first_derivative", "d", "df", "derivate", "backward",
    "diff", "activation_derivative", "derivative_function", "func_deriv", "der", "slope", "f_prime", "dfunc", "delta",
    "activation_prime", "dactivation", "d_activation", "fprime", "dx", "differentiate", "func_derivative", "d_fn",
    "grad_func", "calculate_derivative", "calc_derivative", "calculate_gradient", "gradient_function", "inverse",
    "apply_derivative", "evaluate_derivative", "compute_derivative", "get_derivative", "call_derivative", "_derivative",
    "derivative_activation", "backward_pass", "backprop", "deactivate", "jacobian", "dydx",
)  # fmt: skip


def adapt(scope: Scope) -> Iterator[Found]:
    """The activations of the module."""
    yield from _classes(scope)
    for name, kind in list(scope.classes.items()):
        yield from among_methods(kind, name, scope)
    for pairs in (_flags(scope), _pairs(scope)):
        rows = list(pairs)
        strict = not_called_with_outputs({row.name: row.functions for row in rows}, scope)
        for row in rows:
            arguments = ("input",) if row.name in strict else ("input", "output")
            location = Location.of(row.thing)
            yield from activation(
                row.name, row.functions, row.calls, scope, location, row.thing, row.names, arguments
            )


class _Pair(NamedTuple):
    """A function with its derivative, how they are called, and the definitions that they are."""

    name: str
    functions: tuple[Callable[..., Any], Callable[..., Any]]
    calls: tuple[str, str]
    thing: Any
    names: tuple[str, ...]


def _classes(scope: Scope) -> Iterator[Found]:
    for name, kind in list(scope.classes.items()):
        methods = derivative_methods(kind)
        if methods is None or is_base_class(kind):
            continue
        for made in constructions(kind, scope, limit=1):
            functions = (getattr(made.instance, methods[0]), getattr(made.instance, methods[1]))
            calls = f"{made.call(name)}.{methods[0]}", f".{methods[1]}"
            yield from activation(name, functions, calls, scope, class_location(kind), kind, (name,))


def derivative_methods(kind: type) -> tuple[str, str] | None:
    """The methods of a class that compute a function and its derivative, if it has both.

    Each takes one argument; a derivative may take no argument: it is that at the latest input of the function.
    """

    def taking(count: int, names: tuple[str, ...]) -> str | None:
        for name in names:
            static = isinstance(inspect.getattr_static(kind, name, None), staticmethod | classmethod)
            if (static or is_method(kind, name)) and len(required_of(getattr(kind, name), bound=not static)) == count:
                return name
        return None

    function = taking(1, FUNCTION_METHODS)
    own = tuple(name for name in dir(kind) if function and is_derivative_name(name, function))
    derivative = taking(1, (*DERIVATIVE_METHODS, *own)) or taking(0, DERIVATIVE_METHODS)
    return (function, derivative) if function and derivative and function != derivative else None


def _flags(scope: Scope) -> Iterator[_Pair]:
    for name, function in list(scope.functions.items()):
        rows = arguments_of(function)
        if len(required_of(function)) != 1 or len(rows) < 2:
            continue
        flags = [row.name for row in rows[1:] if row.default is False and FLAGS.match(row.name)]
        if flags:
            slope = named_partial(function, flags[0])
            calls = f"{name}(x)", f"{name}(x, {flags[0]}=True)"
            yield _Pair(name, (function, slope), calls, function, (name,))


def named_partial(function: Callable[..., Any], flag: str) -> Callable[..., Any]:
    """The function with its flag on."""
    found: Callable[..., Any] = partial(function, **{flag: True})
    found.__name__ = function.__name__
    found.__code__ = function.__code__
    return found


def _pairs(scope: Scope) -> Iterator[_Pair]:
    single = {name: f for name, f in scope.functions.items() if len(required_of(f)) == 1}
    for name, derivative in list(single.items()):
        base = base_of(name, single)
        if base is not None:
            functions, calls = (single[base], derivative), (f"{base}(x)", f"{name}(x)")
            yield _Pair(base, functions, calls, single[base], (base, name))


def among_methods(kind: type, name: str, scope: Scope) -> Iterator[Found]:
    """Methods of a class, such as a network, that compute a function and its derivative: sigmoid(self, x)."""
    methods = {method: value for method, value in vars(kind).items() if is_method(kind, method)}
    single = {method: value for method, value in methods.items() if len(required_of(value, bound=True)) == 1}
    pairs = [(base, method) for method in single if (base := base_of(method, single)) is not None]
    made = next(constructions(kind, scope, limit=1), None) if pairs else None
    if made is None:
        return
    private = f"_{kind.__name__.lstrip('_')}"
    for pair in pairs:
        functions = getattr(made.instance, pair[0]), getattr(made.instance, pair[1])
        written = [method.removeprefix(private) for method in pair]
        names = tuple(f"{name}.{method}" for method in written)
        calls = f"{made.call(name)}.{written[0]}(x)", f".{written[1]}(x)"
        yield from activation(names[0], functions, calls, scope, Location.of(single[pair[0]]), functions[0], names)


def not_called_with_outputs(
    pairs: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]], scope: Scope
) -> set[str]:
    """The pairs whose derivative fits the output alone, while that of another pair fits the input alone, although both
    have one name for their arguments, and no code or comment has the first take an output.
    """
    fits: dict[str, dict[str, str]] = {"input": {}, "output": {}}
    for name, (function, derivative) in pairs.items():
        rows = required_of(function), required_of(derivative)
        one = rows[0][0].name if rows[0][0].name == rows[1][0].name else ""
        of = _argument_of(function, derivative) if one else ""
        if of:
            fits[of][name] = one
    if not (fits["input"] and fits["output"]):
        return set()
    stem = scope.module.__name__.rpartition(".")[2]
    texts = [source_text(scope.module), *(text for text in files_beside(scope.module).values() if imports(text, stem))]
    texts += map(text_of, notebooks_beside(scope.module))
    found = set()
    for name, argument in fits["output"].items():
        function, derivative = pairs[name]
        flag = r"[^()]*," if function.__name__ == derivative.__name__ else ""
        call = re.compile(rf"(?<!def )\b{derivative.__name__}\({flag}")
        remarks = source_text(derivative) + (inspect.getcomments(derivative) or "")
        is_meant = OF_OUTPUT.search(remarks) or any(map(call.search, texts))
        if argument in fits["input"].values() and not is_meant:
            found.add(name)
    return found


OF_OUTPUT = re.compile(r"output|activated|already|result|#.*\b(sigmoid|tanh)\(", re.I)
"""What a comment has on the argument of a derivative that is the output."""


def _argument_of(function: Callable[..., Any], derivative: Callable[..., Any]) -> str:
    """ "input" or "output" if the derivative agrees with the slopes at this one alone; else ""."""
    x = np.linspace(-1.7, 1.9, 7)
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        slopes = (np.asarray(function(x + 1e-6)) - np.asarray(function(x - 1e-6))) / 2e-6
        agree = [np.allclose(derivative(at.copy()), slopes, atol=1e-6) for at in (x, np.asarray(function(x.copy())))]
        if agree[0] != agree[1]:
            return "input" if agree[0] else "output"
    return ""


def base_of(name: str, functions: dict[str, Any]) -> str | None:
    """The function whose derivative `name` is, by its name: relu of relu_prime, d_relu, reluDerivative."""
    prefix, _, own = name.rpartition(".")
    same = {base_name(other.rpartition(".")[2]): other for other in functions if other.rpartition(".")[0] == prefix}
    for pattern in (AFTER, *BEFORE):
        found = pattern.match(own)
        while found:
            base = base_name(found["base"])
            if base in same and same[base] != name:
                return same[base]
            found = pattern.match(found["base"]) if len(found["base"]) > 2 else None
    if base_name(own) in ("derivative", "prime", "gradient", "deriv", "activationderivative", "activationprime"):
        for base in ("activation", "activate", "function", "func", "f", "act", "activationfunction"):
            if base in same:
                return same[base]
    return None


def base_name(name: str) -> str:
    """A name in lower case without underscores, and without `function` at its end."""
    low = name.replace("_", "").lower()
    return re.sub(r"(activation|function|func|fn|forward|act)$", "", low) or low


def activation(
    name: str,
    functions: tuple[Callable[..., Any], Callable[..., Any]],
    calls: tuple[str, str],
    scope: Scope,
    location: Location,
    thing: Any,
    names: tuple[str, ...],
    arguments: tuple[str, ...] = ("input", "output"),
) -> Iterator[Found]:
    """A function with its derivative as a unit; nothing if it can't be called with an array."""
    readings = activation_readings(name, functions, calls, scope, arguments)
    if readings:
        yield Found("layer", name, "activation with its derivative", location, thing, tuple(readings), names=names)


def activation_readings(
    name: str, functions: tuple[Callable[..., Any], Callable[..., Any]], calls: tuple[str, str], scope: Scope,
    arguments: tuple[str, ...] = ("input", "output"),
) -> list[Reading]:  # fmt: skip
    """Readings in which the derivative takes the input, and the output; or nothing, if it has no argument."""
    readings: list[Reading] = []
    takes_nothing = not required_of(functions[1])
    for of in ("nothing",) if takes_nothing else arguments:
        instance = Activation(*functions, of)
        try:
            best: Attempt | None = best_attempt([Made(instance)], ("forward", "backward"), scope)
        except Exception:  # this is not an activation
            continue
        if best is None or best.layer is None:
            continue
        how = f"y = {calls[0]}, dx = dy · {calls[1]}; the derivative takes the {of}; {best.plan.layout.describe}"
        if instance.takes_arrays:
            best.layer.recipe = recipe_of_activation(calls, of, best.plan)
        else:
            how += "; one number per call"
        cases = partial(layer_case, name.rpartition(".")[2], best.layer, best.x.shape, 0, best.made)
        notes = remarks_of_layer(best.layer, best.x)
        readings.append(Reading(how, cases, compared_arrays(best), dict(best.missing), notes))
    return readings
