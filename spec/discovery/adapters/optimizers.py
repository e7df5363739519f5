"""Optimizers: a class with a method that moves arrays, or a function from arrays and gradients to new arrays.

How arrays are passed, by themselves, in lists, dicts, layers or networks, is worked out by trying. The steps are
compared with the textbook's by the optimizer's name; without a standard name there is nothing to compare with.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.discovery import adapted_optimizer as names
from nnlaw.spec.discovery.adapted_optimizer import AdaptedOptimizer, OptimizerPlan
from nnlaw.spec.discovery.adapters.functional_networks import ARCHITECTURE
from nnlaw.spec.discovery.calls import constructions
from nnlaw.spec.discovery.descent_loops import descent_step
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.hints import hints
from nnlaw.spec.discovery.layer_methods import forward_methods
from nnlaw.spec.discovery.nothing import class_location, is_base_class, is_empty
from nnlaw.spec.discovery.optimizer_owners import GIVEN_FORMS, NETWORK_FORMS, OWNER_FORMS, W_SIZE
from nnlaw.spec.discovery.positional_updates import positional_updates
from nnlaw.spec.discovery.project_layers import layer_owners
from nnlaw.spec.discovery.scope import Scope, arguments_of, decorated, required_of
from nnlaw.spec.discovery.second_settings import defaults_of, with_settings
from nnlaw.spec.discovery.slots import attributes_of
from nnlaw.spec.discovery.source_text import nodes_of, parsed, returned_names, source_text
from nnlaw.spec.reference.names import standard_name
from nnlaw.spec.reference.optimizers import OPTIMIZERS
from nnlaw.spec.subjects.cases import Case, OptimizerCase
from nnlaw.spec.subjects.hyperparameters import ALIASES, VARIANTS, simplified_name
from nnlaw.spec.subjects.settings import second_values
from nnlaw.spec.violation import Location

METHODS = (
    "update", "step", "update_params", "update_parameters", "update_weights", "apply", "apply_gradients", "optimize",
    "__call__", "update_param", "apply_gradient", "get_update", "update_layer", "calc", "compute_update",
    "update_weight", "call", "apply_update", "minimize", "update_change",
)  # fmt: skip
WORDS = re.compile("|".join((*OPTIMIZERS, "nag", "gradient_?descent", r"(^|_)gd(_|$)")), re.I)
"""Words in the names of optimizers, also of those that are not standard, such as RAdam."""
FUNCTION = re.compile(r"update_?(params?|parameters?|weights?)|sgd|adam|rmsprop|momentum|gradient_?descent|adagrad|"
                      r"nesterov|adadelta|amsgrad|optim|^(update|step)$", re.I)  # fmt: skip
FORWARD_PASS = re.compile(r"^_*(forward|feed_?forward|fprop)", re.I)
FORMS = ("dict", "d-dict", "list", "array")
Roles = tuple[tuple[str, str], ...]

RATE_DECAY = re.compile(r"^_*(lr_?|learning_?rate_?|rate_?)?decay(_?rate)?_*$", re.I)
"""Names of a decay that may be one of the learning rate, which no definition has."""


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The optimizers of the module."""
    for name, kind in list(scope.classes.items()):
        if not is_base_class(kind):
            yield _class(name, kind, scope)
    for name, function in list(scope.functions.items()):
        if FUNCTION.search(name.rpartition(".")[2]):
            yield _function(name, function)


def role_of(name: str, position: int) -> str:
    """What an argument is, by its name; "" if it is unknown."""
    for role, pattern in (
        ("rate", names.RATE), ("pairs", names.PAIRS), ("db", names.BIAS_GRADIENTS), ("g", names.GRADIENTS),
        ("b", names.BIAS), ("key", names.KEYS), ("owner", names.OWNERS), ("w", names.WEIGHTS), ("state", names.STATES),
        ("t", names.COUNTS),
    ):  # fmt: skip
        if pattern.match(name):
            return role
    return "rate" if (name in ("alpha", "a") and position > 0) or name == hints().learning_rate else ""


def _roles(function: Any, *, bound: bool) -> Roles | None:
    rows = required_of(function, bound=bound)
    optional = [row for row in arguments_of(function, bound=bound) if row not in rows]
    rows += [row for row in optional if names.RATE.match(row.name) or names.STATES.match(row.name)]
    if not bound and not any(names.RATE.match(row.name) for row in rows):
        rows += [row for row in optional if row.name == "alpha"]
    first = 0 if bound else 1  # a function may have alpha first
    roles = tuple((role_of(row.name, i + first), row.name) for i, row in enumerate(rows))
    if not bound:
        returned = returned_names(decorated(function))[1:]
        has_rate = any(names.RATE.match(row.name) for row in rows)
        roles = tuple((_role_in_function(role, name, returned, has_rate), name) for role, name in roles)
    return roles if all(role for role, _ in roles) else None


def _role_in_function(role: str, name: str, returned: list[str], has_rate: bool) -> str:
    """What an argument of a function is: a state if it is returned behind the weights, or a hyperparameter by its name.

    Of alpha and a learning rate, the former is a hyperparameter.
    """
    if role and not (role == "rate" and has_rate and not names.RATE.match(name)):
        return role
    is_setting = any(simplified_name(name) in ALIASES[key] for key in HYPERPARAMETERS) or name == "betas"
    is_setting = is_setting or bool(ARCHITECTURE.search(name) or DEPTH.match(name))
    return "state" if name in returned else "setting" if is_setting else ""


def _settings_of(function: Any, roles: Roles) -> tuple[tuple[str, Any], ...]:
    """Values for the hyperparameters that a function requires; a pair for betas of which it takes entries.

    The architecture has a dict for each of two layers.
    """
    text, values = source_text(function), list[tuple[str, Any]]()
    for name in (name for role, name in roles if role == "setting"):
        if ARCHITECTURE.search(name) or DEPTH.match(name):
            values.append((name, 2 if DEPTH.match(name) else [{}, {}]))
            continue
        fitting = [value for key, value in HYPERPARAMETERS.items() if simplified_name(name) in ALIASES[key]]
        values.append((name, fitting[0] if fitting and f"{name}[" not in text else (0.9, 0.99)))
    return tuple(values)


DEPTH = re.compile(r"^(L|n_?layers|num_?layers|number_of_layers)$")
HYPERPARAMETERS = {"eps": 1e-8, "beta2": 0.99, "decay": 0.5, "beta1": 0.9, "beta": 0.9, "rho": 0.9}


def _class(name: str, kind: type, scope: Scope) -> Found | None:
    named = standard_name(None, name, OPTIMIZERS)
    reason, location, kind = "", class_location(kind), _with_network(kind)
    for method in METHODS:
        function = inspect.getattr_static(kind, method, None)
        if not inspect.isfunction(function) or is_empty(function):
            continue
        roles, other = _roles(function, bound=True), _bias_method(kind, method)
        bias = (other, _roles(getattr(kind, other), bound=True) or ()) if other else None
        if roles is None or (bias and not bias[1]):
            continue
        kinds = {role for role, _ in roles}
        inputs = required_of(kind)
        owns = bool(inputs) and role_of(inputs[0].name, 0) in ("w", "owner")
        if not WORDS.search(name) and ((owns and forward_methods(kind)) or any(map(FORWARD_PASS.search, dir(kind)))):
            continue  # a network, which takes its own steps
        steps = "pairs" in kinds or (kinds & {"g"} and kinds & {"w", "owner"}) or (
            owns and kinds <= {"g", "db", "rate", "t"}
        )
        named_step = "owner" in kinds and (WORDS.search(name) or re.search("optim", name, re.I))
        returns_step = bool(named) and "g" in kinds and kinds <= {"g", "t", "rate", "state"}
        if not steps and not named_step and not returns_step:
            continue
        works = []
        for plan in _plans(kind, method, roles, owns, scope, bias):
            if _works(kind, plan):
                works.append(plan)
                if _keeps_apart(kind, plan):
                    works = [plan]
                    break
            elif _works(kind, plan, finite=False):
                reason = f"{method} moves weights to nan or inf, in each way of calling it that was tried"
        if works:
            return _found(name, named, f"class with {method}", location, kind, works[0])
    return Found("optimizer", name, "class", location, kind, reason=reason) if named and reason else None


def _with_network(kind: type) -> type:
    """The class, whose constructor also takes the network if other code sets the attribute with it."""
    nodes = [node for each in itertools.takewhile(parsed, kind.__mro__[:-1]) for node in nodes_of(each)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"]
    read, set_here = (
        {node.attr for node in attributes if isinstance(node.ctx, ctx) and names.OWNERS.match(node.attr)}
        for ctx in (ast.Load, ast.Store)
    )
    if len(read - set_here) != 1 or hasattr(kind, *read - set_here):
        return kind
    (name,) = read - set_here

    initialize = inspect.getattr_static(kind, "__init__")

    def construct(self: Any, network: Any, *arguments: Any, **settings: Any) -> None:
        initialize(self, *arguments, **settings)
        setattr(self, name, network)

    first = inspect.Parameter("network", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.Signature([first, *inspect.signature(kind).parameters.values()])
    own = {"__init__": construct, "__module__": kind.__module__, "__signature__": signature}
    return type(kind.__name__, (kind,), own)


def _bias_method(kind: type, method: str) -> str:
    """The method that moves the bias beside one that moves the weights only; "" if there is none."""
    names = [method.replace(word, other) for word in ("weights", "weight") for other in ("biases", "bias")]
    return next((name for name in names if name != method and inspect.isfunction(getattr(kind, name, None))), "")


def _plans(
    kind: type, method: str, roles: Roles, owns: bool, scope: Scope, bias: tuple[str, Roles] | None
) -> Iterator[OptimizerPlan]:
    kinds = {role for role, _ in roles}
    forms: tuple[str, ...] = OWNER_FORMS if "owner" in kinds else ("keys",) if "key" in kinds else FORMS
    many = any(len(key) > 1 and key.endswith("s") for role, key in roles if role in "wg")
    forms = forms if many or forms[0] in ("owner", "keys") else tuple(reversed(forms))
    if "pairs" in kinds:
        forms = ("list",)
    elif bias or "b" in kinds:
        forms = ("owner",) if "owner" in kinds else ("pair",)
    elif "owner" in kinds:
        layer_forms = (*OWNER_FORMS, *(GIVEN_FORMS if "g" in kinds and "db" not in kinds else ()))
        forms = (*NETWORK_FORMS, *layer_forms) if many else (*layer_forms, *NETWORK_FORMS)
    if owns:
        first, *rest = required_of(kind)
        values = {row.name: 0.1 for row in rest}
        containers = ("owner",) if role_of(first.name, 0) == "owner" else ("list", "dict")
        containers = containers if kinds & {"g"} or "owner" in containers else ("records", *containers)
        for container in containers:
            for each in ("list", *OWNER_FORMS, *NETWORK_FORMS) if container == "owner" else (container,):
                yield from _with_rates(OptimizerPlan(method, roles, each, (), container), kind, values)
        for layer in layer_owners(scope) if containers == ("owner",) else ():
            yield from _with_rates(OptimizerPlan(method, roles, "owner", (), "owner", layer=layer), kind, values)
        return
    setups = [name for name, function in vars(kind).items() if SETUP.match(name) and _takes_arrays(function)]
    for made in constructions(kind, scope, limit=2, given=GIVEN):
        settings = tuple(made.settings.items())
        keys = list(attributes_of(made.instance))
        rates = tuple(key for key in keys if key == hints().learning_rate or names.RATE.match(key))
        rates = rates or tuple(key for key in keys if key in ("alpha", "a"))
        for form, setup in itertools.product(forms, (*setups, "")):
            yield from _with_states(OptimizerPlan(method, roles, form, settings, "", rates, bias=bias, setup=setup))
        for layer in layer_owners(scope) if set(OWNER_FORMS) <= set(forms) else ():
            yield OptimizerPlan(method, roles, "owner", settings, "", rates, layer=layer)


SETUP = re.compile(
    r"^_*(set_?(params?|parameters|weights|layers|model)|(init\w*|setup|set_up|build|prepare|register|bind)(_?params?|"
    r"_?parameters|_?weights|_?states?|_?layers?|_?model|_?network)?)_*$", re.I,
)
"""Methods that training code calls with the arrays or the network before the first step."""


def _takes_arrays(method: Any) -> bool:
    """Whether a method takes weights or a network as its only required argument."""
    rows = required_of(method, bound=True) if inspect.isfunction(method) else []
    return len(rows) == 1 and role_of(rows[0].name, 0) in ("w", "owner")


def _with_states(plan: OptimizerPlan) -> Iterator[OptimizerPlan]:
    """The plan, also with arrays as the states that it takes, and with both signs of a step that is returned alone."""
    kinds = {role for role, _ in plan.roles}
    plans = [plan]
    if "state" in kinds and plan.form in ("array", "list", "pair"):
        plans.append(replace(plan, array_states=True))
    if "g" in kinds and kinds <= {"g", "t", "rate", "state"}:
        signs = (-1, 1) if plan.form in ("array", "list") else ()
        plans = [replace(each, adds=adds) for each in plans for adds in signs]
    yield from plans


GIVEN: dict[str, list[Any]] = {"gamma": [0.9], "beta": [0.9]}  # numbers, not the arrays of a normalization
GIVEN |= {name: [(6,)] for name in ("shape", "param_shape", "w_shape")}  # that of one array


def _with_rates(plan: OptimizerPlan, kind: type, values: dict[str, Any]) -> Iterator[OptimizerPlan]:
    """The plan with values for the constructor and the attributes that keep the learning rate; nothing if it fails."""
    own = list(inspect.signature(kind).parameters)
    rates = [name for name in own if names.RATE.match(name)] or [name for name in own[1:] if role_of(name, 1) == "rate"]
    plan = replace(plan, settings=tuple((values | dict.fromkeys(rates, names.RATE_MARK)).items()))
    with contextlib.suppress(Exception):
        yield replace(plan, rate=AdaptedOptimizer(kind, plan).rates)


def _function(name: str, function: Any) -> Found | None:
    if steps := positional_updates(function):
        return _positional(name, function, steps)
    roles = _roles(function, bound=False)
    own = name.rpartition(".")[2]
    named = standard_name(None, own, OPTIMIZERS)
    descent = descent_step(function) if named == "sgd" and roles is None else None
    if descent is not None:
        return _positional(name, function, [descent])
    kinds = {role for role, _ in roles or ()}
    if roles is None or "g" not in kinds or not ("w" in kinds or named):
        return None
    many = any(key.endswith("s") for role, key in roles if role in "wg")
    forms = FORMS if many else tuple(reversed(FORMS))
    settings = _settings_of(function, roles)
    for plan in (plan for form in forms for plan in _with_states(OptimizerPlan("", roles, form, settings))):
        if _works(function, plan):
            other = WORDS.search(own) or "state" in kinds
            named = named or ("" if other else "sgd")
            return _found(name, named, "function", Location.of(function), function, plan)
    return None


def _works(thing: Any, plan: OptimizerPlan, *, finite: bool = True) -> bool:
    """Whether two steps move every weight, to finite numbers or, without `finite`, to any."""
    try:
        with np.errstate(all="ignore"):
            optimizer = AdaptedOptimizer(thing, plan)
            w, start = np.linspace(1, 2, 6), np.linspace(1, 2, 6)
            for _ in range(2):
                optimizer.step(w, np.linspace(-1, -2, 6), 0.1)
    except Exception:
        return False
    moved = w != start
    if plan.adds and not _descends(thing, plan):
        return False
    kinds = {role for role, _ in plan.roles}
    if any(DEPTH.match(name) for name, _ in plan.settings) and not moved.all():
        return False  # it counts layers in another way
    of_weights = plan.form == "owner" and "g" in kinds and "db" not in kinds and not (plan.bias or plan.constructor)
    has_moved = moved.all() if of_weights or plan.form in ("array", GIVEN_FORMS[-1]) else moved[: W_SIZE].any()
    return bool(has_moved and (np.isfinite(w).all() or not finite))


def _descends(thing: Any, plan: OptimizerPlan) -> bool:
    """Whether the first step is against the gradient, and is twice as long for twice the learning rate."""
    g, steps = np.linspace(-1, -2, 6), []
    for rate in (0.1, 0.2):
        w = np.zeros(6)
        AdaptedOptimizer(thing, plan).step(w, g, rate)
        steps.append(w)
    return bool((steps[0] * g < 0).all() and np.allclose(steps[1], 2 * steps[0], rtol=1e-9))


def _keeps_apart(thing: Any, plan: OptimizerPlan) -> bool:
    """Whether the first step of each weight depends on its own gradient only: arrays and gradients are not mixed up."""
    paths = []
    for i in range(7):
        w, g = np.linspace(1, 2, 6), np.linspace(-1, -2, 6)
        g[i : i + 1] *= 3  # none of the last one
        optimizer = AdaptedOptimizer(thing, plan)
        for _ in range(2):
            optimizer.step(w, g, 0.1)
        paths.append(w)
    others = ~np.eye(6, dtype=bool)
    return bool(np.array_equal(np.where(others, paths[:6], 0), np.where(others, paths[6], 0)))


def _found(name: str, named: str, style: str, location: Location, thing: Any, plan: OptimizerPlan) -> Found:
    if not named:
        reason = "its name is not that of a standard optimizer, so there is no definition to compare its steps with"
        return Found("optimizer", name, style, location, thing, reason=reason)
    if not plan.has_rate and named != "adadelta":
        reason = f'found no learning rate; name it: check({name}, learning_rate="...")'
        return Found("optimizer", name, style, location, thing, reason=reason)
    methods = [(plan.method, plan.roles), *([plan.bias] if plan.bias else [])]
    calls = ", ".join(f"{name}{'.' * bool(own)}{own}({', '.join(key for _, key in roles)})" for own, roles in methods)
    words = {"array": "one array", "list": "lists of arrays", "dict": "dicts of arrays", "d-dict": "dicts of arrays",
             "records": "a list of parameters with gradients",
             "keys": "one array per key", "owner": "arrays of a layer",
             "owner with dicts": "arrays of a network, in dicts", "pair": "weights and bias"}  # fmt: skip
    words |= dict.fromkeys(NETWORK_FORMS, "arrays of a network")
    words |= dict.fromkeys(GIVEN_FORMS, words["owner"])
    does = {0: "", 1: ", which returns the step to add", -1: ", which returns the step to subtract"}[plan.adds]
    counted = any(role == "t" for role, _ in plan.roles)  # the caller may count from 1 or from 0
    readings = tuple(
        Reading(
            f"{calls}{does}; {words[plan.form]}; compared with {named}{'; the first step is 0' if start else ''}",
            partial(_cases, name, named, thing, replace(plan, from_zero=start)),
            ("the weights after each of 10 steps",),
        )
        for start in ((False, True) if counted else (False,))
    )
    return Found("optimizer", name, style, location, thing, readings)


def _cases(name: str, named: str, thing: Any, plan: OptimizerPlan, seed: int) -> list[Case]:
    first = OptimizerCase(name, partial(AdaptedOptimizer, thing, plan), seed=seed, name=named, registered=False)
    if not inspect.isclass(thing):
        return [first]
    settings = dict(plan.settings)
    changed = {
        key: value
        for key, value in second_values(defaults_of(thing), penalties=True).items()
        if key not in settings and not names.RATE.match(key) and not RATE_DECAY.match(key)
    }
    defaults = {key: value for key, value in defaults_of(thing).items() if key not in settings}
    flags = [(key, of) for key, of in VARIANTS.items() if defaults.get(key) is False]
    momentum = {key: value for key, value in changed.items() if names.MOMENTUM.match(key) and not defaults[key]}
    found: list[Case] = [first]
    for own, reference in ((changed, named), *((momentum | {key: True}, of) for key, of in flags)):
        second = replace(plan, settings=tuple((settings | own).items()))
        if own and _works(thing, second):
            make = partial(AdaptedOptimizer, thing, second)
            path = with_settings(name, own)
            found.append(replace(first, make=make, name=reference, path=path, is_second=True))
    return found


def _positional(name: str, function: Any, steps: list[Callable[..., Any]]) -> Found:
    """A step of gradient descent on arrays that are arguments of their own."""
    plan = OptimizerPlan("", (("w", "w"), ("g", "g"), ("rate", "lr")), "array")
    calls = f"{name}({', '.join(row.name for row in required_of(function))}); compared with sgd"
    reading = Reading(
        calls, partial(_positional_cases, name, steps, plan), ("each array after each of 10 steps",)
    )
    return Found("optimizer", name, "function", Location.of(function), function, (reading,))


def _positional_cases(name: str, steps: list[Callable[..., Any]], plan: OptimizerPlan, seed: int) -> list[Case]:
    return [
        OptimizerCase(name, partial(AdaptedOptimizer, step, plan), seed=seed, name="sgd", registered=False)
        for step in steps
    ]
