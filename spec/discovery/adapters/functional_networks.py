"""Networks written as functions: one makes the parameters, one computes the output, one the gradients, one the loss.

    init_params() -> parameters, forward(X, parameters), backward(parameters, cache, X, Y) -> gradients

Parameters are a dict, a list, one array, arguments passed one by one, or global names of the module. The functions are
put behind one object, and are then compared like a network written as a class.
"""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import ROLES, output_in, role_of
from nnlaw.spec.discovery.adapters.losses import LOSS_WORDS
from nnlaw.spec.discovery.calls import N_IN, N_OUT, Made, Randomness, constructions, guesses
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.network_instances import Instance
from nnlaw.spec.discovery.network_trials import found_of
from nnlaw.spec.discovery.nothing import class_location
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.slots import array_slots, attributes_of
from nnlaw.spec.discovery.source_text import nodes_of, returned_names, source_text
from nnlaw.spec.discovery.stacks import definitions
from nnlaw.spec.discovery.trained_numbers import BIAS_NAME
from nnlaw.spec.subjects.settings import PENALTIES
from nnlaw.spec.violation import Location

INIT = re.compile(r"init|random_?(w|p)|(create|make|get|build|setup|new|set)_?\w*(param|weight|theta|net|model)", re.I)
FORWARD = re.compile(
    r"forward|feed|fprop|predict|propagat|hypothesis|inference|^(model|net|output|fwd|run|apply)$", re.I
)
GRADIENT = re.compile(
    r"back|bprop|bptt|through_?time|grad|propagate$|cost_?function|loss_?fun|^(cost|loss)\w*$|nn_?cost|prime", re.I
)
UPDATE = re.compile(r"update|optimi|train|step|^fit|predict|check|numerical|accuracy|plot|test|batch", re.I)
CONTAINER = re.compile(
    r"^(params?\w*|parameters?|weights?|thetas?|model|network|nn|net|ws?|p|nn_?params|weights_?and_?\w*)$", re.I
)
WEIGHT, BIAS = re.compile(r"^w_?\d*$", re.I), re.compile(r"^b_?\d*$")
MAX_INITIAL_CALLS, MAX_NETWORKS = 12, 16
HIDDEN_SIZES = (6, 7, 5)


def adapt(scope: Scope) -> Iterator[Found]:
    """The networks among the functions of the module, and among the methods of a class that keeps no arrays."""
    functions = {name: f for name, f in scope.functions.items() if "." not in name}
    known: dict[str, Callable[..., Any]] = {  # imported ones, too
        name: f for name, f in definitions(scope)
        if "." not in name and inspect.isfunction(f) and (name in scope.everything or "test" not in name)
    }  # fmt: skip
    others = {name: f for name, f in known.items() if name in functions or name not in scope.everything}
    yield from _networks_of(functions, known, others, scope)
    for name, kind in list(scope.classes.items()):
        methods = _methods_of(kind, scope)
        for found in itertools.islice(_networks_of(methods, methods, methods, scope), 1):
            yield replace(found, name=name, location=class_location(kind), thing=kind, names=(name,))


def takes_parameters(kind: type) -> bool:
    """Whether the parameters are passed to a forward of the class."""
    return any(map(FORWARD.search, _given_parameters(kind)))


def _given_parameters(kind: type) -> list[str]:
    """The methods that take parameters."""
    own = {name: value for name, value in vars(kind).items() if inspect.isfunction(value)}
    return [name for name, function in own.items() if any(CONTAINER.match(row.name) for row in arguments_of(function))]


def _methods_of(kind: type, scope: Scope) -> dict[str, Callable[..., Any]]:
    """The methods of an instance to which the parameters are passed; one with arrays must pass them to its forward."""
    made = next(constructions(kind, scope, limit=1), None) if _given_parameters(kind) else None
    if made is None or (array_slots(made.instance) and not takes_parameters(kind)):
        return {}
    own = [name for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("__")]
    return {name: getattr(made.instance, name) for name in own}


def _networks_of(
    functions: dict[str, Callable[..., Any]], known: dict[str, Callable[..., Any]],
    others: dict[str, Callable[..., Any]], scope: Scope,
) -> Iterator[Found]:  # fmt: skip
    """The networks, one for each of the functions that computes gradients; `known` and `others` belong to them."""
    outputs = {row.name for name, f in functions.items() if GRADIENT.search(name) and _takes_targets(f)
               for row in arguments_of(f)}  # fmt: skip
    forwards = {name: f for name, f in others.items() if not GRADIENT_ONLY.search(name)}
    forwards = {name: f for name, f in forwards.items() if FORWARD.search(name)} | {
        name: f for name, f in forwards.items() if _makes(f, outputs)
    }
    losses = {name: f for name, f in known.items() if LOSS_WORDS.search(name) and not GRADIENT_ONLY.search(name)}
    initials = list(initial_parameters(others, scope, binary=any(map(is_binary, losses.values()))))
    randomness = Randomness.of(scope.module)
    for name, gradient in functions.items():
        weights = any(WEIGHT.match(row.name) for row in arguments_of(gradient))
        likely = GRADIENT.search(name) or weights
        if not likely or UPDATE.search(name) or not _takes_targets(gradient):
            continue
        made = itertools.islice(_networks(scope, gradient, forwards, losses, initials), MAX_NETWORKS)
        instances = [Instance(Made(network, {})) for network in made]
        if not instances:
            continue
        style = f"functions: {', '.join(dict.fromkeys(instances[0].made.instance.names))}"
        location = Location.of(gradient)
        found = found_of(
            instances, ["gradient_of_loss"], name, style, location, gradient, randomness, names=(name,)
        )
        named = (GRADIENT.search(name) or LOSS_WORDS.search(name)) and not LOOP.search(name)
        if found is not None and (found.readings or (named and "loss is unknown" in found.reason)):
            used = [one for one in instances[0].made.instance.names if one not in losses]
            yield Found(found.kind, name, style, location, gradient, found.readings, found.reason, (name, *used))


def _makes(function: Callable[..., Any], names: set[str]) -> bool:
    """Whether a function of an input returns several values, one of which has such a name."""
    own, made = [row.name for row in arguments_of(function)], returned_names(function)
    return len(made) > 1 and bool({*made} & names - {*own}) and any(ROLES["x"].match(name) for name in own)


LOOP = re.compile(r"descent|train|fit|optimi[sz]e", re.I)
GRADIENT_ONLY = re.compile(r"back|grad|prime|deriv|delta|^d_|_d$", re.I)


def _takes_targets(function: Callable[..., Any]) -> bool:
    rows = arguments_of(function)
    names = [row.name for row in rows]
    has_targets = any(ROLES["t"].match(name) for name in names)
    others = [name for name in names if not ROLES["t"].match(name)]
    return has_targets and bool(others)


def initial_parameters(
    functions: Mapping[str, Callable[..., Any]], scope: Scope, *, binary: bool = False
) -> Iterator[tuple[str, dict[str, Array], Any]]:
    """Functions that make parameters: name, parameters by name, and what was returned; with one output if `binary`."""
    numbers = [int(key[1:]) for function in functions.values() for key in _keys(function) if re.match(r"W\d$", key)]
    for name, function in functions.items():
        if not INIT.search(name):
            continue
        rows = required_of(function)
        choices = [[_deeper(value, max(numbers, default=3)) for value in guesses(row, scope)] for row in rows]
        if rows and ARCHITECTURE.search(rows[0].name):
            choices[0] = [_architecture(functions.values(), scope, rows[0].name, binary=binary), *choices[0]]
        elif binary and choices:
            single = [one for one in _single_output(choices[-1]) if len(choices) > 1 or one != 1]  # n is that of inputs
            choices[-1] = [*single, *choices[-1]]
        for values in itertools.islice(itertools.product(*choices), MAX_INITIAL_CALLS):
            np.random.seed(0)
            try:
                with np.errstate(all="ignore"):
                    made = function(*copy.deepcopy(values))
            except Exception:
                continue
            params = _named(made, function)
            if params:
                yield name, params, made
                break


def _deeper(value: Any, layers: int) -> Any:
    """Sizes of this number of layers, if the value is a list of sizes of fewer."""
    if not isinstance(value, list) or not all(type(size) is int for size in value):
        return value
    return [*value[:-1], *HIDDEN_SIZES[1 : layers - len(value) + 2], *value[-1:]]


ARCHITECTURE = re.compile(r"architect|(layers?|net(work)?)_?(conf\w*|spec\w*|desc\w*|def\w*)", re.I)


def _architecture(functions: Iterable[Callable[..., Any]], scope: Scope, name: str, *, binary: bool) -> Any:
    """A list with a dict for each layer: the global one of this name, or one with the keys that functions read."""
    given = next((value for key, value in scope.namespace.items() if key.lower() == name.lower()), None)
    if given is not None:
        return given
    keys = [key for function in functions for key in _keys(function)]
    patterns = ("^(n_?)?in", "^(n_?)?out", "act")
    words = [next((key for key in keys if re.search(pattern, key, re.I)), "") for pattern in patterns]
    sizes = (N_IN, HIDDEN_SIZES[0], 1 if binary else N_OUT)
    rows = [dict(zip(words, (*pair, "sigmoid"), strict=True)) for pair in itertools.pairwise(sizes)]
    return [{key: value for key, value in row.items() if key} for row in rows]


def _single_output(values: list[Any]) -> Iterator[Any]:
    """Sizes with one output in place of the last."""
    for value in values:
        if isinstance(value, list | tuple) and value and isinstance(value[-1], int):
            yield type(value)((*value[:-1], 1))
        elif type(value) is int:
            yield 1
            return


def is_binary(function: Callable[..., Any]) -> bool:
    """Whether a loss is that of one output that is 0 or 1."""
    return bool(re.search(r"\b1\.?0?\s*-\s*(self\.)?[yYt]\b", source_text(function)))


def _named(made: Any, function: Callable[..., Any]) -> dict[str, Array]:
    """The arrays of floats that were returned, by the names in the return statement or the keys of the dict."""
    fields = attributes_of(made) if is_dataclass(made) else getattr(made, "_asdict", dict)()
    if isinstance(made, dict) or fields:
        rows = {str(key): value for key, value in (fields or made).items()}
    elif isinstance(made, np.ndarray) and made.dtype.kind == "f":
        rows = {"theta": made}
    elif isinstance(made, tuple | list) and _is_nested(made):
        rows = dict(_leaves(made))
    elif isinstance(made, tuple | list):
        names = returned_names(function)
        rows = {
            (names[i] if len(names) == len(made) and names[i] else f"[{i}]"): value for i, value in enumerate(made)
        }
    else:
        return {}
    if not all(isinstance(value, np.ndarray | float | int | np.number) for value in rows.values()):
        return {}
    params = {key: np.array(value, np.float64) for key, value in rows.items()}
    return params if any(value.ndim for value in params.values()) else {}


def _is_nested(made: Any) -> bool:
    """Whether it is a list of tuples, lists or dicts of arrays, one for each layer."""
    return bool(made) and all(isinstance(one, tuple | list | dict) for one in made)


def _leaves(made: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What a nested list contains, by its place: `[0][1]`."""
    if isinstance(made, dict):
        for key, value in made.items():
            yield from _leaves(value, f"{path}[{key!r}]")
    elif isinstance(made, tuple | list):
        for i, value in enumerate(made):
            yield from _leaves(value, f"{path}[{i}]")
    else:
        yield path, made


def _rebuilt(made: Any, leaves: Iterator[Any]) -> Any:
    """A nested list like `made` with other values."""
    if isinstance(made, dict):
        return {key: _rebuilt(value, leaves) for key, value in made.items()}
    return type(made)([_rebuilt(value, leaves) for value in made]) if isinstance(made, tuple | list) else next(leaves)


def _networks(
    scope: Scope, gradient: Callable[..., Any], forwards: dict[str, Callable[..., Any]],
    losses: dict[str, Callable[..., Any]], initials: list[tuple[str, dict[str, Array], Any]],
) -> Iterator[FunctionalNetwork]:  # fmt: skip
    """The functions that may belong together, the most likely first."""
    used = global_weights(scope, gradient, *forwards.values())
    starts: list[tuple[str, dict[str, Array], Any]] = list(initials)
    if used:
        starts = [("", used, None)]
    kin = sorted(losses.items(), key=lambda row: -_common(row[0], gradient.__name__))
    order = sorted(forwards.items(), key=lambda row: -_common(row[0], gradient.__name__))
    partners = [function for _, function in order if function is not gradient]
    own = [f for _, f in kin[:2] if f is not gradient]
    if gradient.__name__ in losses or LOSS_WORDS.search(" ".join(returned_names(gradient))):
        own = []  # it returns its loss
    names = [row.name for function in (gradient, *partners) for row in arguments_of(function)]
    binary = any(map(is_binary, own or [gradient]))
    settings = {name: _architecture([gradient, *forwards.values()], scope, name, binary=binary)
                for name in names if ARCHITECTURE.search(name)}  # fmt: skip
    if not starts:
        starts = list(_guessed_weights([gradient, *partners[:1]], binary=binary))
    for initial, given, made in starts:
        for forward in (*partners[:3], None):
            params = _renamed(given, forward or gradient)
            if forward is not None and _takes_targets(forward):  # it returns the loss, and what backward needs
                yield FunctionalNetwork(
                    scope.module, params, made, None, gradient, forward, initial, bool(used), True, settings
                )
                continue
            for loss in own or (None,):
                yield FunctionalNetwork(
                    scope.module, params, made, forward, gradient, loss, initial, bool(used), False, settings
                )


FORMS = ((False, (1, -1)), (False, (-1,)), (True, (-1, 1)))
"""Whether samples are columns, and the form of a bias."""


def _guessed_weights(
    functions: list[Callable[..., Any]], *, binary: bool
) -> Iterator[tuple[str, dict[str, Array], Any]]:
    """Weights and biases by the names of arguments or the keys that functions read, for rows and for columns."""
    arguments = [row.name for function in functions for row in arguments_of(function)]
    keys = [key for function in functions for key in _keys(function)]
    numbered = [f"{key}{i}" for key in keys for i in (1, 2) if key in ("W", "w", "b")]  # "W" + str(layer)
    for names, positional in ((arguments, True), (numbered, False), (keys, False)):
        weights = sorted({name for name in names if WEIGHT.match(name)})
        biases = sorted({name for name in names if BIAS.match(name)})
        if not weights or len(weights) > len(HIDDEN_SIZES) or len(biases) not in (0, len(weights)):
            continue
        sizes = [N_IN, *HIDDEN_SIZES[: len(weights) - 1], 1 if binary else N_OUT]
        for columns, form in FORMS if biases else FORMS[1:]:
            rng = np.random.default_rng(2)
            params: dict[str, Array] = {}
            for i, weight in enumerate(weights):
                shape = sizes[i : i + 2][::-1] if columns else sizes[i : i + 2]
                params[weight] = 0.5 * rng.standard_normal(shape)
                if biases:
                    params[biases[i]] = 0.5 * rng.standard_normal(sizes[i + 1]).reshape(form)
            yield "", params, None if positional else dict(params)
        if len(weights) == 1:  # a regression with one output: a vector and a number
            rng = np.random.default_rng(2)
            params = {weights[0]: 0.5 * rng.standard_normal(N_IN), **{bias: np.array(0.4) for bias in biases}}
            yield "", params, None if positional else dict(params)


def _keys(function: Callable[..., Any]) -> list[str]:
    """The text keys that a function reads from dicts."""
    slices = [node.slice for node in nodes_of(function) if isinstance(node, ast.Subscript)]
    nodes = [node.left if isinstance(node, ast.BinOp) else node for node in slices]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _renamed(params: dict[str, Array], function: Callable[..., Any]) -> dict[str, Array]:
    """Parameters that were returned without names, by the names of the arguments of a function."""
    if not all(name.startswith("[") for name in params):
        return params
    names = [row.name for row in arguments_of(function)]
    if any("][" in name for name in params):  # a nested list is one argument
        container = next((name for name in names if CONTAINER.match(name)), "")
        return {f"{container}{name}": value for name, value in params.items()}
    names = [name for name in names if not (ROLES["x"].match(name) or ROLES["t"].match(name))]
    return dict(zip(names, params.values(), strict=False)) if len(names) >= len(params) else params


def _common(first: str, second: str) -> int:
    """How many words two names share."""
    return len(set(first.lower().split("_")) & set(second.lower().split("_")))


def global_weights(scope: Scope, *functions: Callable[..., Any]) -> dict[str, Array]:
    """The arrays of floats, and the numbers called like a bias, among the global names that functions read."""
    names = dict.fromkeys(name for function in functions for name in function.__code__.co_names)
    found = {name: scope.namespace[name] for name in names if name in scope.namespace}
    return {
        name: np.array(value, np.float64) for name, value in found.items()
        if (isinstance(value, np.ndarray) and value.dtype.kind == "f")
        or (isinstance(value, float) and BIAS_NAME.match(name))
    }  # fmt: skip


class FunctionalNetwork:
    """Functions as one object: parameters are arrays in `params`."""

    def __init__(
        self, module: Any, params: dict[str, Array], made: Any, forward: Callable[..., Any] | None,
        gradient: Callable[..., Any], loss: Callable[..., Any] | None, initial: str, use_globals: bool,
        loss_first: bool = False, settings: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.params = {name: value.copy() for name, value in params.items()}
        self._fixed = module, made, forward, gradient, loss, use_globals
        self._returned_names = {f.__name__: returned_names(f) for f in (forward, gradient, loss) if f is not None}
        self.names = [f.__name__ for f in (forward, gradient, loss) if f is not None] + ([initial] if initial else [])
        self.settings = dict(settings or {})
        if forward is None:
            self.forward = None  # type: ignore[method-assign,assignment]  # hides the method: there is no such function
        if loss is None:
            self.loss = None  # type: ignore[method-assign,assignment]  # hides the method, too
        self.loss_first = loss_first
        """Whether the loss is computed before the gradients, which need what it returns beside it."""
        self.penalty: float | None = None
        """The value of penalties on weights that have a default; None for the default, or 0 without one."""
        self._values: dict[str, Any] = {}
        self._returned: Any = None
        self._output: Any = None
        """The value that was returned without a name beside named ones."""

    def __deepcopy__(self, memo: dict[int, Any]) -> FunctionalNetwork:
        twin = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(twin, name, value if name == "_fixed" else copy.deepcopy(value, memo))
        return twin

    def describe_functions(self) -> str:
        """The functions that are called, with their arguments."""
        return ", ".join(f"{f.__name__}({', '.join(row.name for row in arguments_of(f))})" for f in self.functions)

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """The functions that are called."""
        return [f for f in self._fixed[2:5] if f is not None]

    def source_of(self, method: str) -> Any:
        """The author's function behind a method."""
        return self._fixed[3]

    def own_functions(self) -> list[Any]:
        """The author's functions, the one that computes gradients first."""
        forward, gradient, loss, _ = self._fixed[2:]
        return list(dict.fromkeys(f for f in (gradient, forward, loss) if f is not None))

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        module, thing, forward, gradient, loss, use_globals = self._fixed
        found: list[Any] = [f and made.get(f.__name__, f) for f in (forward, gradient, loss)]
        self._fixed = module, thing, found[0], found[1], found[2], use_globals

    def forward(self, x: Array, h_prev: Any) -> Any:
        """The output; what the function returned is kept."""
        function = self._fixed[2]
        assert function is not None
        returned = self._call(function, {"x": x, "state": h_prev})
        self._keep(function, returned)
        return self._result_of()

    def _keep(self, function: Callable[..., Any], returned: Any) -> None:
        """Keep what a function returned, by the names in its return statement, for the arguments of others."""
        self._values, self._output = {}, None
        if isinstance(returned, tuple):
            names = self._returned_names[function.__name__]
            self._values = dict(zip(names, returned, strict=False)) if len(names) == len(returned) else {}
            if len(names) == len(returned) > 2 and names.count("") == 1:  # return a @ W + b, z1, a1
                self._output = self._values[""]
            self._values.pop("", None)
        self._returned = returned

    def _result_of(self) -> Any:
        returned = self._returned
        if self._output is not None:
            return self._output
        if isinstance(returned, tuple) and len(returned) == 2 and not isinstance(returned[1], np.ndarray):
            return returned[0]
        if isinstance(returned, tuple) and len(returned) == 2 and not isinstance(returned[0], np.ndarray):
            return returned[1]
        return output_in(returned, None, np.zeros((1, 1)))

    def gradient_of_loss(self, x: Array, targets: Any, learning_rate: float, h_prev: Any) -> Any:
        """What the function that computes the gradients returns."""
        function = self._fixed[3]
        given = {"x": x, "t": targets, "rate": learning_rate, "epochs": 1, "state": h_prev}
        if self.loss_first and self._fixed[4] is not None:
            self._keep(self._fixed[4], self.loss(x, targets, h_prev))
        returned = self._call(function, given)
        names = self._returned_names[function.__name__]
        if isinstance(returned, tuple) and len(names) == len(returned) and any(names):
            names = [name if names.count(name) == 1 and name else f"[{i}]" for i, name in enumerate(names)]
            arrays = all(isinstance(value, np.ndarray | np.number | float) for value in returned)
            return dict(zip(names, returned, strict=True)) if arrays else returned
        return returned

    def loss(self, x: Array, targets: Any, h_prev: Any) -> Any:
        """The loss."""
        if self._fixed[4] is None:
            raise TypeError("no loss function")
        return self._call(self._fixed[4], {"x": x, "t": targets, "state": h_prev})

    def _call(self, function: Callable[..., Any], given: dict[str, Any]) -> Any:
        module, _, _, _, _, use_globals = self._fixed
        arguments = self._arguments(function, given)
        if not use_globals:
            return function(*arguments)
        spaces = [vars(module), function.__globals__]  # a changed function has its own
        before = [{name: space[name] for name in self.params if name in space} for space in spaces]
        try:
            for space in spaces:
                space.update(self.params)
            return function(*arguments)
        finally:
            for space, values in zip(spaces, before, strict=True):
                space.update(values)

    def _arguments(self, function: Callable[..., Any], given: dict[str, Any]) -> list[Any]:
        """Values for the arguments of a function, by their names."""
        used: list[str] = []
        return [self._argument(row, function, given, used) for row in arguments_of(function)]

    def _argument(
        self, row: inspect.Parameter, function: Callable[..., Any], given: dict[str, Any], used: list[str]
    ) -> Any:
        """The value of one argument; its role is added to those that are used."""
        name = row.name
        for known in (self.params, self._values):
            if name in known:
                return known[name]
        if len(self.params) == 1 and re.search(r"theta|^w$|weight|param", name, re.I):
            return next(iter(self.params.values()))
        output = function is self._fixed[4] and ROLES["o"].match(name)  # loss(p, y)
        if CONTAINER.match(name) and "container" not in used and not output:
            used.append("container")
            return self._container()
        if self.penalty is not None and PENALTIES.search(name):
            return self.penalty
        role = role_of(name, used)
        values = given | {"cache": self._cache(), "zero": 0.0, "false": False, "true": True}
        if self._returned is not None:
            values["o"] = self._result_of()
        values["count"] = np.size(given.get("t", given["x"])) if role == "count" else 0
        if role in values and (row.default is row.empty or role in ("x", "t")):
            used.append(role)
            return values[role]
        if (default := row.default if row.default is not row.empty else self._default(name)) is not row.empty:
            return default
        if name in self.settings:
            return self.settings[name]
        if hasattr(self._fixed[0], name) and not callable(getattr(self._fixed[0], name)):
            return getattr(self._fixed[0], name)
        if "cache" not in used and isinstance(self._cache(), dict | list | tuple):
            used.append("cache")
            return self._cache()
        raise TypeError(f"no value for {name}")

    def _default(self, name: str) -> Any:
        """The default of an argument of this name in another one of the functions."""
        rows = [row for function in self.functions for row in arguments_of(function) if row.name == name]
        return next((row.default for row in rows if row.default is not row.empty), inspect.Parameter.empty)

    def _cache(self) -> Any:
        """What forward returned beside its output."""
        returned = self._returned
        if isinstance(returned, tuple) and len(returned) == 2:
            return returned[1] if not isinstance(returned[1], np.ndarray) else returned[0]
        return returned

    def _container(self) -> Any:
        """The parameters as the function that made them returned them."""
        made = self._fixed[1]
        if isinstance(made, dict):
            return dict(zip(made, self.params.values(), strict=True))
        if hasattr(made, "_fields"):
            return type(made)(*self.params.values())
        if is_dataclass(made) and not isinstance(made, type):
            return replace(made, **self.params)
        if isinstance(made, tuple | list):
            return _rebuilt(made, iter(self.params.values()))
        return next(iter(self.params.values()))
