"""Any optimizer behind the protocol step(w, g, lr), with w changed in place.

    optimizer = AdaptedOptimizer(thing, plan)
    optimizer.step(w, g, 0.1)

The author's code gets arrays one by one, a list, a dict, or a layer or network that has them as attributes; it may
return new arrays or change those that it gets. Its state is kept between the steps.
"""

from __future__ import annotations

import ast
import copy
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.optimizer_owners import (
    GIVEN_FORMS,
    NAMES,
    NETWORK_FORMS,
    OWNER_FORMS,
    SHAPES,
    W_SIZE,
    LayerOwner,
    NetworkOwner,
    Owner,
    Record,
    four_arrays,
    given,
)
from nnlaw.spec.discovery.scope import arguments_of, decorated, required_of
from nnlaw.spec.discovery.slots import attributes_of
from nnlaw.spec.discovery.source_text import nodes_of, returned_names, source_text
from nnlaw.spec.subjects.hyperparameters import VARIANTS

RATE = re.compile(
    r"^_*(current_?|initial_?)?(lr|eta|learning_?rate|learn_?rate|l_?rate|step_?size|rate|lrate)_*$", re.I
)
WEIGHTS = re.compile(
    r"^(w|ws|weights?|params?|parameters?|thetas?|x|var(iable)?s?|tensors?|value|p|old|target|data|"
    r"(params?|parameters)_?values)$", re.I,
)
GRADIENTS = re.compile(
    r"^_?(g|gs|d_?w|dws?|grads?|gradients?|g_?w|d_?weights?|grads?_?w(eights?)?|w_?grads?|d_?params?|d_?theta|delta_?w|dx|"
    r"(w|weights?)_?updates?|d_?l|(grads?|gradients?)_?values|(g|d|grads?|gradients?)_?(wrt|of|for)_?\w+|"
    r"derivatives?|nabla\w*|gradient_?w|weights?_grads?|param_?grads?)$", re.I,
)
BIAS = re.compile(r"^(b|bias|biases)$", re.I)
BIAS_GRADIENTS = re.compile(
    r"^_?(d_?b|g_?b|d_?bias(es)?|grads?_?b(ias(es)?)?|delta_?b|nabla_?b|b_?grads?|bias(es)?_?grads?|"
    r"gradients?_?b(ias(es)?)?|"
    r"(b|bias)_?updates?)$", re.I
)
OWNERS = re.compile(r"^(layers?|l|net|network|model|nn|module|obj)$", re.I)
KEYS = re.compile(r"^(key|name|id|idx|index|layer_?(id|name|index)|param_?name)$", re.I)
COUNTS = re.compile(r"^(t|steps?|iteration|iterations?|epoch|it|k|n_?iter|time_?step|_)$", re.I)
STATES = re.compile(
    r"^([vsm]_?hat|v|s|m|config|cache|state|velocity|velocities|moments?|memory|optim_?config|"
    r"(v|s|m|sd|vd|md|r|rsm|mom(entum)?|velocity|cache)_?d?_?(w|b|weights?|bias(es)?|layers?))$", re.I,
)
OF_BIAS = re.compile(r"(b|bias|biases)$", re.I)


PAIRS = re.compile(
    r"^(grads?|gradients?|g)_?and_?(vars?|variables|params?|parameters|weights)$|^grads_(vars|params)$|"
    r"^(vars?|variables|params?|parameters|weights)_?and_?(grads?|gradients?|g)$|^(vars|params)_grads$", re.I,
)  # fmt: skip
RATE_MARK = 0.1234567
FOUR_ARRAYS = ("list", "dict", "d-dict", *NETWORK_FORMS)


def _array_numbers(form: str) -> Array:
    """The number of the array to which each of the six weights of a check belongs."""
    if form in ("array", "owner of weights"):
        return np.zeros(6, int)
    sizes = [int(np.prod(shape)) for shape in SHAPES] if form in FOUR_ARRAYS else [W_SIZE, 6 - W_SIZE]
    return np.repeat(np.arange(len(sizes)), sizes)


def _rates_in(function: Any, name: str) -> list[str]:
    """The learning rates that a function reads from a dict, as optim_params.get("learning_rate", 1)."""
    keys = re.findall(rf"\b{name}(?:\.get\(|\.setdefault\(|\[)\s*[\"'](\w+)[\"']", source_text(function))
    return [key for key in dict.fromkeys(keys) if RATE.match(key)]


def counting_methods(kind: type, step: str) -> list[str]:
    """The methods without arguments that count steps, which training code calls after each step; not those that the
    method of the step calls.
    """
    own = {name: _read(value) for name, value in vars(kind).items() if inspect.isfunction(value)}
    called = own[step][0] if step in own else frozenset()
    return [
        name for name, (_, counts) in own.items() if counts and name not in (*called, step)
        and not AROUND.match(name) and not name.startswith("__") and not required_of(getattr(kind, name), bound=True)
    ]  # fmt: skip


def counted_by_training(kind: type, step: str) -> list[str]:
    """The attributes that the method of the step reads, and a method with arguments counts: train(x, y)."""
    methods = {name: value for name in dir(kind) if inspect.isfunction(value := getattr(kind, name))}
    if step not in methods:
        return []
    read, own = _read(methods[step])
    for name in sorted(read & set(methods)):  # what it calls
        read, own = read | _read(methods[name])[0], own | _read(methods[name])[1]
    called = {*counting_methods(kind, step), *read}
    others = [each for name, each in methods.items() if name not in called and arguments_of(each, bound=True)]
    counted = {name for each in others for name in _read(each)[1]}
    return sorted((counted & read) - own)


@cache
def _read(function: Any) -> tuple[frozenset[str], frozenset[str]]:
    """The attributes that a function uses, and those of them that it counts steps with."""
    nodes = nodes_of(function)
    targets = [node.target for node in nodes if isinstance(node, ast.AugAssign)]
    names = [target.attr for target in targets if isinstance(target, ast.Attribute)]
    used = frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute))
    return used, frozenset(name for name in names if COUNTS.match(name))


def uses_momentum(kind: type, attributes: Mapping[str, Any]) -> bool:
    """Whether methods read a number that is called momentum and is not 0, and no other attribute may turn it off."""
    numbers = {name for name, value in attributes.items() if MOMENTUM.match(name) and isinstance(value, Real) and value}
    switches = [name for name, value in attributes.items() if value is False or isinstance(value, str)]
    methods = [getattr(kind, name) for name in dir(kind) if name != "__init__"]
    read = {name for method in methods if inspect.isfunction(method) for name in method.__code__.co_names}
    return bool(numbers & read) and {*switches} <= {*VARIANTS, "name"}


MOMENTUM = re.compile(r"^_*(momentum|mu)(_?(rate|factor|coef\w*))?_*$", re.I)
KEEPERS = (dict, list, int, float, np.ndarray)
"""The types of global values in which a function may keep what it needs in the next step."""
AROUND = re.compile(r"^(pre|post)_?update(_?(params?|parameters?|weights?))?$")
"""Methods that are called before and after a step."""


@dataclass(frozen=True)
class OptimizerPlan:
    """How to call an optimizer: a method (a function if `method` is empty), the form of its arrays, and the roles.

    `form` is "array", "list", "dict", "d-dict" (gradients under dW1), "keys", "pair" (weights and bias), "owner" or one
    of a network.
    `constructor` is the form of the arrays that the constructor takes, if it does.
    """

    method: str
    roles: tuple[tuple[str, str], ...]
    form: str
    settings: tuple[tuple[str, Any], ...] = ()
    constructor: str = ""
    rate: tuple[str, ...] = ()
    from_zero: bool = False
    """Whether the step count that is passed starts at 0."""
    layer: LayerOwner | None = None
    """The layer of the project that the optimizer gets."""
    bias: tuple[str, tuple[tuple[str, str], ...]] | None = None
    """The method for the bias and its roles, if `method` moves the weights only."""
    array_states: bool = False
    """Whether each state is an array, or a list of them, of zeros at first, which may be returned after the arrays."""
    setup: str = ""
    """The method that gets the arrays before the first step."""
    adds: int = 0
    """1 or -1 if the step alone is returned, which the caller adds or subtracts."""

    @property
    def has_rate(self) -> bool:
        """Whether there is a place for a learning rate; Adadelta may do without."""
        kinds = {role for role, _ in self.roles}
        return bool(self.rate) or "rate" in kinds or ("state" in kinds and not self.array_states)

    @property
    def is_owner(self) -> bool:
        """Whether the arrays are those of a layer or a network that the step gets."""
        return self.form in (*OWNER_FORMS, *GIVEN_FORMS, *NETWORK_FORMS)


class AdaptedOptimizer:
    """The protocol over a class or a function."""

    def __init__(self, thing: Any, plan: OptimizerPlan) -> None:
        self._author, self._plan, self._count = thing, plan, 0
        self._thing: Any = None
        self._states: dict[str, Any] = {}
        self._globals: dict[str, Any] | None = None
        self._last: dict[str, list[Array]] = {}
        """The arrays after the last step, which are those of the next one: code may know them by id(w)."""
        self._owner: Owner | NetworkOwner | LayerOwner | None = None
        self._records: list[Record] = []
        self.state: dict[str, Array] = {}
        self.rates: tuple[str, ...] = ()
        """The attributes that have got RATE_MARK, given to the constructor as the learning rate."""
        self.array_numbers = _array_numbers(plan.form)
        defaults = {} if inspect.isclass(thing) else {
            row.name: row.default for row in inspect.signature(thing).parameters.values()
        } | dict(plan.settings)  # fmt: skip
        if inspect.isclass(thing) and not plan.constructor:
            self._thing = thing(**copy.deepcopy(dict(plan.settings)))
            method = inspect.signature(getattr(thing, plan.method)).parameters.values()
            defaults = {row.name: row.default for row in method} | attributes_of(self._thing)
        elif inspect.isclass(thing):
            zeros = four_arrays(np.zeros(6)) if plan.form in FOUR_ARRAYS else [np.zeros((2, 2)), np.zeros(2)]
            self._start(zeros, zeros)
            defaults, self._thing = attributes_of(self._thing), None
            self.rates = tuple(name for name, value in defaults.items() if type(value) is float and value == RATE_MARK)
        if any(role == "state" for role, _ in plan.roles) and plan.form == "array" and not plan.array_states:
            self.step(np.ones(2), np.ones(2), 1.0)  # fills in the settings that the code keeps in the dict
            defaults = {key: value for state in self._states.values() for key, value in state.items()}
            self._count, self._states, self._last, self._globals = 0, {}, {}, None
        for name, value in defaults.items():
            number = isinstance(value, Real) and not isinstance(value, bool) and not RATE.match(name)
            pair = isinstance(value, tuple) and len(value) == 2
            name = "betas" if pair else name
            if (number or pair) and not COUNTS.match(name) and not hasattr(self, name):
                setattr(self, name, value)

        self.uses_momentum = inspect.isclass(thing) and uses_momentum(thing, defaults)

    def source_of(self, method: str) -> Any:
        """The author's function, for locations."""
        return decorated(getattr(self._author, self._plan.method) if self._plan.method else self._author)

    def own_functions(self) -> list[Any]:
        """The author's functions, the one that takes the step first."""
        if not inspect.isclass(self._author):
            return [self._author]
        found = [f for name, f in vars(self._author).items() if inspect.isfunction(f) and name != "__init__"]
        return sorted((f for f in found if f.__closure__ is None), key=lambda f: f.__name__ != self._plan.method)

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        if not inspect.isclass(self._author):
            self._author = made[self._author.__name__]
            return
        self._author = type(self._author.__name__, (self._author,), dict(made))
        if self._thing is not None:
            self._thing.__class__ = self._author

    def _start(self, arrays: list[Array], gradients: list[Array]) -> None:
        """Construct the optimizer with the arrays."""
        form = self._plan.constructor
        if form == "records":
            self._records = [Record(array, gradient) for array, gradient in zip(arrays, gradients, strict=True)]
            self._thing = self._author(self._records, **copy.deepcopy(dict(self._plan.settings)))
            return
        first: Any = arrays if form == "list" else dict(zip(NAMES, arrays, strict=False))
        if form == "owner":
            self._owner = self._new_owner(arrays, gradients)
            first = given(self._owner, required_of(self._author)[0].name)
        self._thing = self._author(first, **copy.deepcopy(dict(self._plan.settings)))

    def _new_owner(self, arrays: list[Array], gradients: list[Array]) -> Owner | NetworkOwner | LayerOwner:
        if self._plan.form in NETWORK_FORMS:
            return NetworkOwner(arrays, gradients, self._plan.form)
        if self._plan.layer is None:
            return Owner(arrays, gradients, self._plan.form == "owner with dicts")
        owner = copy.deepcopy(self._plan.layer)
        owner.load(arrays, gradients)
        return owner

    def step(self, w: Array, g: Array, lr: float) -> None:
        """One step; w is changed in place. That of code without a learning rate is multiplied by it."""
        before = w.copy()
        self._step(w, g, lr)
        if not self._plan.has_rate:
            w[...] = before + lr * (w - before)

    def _step(self, w: Array, g: Array, lr: float) -> None:
        self._count += 1
        if self._plan.setup and self._count == 1:
            self._set_up(w)
        if self._plan.form == "array":
            w[...] = self._call([w.astype(np.float64)], [g.astype(np.float64)], lr)[0]
            return
        if self._plan.form in FOUR_ARRAYS:
            found = self._call(four_arrays(w), four_arrays(g), lr)
            w[...] = np.concatenate([array.reshape(-1) for array in found])
            return
        if self._plan.form == "owner of weights":
            arrays, gradients = ([one.reshape(2, 3).astype(np.float64), np.zeros(3)] for one in (w, g))
            w[...] = self._call(arrays, gradients, lr)[0].reshape(-1)
            return
        arrays, gradients = ([one[:W_SIZE].reshape(2, 2).astype(np.float64), one[W_SIZE:].astype(np.float64)]
                             for one in (w, g))  # fmt: skip
        if self._plan.form == "keys":
            pairs = [self._call([a], [d], lr, key)[0] for a, d, key in zip(arrays, gradients, "Wb", strict=True)]
        else:
            pairs = self._call(arrays, gradients, lr)
        w[:W_SIZE], w[W_SIZE:] = pairs[0].reshape(-1), pairs[1].reshape(-1)

    def _set_up(self, w: Array) -> None:
        """Pass the arrays to the method that is called before the first step."""
        form, method = self._plan.form, getattr(self._thing, self._plan.setup)
        arrays = four_arrays(w) if form in FOUR_ARRAYS else [w[:W_SIZE].reshape(2, 2) * 1.0, w[W_SIZE:] * 1.0]
        if self._plan.is_owner:
            self._owner = self._new_owner(arrays, [np.zeros_like(array) for array in arrays])
            method(given(self._owner, required_of(method)[0].name))
            return
        names = {"dict": NAMES, "d-dict": NAMES, "keys": "Wb"}.get(form, "")
        method(w * 1.0 if form == "array" else dict(zip(names, arrays, strict=True)) if names else arrays)

    def _call(self, arrays: list[Array], gradients: list[Array], lr: float, key: str = "W") -> list[Array]:
        plan = self._plan
        before = [array.copy() for array in arrays]
        if not (plan.constructor or plan.is_owner):
            arrays = self._last.get(key, arrays)
            for array, old in zip(arrays, before, strict=True):
                array[...] = old
        if plan.constructor:
            if self._thing is None:
                self._kept = [array.copy() for array in arrays]
                self._start(self._kept, gradients)
            else:
                for kept, array in zip(self._kept, arrays, strict=True):
                    kept[...] = array
                for record, array, gradient in zip(self._records, arrays, gradients, strict=False):
                    record.load(array, gradient)
            arrays = self._kept
        if plan.is_owner or plan.constructor == "owner":
            self._owner = self._owner or self._new_owner(arrays, gradients)
            self._owner.load(arrays, gradients)
        if self._thing is not None:
            own = [name for name in plan.rate if "current" in name.lower()]  # computed by the code from the other
            for name in plan.rate:
                if self._count <= 1 or name not in own or len(own) == len(plan.rate):
                    setattr(self._thing, name, lr)
            self._around("pre")
        many = plan.form in ("list", "dict", "d-dict")
        first: Any = arrays if many else arrays[0]
        slopes: Any = gradients if many else gradients[0]
        if plan.form in ("dict", "d-dict"):
            prefix = "d" if plan.form == "d-dict" else ""
            first = dict(zip(NAMES, arrays, strict=True))
            slopes = {f"{prefix}{name}": g for name, g in zip(NAMES, gradients, strict=True)}
        values = {"w": first, "g": slopes, "key": key, "rate": lr,
                  "t": self._count - plan.from_zero, "b": arrays[-1], "db": gradients[-1]}  # fmt: skip
        if isinstance(self._owner, NetworkOwner):
            values |= {"g": self._owner.given_gradients(gradients),
                       "db": self._owner.given_gradients(gradients, of_biases=True)}  # fmt: skip
        elif plan.is_owner:
            values |= {"w": arrays[0], "g": gradients[0]}
            if isinstance(self._owner, Owner):
                values["g"] = self._owner.given_gradients(gradients, plan.form)
            if plan.constructor == "owner" and any(role == "db" for role, _ in plan.roles):  # one for each layer
                values |= {"g": gradients[:1], "db": gradients[1:]}
        if self._owner is not None:
            values |= {name: given(self._owner, name) for role, name in plan.roles if role == "owner"}
        for name in (name for role, name in plan.roles if role == "pairs"):
            order = (gradients, arrays) if re.match("g", name, re.I) else (arrays, gradients)
            values["pairs"] = list(zip(*order, strict=True))
        states = {name: self._state(name, slopes, gradients[-1], lr) for role, name in plan.roles if role == "state"}
        values |= states | {name: value for name, value in plan.settings if ("setting", name) in plan.roles}
        passed = [values[name if role in ("owner", "state", "setting") else role] for role, name in plan.roles]
        returned = getattr(self._thing, plan.method)(*passed) if plan.method else self._with_own_globals(passed)
        if plan.bias is not None:
            method, roles = plan.bias
            values |= {"g": gradients[-1], "w": arrays[-1]}
            other = getattr(self._thing, method)(*(values[name if role == "owner" else role] for role, name in roles))
            returned = [returned, other] if isinstance(other, np.ndarray) else None
        if self._thing is not None:
            self._around("post")
            for method in counting_methods(type(self._thing), plan.method):
                getattr(self._thing, method)()
            for name in counted_by_training(type(self._thing), plan.method):
                setattr(self._thing, name, getattr(self._thing, name) + 1)
        if isinstance(returned, tuple) and states and len(returned) > len(states):
            returned = self._without_states(returned)
        if plan.adds:
            rows = zip(before, returned if many else [returned], strict=True)
            return [array + plan.adds * np.asarray(step) for array, step in rows]
        found = self._result(returned, arrays, first, before)
        if all(array.flags.writeable and array.shape == old.shape for array, old in zip(found, before, strict=False)):
            self._last[key] = found
        return found

    def _with_own_globals(self, arguments: list[Any]) -> Any:
        """What the function returns; global names that it reads have the values that it has left in the last step."""
        space = self._author.__globals__
        if self._globals is None:
            known = {name: space[name] for name in self._author.__code__.co_names if name in space}
            self._globals = copy.deepcopy({name: row for name, row in known.items() if isinstance(row, KEEPERS)})
        before = {name: space[name] for name in self._globals}
        space.update(self._globals)
        try:
            return self._author(*arguments)
        finally:
            self._globals = {name: space[name] for name in before}
            space.update(before)

    def _without_states(self, returned: tuple[Any, ...]) -> Any:
        """What a function returns beside its states, which are kept: those called as arguments, else the last ones."""
        names = [name for role, name in self._plan.roles if role == "state"]
        own = returned_names(decorated(self._author)) if not self._plan.method else []
        weights = [name for role, name in self._plan.roles if role == "w" and name in own]
        if len(own) == len(returned) and {*names} <= {*own} and weights:
            self._states = {name: returned[own.index(name)] for name in names}
            return returned[own.index(weights[0])]
        count = len(returned) - len(names) if self._plan.form == "pair" else 1
        self._states = dict(zip(names, returned[count:], strict=False))
        return returned[0] if count == 1 else returned[:count]

    def _state(self, name: str, gradients: Any, bias: Array, lr: float) -> Any:
        """The state that a function gets and returns: a dict, with zeros for each array at first, or these zeros."""
        if self._plan.array_states:
            of_bias = self._plan.form == "pair" and OF_BIAS.search(name)
            arrays = bias if of_bias else gradients
            zeros = [np.zeros_like(each) for each in arrays] if isinstance(arrays, list) else np.zeros_like(arrays)
            return self._states.setdefault(name, zeros)
        if name not in self._states:
            zeros = {key: np.zeros_like(g) for key, g in gradients.items()} if isinstance(gradients, dict) else {}
            rates = _rates_in(self.source_of("step"), name) if zeros else ["learning_rate"]
            self._states[name] = zeros | dict.fromkeys(rates, lr)
        self._states[name] |= {key: lr for key in self._states[name] if RATE.match(str(key))}
        return self._states[name]

    def _around(self, when: str) -> None:
        for method in (name for name in dir(self._thing) if AROUND.match(name) and name.startswith(when)):
            getattr(self._thing, method)()
            if when == "pre":
                for name in self._plan.rate:
                    setattr(self._thing, name, getattr(self._thing, name))

    def _result(self, returned: Any, arrays: list[Array], first: Any, before: list[Array]) -> list[Array]:
        """The new arrays: returned, changed in place, or kept by the layer."""
        plan = self._plan
        if self._records:
            return [record.changed(array) for record, array in zip(self._records, before, strict=True)]
        if plan.is_owner and not (plan.constructor and plan.constructor != "owner"):
            assert self._owner is not None
            return self._owner.changed(before)
        if isinstance(returned, dict) and set(NAMES) <= set(returned):
            return [np.asarray(returned[name]) for name in NAMES]
        if isinstance(returned, tuple | list) and len(returned) == len(arrays):
            return [np.asarray(one) for one in returned]
        if isinstance(returned, np.ndarray) and len(arrays) == 1:
            return [returned]
        if isinstance(first, dict):
            return [np.asarray(first[name]) for name in NAMES]
        return [np.asarray(one) for one in (first if isinstance(first, list) else arrays)]
