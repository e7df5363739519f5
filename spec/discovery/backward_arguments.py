"""Arguments to try for the backward of a layer, by their names and by what forward keeps."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator

from nnlaw.spec.discovery.adapted_layer import Given, Plan
from nnlaw.spec.discovery.calls import PENALTIES, Made
from nnlaw.spec.discovery.layer_methods import INCOMING, STORED_X, STORED_Y, UPSTREAM, is_rate, mode_value
from nnlaw.spec.discovery.match_gradients import CONTAINERS, in_gradient_container
from nnlaw.spec.discovery.scope import arguments_of, required_of
from nnlaw.spec.discovery.slots import Slot, array_slots, attributes_of
from nnlaw.spec.discovery.source_text import nodes_of, returned_names


def backward_arguments(made: Made, plan: Plan) -> Iterator[tuple[tuple[Given, ...], tuple[tuple[Slot, Given], ...]]]:
    """Arguments for backward to try, the most likely first, with attributes to set before it."""
    kind = type(made.instance)
    method = getattr(kind, plan.backward)
    rows = required_of(method, bound=True)
    flags = tuple(
        Given("value", value, row.name)
        for row in arguments_of(method, bound=True)
        if row not in rows
        for value in mode_value(row)
    )
    optional_rate = tuple(
        Given("rate", None, row.name)
        for row in arguments_of(method, bound=True)
        if row not in rows and (is_rate(row.name))
    )
    if not rows:
        optional = [
            row for row in arguments_of(method, bound=True)
            if row.default is None or (row.default == 1 and type(row.default) is not bool and INCOMING.match(row.name))
        ]  # fmt: skip
        if optional:
            yield (Given("dy", None, optional[0].name),), ()
        for slot in incoming_attributes(made, plan):
            yield (), ((slot, Given("dy")),)
        yield (), ()
        return
    is_stored = any(STORED_X.match(row.name) or re.match("fwd|forward|cache|ctx|saved", row.name) for row in rows)
    if 1 < len(rows) == 1 + len(plan.more) and not is_stored:  # a gradient for each output
        yield tuple(Given("dy", i) for i in range(len(rows))), ()
    choices = [choices_for(row.name, row, made, i, len(rows), plan.items) for i, row in enumerate(rows)]
    names = [row.name for row in required_of(getattr(kind, plan.forward), bound=True)]
    inputs = {name: given for name, given in zip(names, plan.forward_arguments, strict=False) if given.what == "x"}
    for i, row in enumerate(rows):
        is_item = Given("item", 0) in choices[i]  # x = x @ W; return x, cache
        if row.name in inputs and (is_item or len(inputs) > 1):
            choices[i] = [inputs[row.name], *choices[i]]
    output = returned_names(getattr(kind, plan.forward))
    for i, row in enumerate(rows):
        if [row.name] == output and row.name not in inputs and len(rows) > 1:
            choices[i] = [Given("y")]
    incoming = [i for i, row in enumerate(rows) if INCOMING.match(row.name)]
    others = [row for i, row in enumerate(rows) if i not in incoming]
    if len(incoming) == 1 and any(STORED_X.match(row.name) or STORED_Y.match(row.name) for row in others):
        choices[incoming[0]] = [Given("dy")]  # arrays of equal sizes would fit in any order
    tried = 0
    for given in itertools.product(*choices):
        if sum(one.what == "dy" for one in given) != 1:
            continue
        for extra in dict.fromkeys(((*flags, *optional_rate), optional_rate, flags)):
            yield (*given, *extra), ()
        tried += 1
        if tried >= 24:
            return


def choices_for(
    name: str, row: inspect.Parameter, made: Made, i: int, count: int, items: tuple[str, ...] = ()
) -> list[Given]:
    """What an argument of backward may be, by its name and position; `items` are the parts that forward returns."""
    if mode_value(row):
        return [Given("value", mode_value(row)[0])]
    low = name.lower()
    if "optim" in low or low == "opt":
        return [Given("optimizer"), Given("optimizer", True)]
    if is_rate(name) and i > 0:
        return [Given("rate")]
    if low in ("momentum", "mu", "decay", "weight_decay", "clip") or PENALTIES.search(low):
        return [Given("value", 0.0)]
    if low in ("batch_size", "m", "n", "size"):
        return [Given("count")]
    slots = [slot for slot, _ in array_slots(made.instance) if slot.key == name and not in_gradient_container(slot)]
    stored = [Given("slot", slot) for slot in slots[:1]]
    if stored:
        return stored
    if name in items and count > 1:
        return [Given("item", items.index(name))]
    if count > 2 and CONTAINERS.match(name) and low not in ("d", "g", "grad", "gradient", "delta"):
        return [Given("gradients"), Given("dy")]
    if UPSTREAM.match(name):
        return [Given("dy")]
    if INCOMING.match(name):
        return [Given("dy"), Given("x", 0), Given("y")] if count > 1 else [Given("dy")]
    if STORED_X.match(name) or low in ("z", "h"):
        return [Given("x", 0), Given("dy"), Given("y")] if count > 1 else [Given("dy")]
    if STORED_Y.match(name):
        return [Given("y"), Given("dy"), Given("x", 0)] if count > 1 else [Given("dy")]
    if low in ("cache", "caches", "memory", "ctx", "context", "saved"):
        return [Given("cache"), Given("returned")]
    parts = [Given("cache"), *(Given("item", j) for j in range(1, len(items)))] if items and count > 1 else []
    if re.search("cache|state|fwd|forward|saved|store", low):
        return [*parts, Given("dy"), Given("x", 0), Given("y"), Given("returned")]
    return [Given("dy"), Given("x", 0), Given("y"), Given("rate"), Given("optimizer"), Given("returned"), *parts]


def incoming_attributes(made: Made, plan: Plan) -> list[Slot]:
    """Attributes that backward reads and that neither the constructor fills nor forward sets: the incoming gradient."""
    kind = type(made.instance)
    read: list[str] = []
    kept = {name for node in nodes_of(getattr(kind, plan.forward)) for name in _kept_by(node)}
    for node in nodes_of(getattr(kind, plan.backward)):
        if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)) or node.attr in kept:
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr not in read:
            read.append(node.attr)
    own = attributes_of(made.instance)
    empty = [name for name in read if own.get(name) is None and not hasattr(kind, name)]
    named = [name for name in read if INCOMING.match(name) and not hasattr(kind, name)]
    gradient = [name for name in named if not callable(own.get(name))]
    return [Slot(((".", name),)) for name in dict.fromkeys([*(n for n in empty if n in gradient), *gradient, *empty])]


def _kept_by(node: ast.AST) -> list[str]:
    """The name of the attribute of self that a node of a syntax tree sets."""
    is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    return [node.attr] if isinstance(node, ast.Attribute) and is_set and ast.unparse(node.value) == "self" else []
