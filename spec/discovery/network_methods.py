"""The methods of a class that compute the gradients of a network, run it forward or compute its loss."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from types import FunctionType
from typing import Any

from nnlaw.spec.discovery.adapted_loss import signature_of
from nnlaw.spec.discovery.adapted_network import (
    PART,
    ROLES,
    Arguments,
    Call,
    part_of_forward,
    role_of,
    roles_of,
)
from nnlaw.spec.discovery.adapters.losses import VALUES
from nnlaw.spec.discovery.scope import arguments_of, required_of
from nnlaw.spec.discovery.source_text import parsed, returned_names

FORWARD = re.compile(
    r"^_*(forward\w*|feed_?forward\w*|fprop|propagate|predict_?proba\w*|query|predict\w*|scores?|run|think|output\w*|"
    r"compute_?output\w*|activate|__call__|call|classify|evaluate|inference|infer|hypothesis|net|fp|fwd|"
    r"reconstruct\w*)$", re.I,
)  # fmt: skip
GRADIENT = (
    re.compile(r"back|bprop|bptt|through_?time|^_*bp$", re.I),
    re.compile(r"grad|prime|deriv", re.I),
    re.compile(r"^_*(\w*loss\w*|\w*cost\w*)$", re.I),
    re.compile(r"train|learn|update|step|optimi", re.I),
    re.compile(r"^fit|sgd|descent", re.I),
)
GRADIENT_WORDS = re.compile(r"prime|deriv|grad|back|delta|d_loss|dloss|bprop", re.I)
LOSS = re.compile(r"loss|cost|error|entropy|objective|mse|criterion|^_?J$", re.I)


def _loss_names(thing: Any) -> list[str]:
    """The attributes whose names are those of a loss, not of its gradient."""
    return [name for name in dir(thing) if LOSS.search(name) and not GRADIENT_WORDS.search(name)]


def losses_before(kind: type) -> list[Call]:
    """Methods that compute the loss of inputs and targets, which a backward without arguments follows."""
    names = _loss_names(kind)
    calls = [(name, roles_of_method(getattr(kind, name))) for name in names]
    return [Call(name, roles) for name, roles in calls if roles and {role for role, _ in roles} == {"x", "t"}]


def has_loss_of_state(kind: type) -> bool:
    """Whether a method without arguments computes the loss of what forward kept, such as that of an autoencoder."""
    names = _loss_names(kind)
    return any(roles_of_method(getattr(kind, name)) == () for name in names)


def forwards_with_targets(kind: type) -> list[Call]:
    """Methods that run a network and compute its loss, whose backward gets the targets again or nothing."""
    names = [name for name in dir(kind) if FORWARD.match(name) and inspect.isfunction(getattr(kind, name, None))]
    calls = [(name, roles_of_method(getattr(kind, name))) for name in names]
    return [Call(name, roles) for name, roles in calls if roles and {"x", "t"} == {role for role, _ in roles}]


def gradient_methods(kind: type) -> list[str]:
    """Methods that may compute gradients of a loss, by their names and arguments, the most likely first."""
    own = [name for name in dir(kind) if not name.startswith("__") and callable(getattr(kind, name, None))]
    found: list[str] = []
    losses = [name for name in _loss_names(kind) if name in own]
    of_losses = [[role for role, _ in roles_of_method(getattr(kind, name)) or ()] for name in losses]
    alone = any(roles in (["x"], ["x", "o"], ["o", "x"]) for roles in of_losses)
    alone = alone or any(re.match("decode|reconstruct", name, re.I) for name in own)
    bare = [name for name in own if _is_network_call(getattr(kind, name), alone) or roles_with_parts(kind, name)]
    constructor = roles_of(kind, training=True) or ()
    data = {"x", "t"} <= {role for role, _ in constructor}
    if losses_before(kind) or forwards_with_targets(kind) or has_loss_of_state(kind):
        bare += [name for name in own if GRADIENT[0].search(name) and roles_of_method(getattr(kind, name)) == ()]
    for pattern in GRADIENT:
        found += [
            name for name in own
            if pattern.search(name) and name not in found and (name in bare or (data and pattern is GRADIENT[0]))
        ]  # fmt: skip
    return found


def _is_network_call(method: Any, alone: bool) -> bool:
    """Whether a method takes targets or, with `alone`, inputs without them, as that of an autoencoder."""
    roles = [role for role, _ in roles_of_method(method) or ()]
    bare = alone and roles[:1] == ["x"] and set(roles) <= {"x", "rate", "epochs", "count", "false"}
    return "t" in roles or bare or roles_with_pairs(method) is not None


def roles_of_method(method: Any) -> Arguments | None:
    """The roles of the arguments of a method of a class, without self; None if it gets gradients, and takes a step."""
    if not hasattr(method, "__code__") or any(GIVEN_GRADIENTS.search(row.name) for row in required_of(method)):
        return None
    rows = list(inspect.signature(method).parameters.values())
    return roles_of(_Signature(rows[1:] if rows and rows[0].name in ("self", "cls") else rows), training=True)


GIVEN_GRADIENTS = re.compile(r"(^|_)(grads|gradients|delta)(_|$)", re.I)
PAIRS = re.compile(r"^(training_?data|train_?data|train_?set|training_?set|mini_?batch|batch|pairs|data_?set)$", re.I)


def roles_with_pairs(method: Any) -> Arguments | None:
    """The roles of a method that takes a list of pairs of input and target; None if it is not such a method."""
    roles = roles_of_method(method)
    rows = [name for name in inspect.signature(method).parameters if name not in ("self", "cls")] if roles else []
    places = [i for i, name in enumerate(rows) if PAIRS.match(name)]
    if roles is None or len(places) != 1 or "t" in [role for role, _ in roles]:
        return None
    found = [("pairs", key) if i == places[0] and role in ("x", "count") else (role, key)
             for i, (role, key) in enumerate(roles)]  # fmt: skip
    return tuple(found) if any(role == "pairs" for role, _ in found) else None


def roles_with_lists(method: Any) -> Arguments | None:
    """The roles of a method that takes lists of inputs and of targets, if those are its arguments."""
    lists = {"x": "list of x", "t": "list of t"}
    roles = roles_of_method(method) or ()
    return tuple((lists.get(role, role), key) for role, key in roles) if {"x", "t"} <= {*dict(roles)} else None


def roles_with_parts(kind: type, name: str) -> Arguments | None:
    """The roles of a method that takes what forward returns as several arguments, beside inputs and targets.

    They have the names that forward returns; those with other names are the rest, in order. None if it is not such a
    method.
    """
    names = [each for each in dir(kind) if FORWARD.match(each) and inspect.isfunction(getattr(kind, each))]
    forward = next((getattr(kind, each) for each in names if len(returned_names(getattr(kind, each))) > 1), None)
    method = getattr(kind, name)
    if forward is None or not inspect.isfunction(method):
        return None
    own = [row.name for row in arguments_of(forward, bound=True)]
    parts = [each if each not in own else "" for each in returned_names(forward)]
    rest = [i for i, each in enumerate(parts) if each not in [row.name for row in required_of(method, bound=True)]]
    roles: list[str] = []
    for row in required_of(method, bound=True):
        is_part = row.name in parts
        roles.append(part_of_forward(parts.index(row.name)) if is_part else role_of(row.name, roles))
    if "" in roles:
        if roles.count("") != len(rest):
            return None
        order = iter(rest)
        roles = [role or part_of_forward(next(order)) for role in roles]
    has_parts = any(role.startswith(PART) for role in roles)
    return tuple((role, "") for role in roles) if has_parts and "t" in roles else None


class _Signature:
    """A callable with the given arguments."""

    def __init__(self, rows: list[inspect.Parameter]) -> None:
        self.__signature__ = inspect.Signature(rows)

    def __call__(self) -> None:
        """Only the signature is used."""


def forward_calls(instance: Any, methods: list[str]) -> list[Call]:
    names = [name for name in dir(instance) if FORWARD.match(name) and callable(getattr(instance, name))]
    names.sort(key=lambda name: (not re.search(r"forward|fprop|propagate", name, re.I), name.startswith("_")))
    found = []
    for name in names:
        roles = roles_of(getattr(instance, name), training=False)
        known = roles is not None and {role for role, _ in roles} <= {"x", "x2", "true", "false", "state"}
        if roles is not None and known and hasattr(getattr(instance, name), "__code__"):
            found.append(Call(name, roles))
            flags = [row.name for row in arguments_of(getattr(instance, name))
                     if row.default is False and ROLES["true"].match(row.name)]  # fmt: skip
            found += [Call(name, (*roles, ("true", flag))) for flag in flags[:1]]  # may keep what backward reads
    return found


def takes_vector(instance: Any, method: str) -> bool:
    """Whether the source gives targets an axis, so that they are a vector: its loss must not broadcast them."""
    things = getattr(instance, "functions", [getattr(type(instance), method, None)])
    functions = (getattr(thing, "__func__", thing) for thing in things)
    return any(_adds_axis(function) for function in functions if isinstance(function, FunctionType))


@cache
def _adds_axis(function: FunctionType) -> bool:
    tree = parsed(function)
    names = [row.name for row in arguments_of(function) if ROLES["t"].match(row.name)] if tree is not None else []
    text = ast.unparse(tree) if tree is not None and names else ""
    named = "|".join(map(re.escape, names))
    return bool(names) and bool(
        re.search(rf"\b({named})(\.reshape\(\(?-1, 1\)|\[:, (None|np\.newaxis)\])", text)
    )


def loss_methods(instance: Any) -> list[str]:
    """The methods that may compute the loss, by their names; those of a part such as `cost.fn`, too."""
    names = _loss_names(instance)
    found = [name for name in names if callable(getattr(instance, name, None))]
    for name in names:
        part = getattr(instance, name, None)
        if part is not None and not hasattr(part, "__code__") and not inspect.ismethod(part):
            values = [value for value in VALUES if hasattr(getattr(part, value, None), "__code__")]
            inner = [f"{name}.{value}" for value in values if len(signature_of(getattr(part, value))) == 2]
            found = [*(other for other in found if other != name or not inner), *inner[:1]]
    return found
