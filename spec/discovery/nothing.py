"""Why no law checks a definition: base classes, data loaders, tools; gradients that no way to call was found for."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from nnlaw.spec.discovery.adapted_optimizer import RATE
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.scope import Scope, arguments_of
from nnlaw.spec.discovery.source_text import definition_of, nodes_of, source_and_line, source_text
from nnlaw.spec.reference.activations import ACTIVATIONS
from nnlaw.spec.reference.names import standard_name
from nnlaw.spec.reference.optimizers import OPTIMIZERS
from nnlaw.spec.violation import Location

BACKWARD_WORD = re.compile(r"backward|backprop|back_?prop|bprop|bwd|_bp\b|^back_", re.I)
GRADIENT_WORDS = {"grad", "grads", "gradient", "gradients", "derivative", "derivatives", "deriv", "prime"}
TOOL_WORDS = {
    "numerical", "numeric", "num", "approx", "approximate", "finite", "descent", "check", "checks", "checking", "test",
    "tests",
}  # fmt: skip
TOOL_VERBS = {
    "clip", "zero", "reset", "update", "apply", "plot", "print", "show", "compare", "get", "select", "choose", "find",
    "load", "make", "build", "set",
}  # fmt: skip
COMBINED = {"average", "mean", "norm", "normalize"}
"""Words next to the gradients they combine, as in average_gradients; not in average_pool_backward."""
UNKNOWN_GRADIENT = (
    "its name is that of a gradient, but no way to call it was found; "
    "call check_backward(forward, backward, *inputs) with arrays that it takes"
)
UNKNOWN_STEP = "its name is that of an optimizer, but no way to call its step was found"
RETURNED_GRADIENT = (
    "it returns a loss and a gradient, but no way to call it was found; "
    "call check_backward(forward, backward, *inputs) with arrays that it takes"
)
LOSS_WORD = re.compile(r"loss|cost|entropy", re.I)
GRADIENT_NAME = re.compile(
    r"d_?[a-zA-Z]{1,2}\d?|d_?(scores|logits|pred\w*|out\w*|inputs?)|\w*grads?|grads?_\w+|gradients?"
)


def explain_nothing(scope: Scope, found: Iterable[Found]) -> Iterator[Found]:
    """What no adapter has taken: each class and each public function, without a kind.

    One that is named as a gradient, and that nothing among the units `found` uses, is a unit that can't
    be checked: else a file would pass although its gradients were never compared.
    """
    used = _names_used(scope, found)
    for name, kind in list(scope.classes.items()):
        location = class_location(kind)
        if is_base_class(kind):
            yield Found("", name, "", location, kind, reason="a base class: its methods only raise or pass")
        elif _is_scalar_engine(scope, kind):
            yield Found("", name, "", location, kind, reason="scalar autograd: its numbers are objects, not arrays")
        elif standard_name(None, name, OPTIMIZERS) and any(RATE.match(row.name) for row in arguments_of(kind)):
            yield Found("optimizer", name, "class", location, kind, reason=UNKNOWN_STEP)
        elif name not in used and _has_backward(kind):
            yield Found("layer", name, "class", location, kind, reason=UNKNOWN_GRADIENT)
        else:
            yield Found("", name, "", location, kind, reason="no law checks such a class")
    for name, function in list(scope.functions.items()):
        owner, _, short = name.rpartition(".")
        location = Location.of(function)
        is_own = short not in used and owner not in scope.classes
        if is_own and names_gradient(short) and not is_empty(function) and not _runs_a_graph(short, function):
            yield Found("layer", name, "function", location, function, reason=UNKNOWN_GRADIENT)
        elif is_own and LOSS_WORD.search(short) and _returns_gradient(function):
            yield Found("loss", name, "function", location, function, reason=RETURNED_GRADIENT)
        elif not name.startswith("_"):
            yield Found("", name, "", location, function, reason="no law checks such a function")


def names_gradient(name: str) -> bool:
    """Whether a name is that of a function that computes gradients, not of a tool for them."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    if TOOL_WORDS & set(words) or words[0] in TOOL_VERBS:
        return False
    if words[0][:1] == "d" and standard_name(None, "".join(words)[1:], ACTIVATIONS):
        return True
    pairs = [set(pair) for pair in itertools.pairwise(words)]
    if any(pair & COMBINED and pair & GRADIENT_WORDS for pair in pairs):
        return False
    return bool(
        BACKWARD_WORD.search(name) or words[-1] in GRADIENT_WORDS or (words[0] in GRADIENT_WORDS and "of" in words[1:2])
    )


def _runs_a_graph(name: str, function: Any) -> bool:
    """Whether a function such as forward_and_backward(graph) only calls the nodes of its argument."""
    nodes = nodes_of(function) if re.match(r"forward_?(and_?)?backward", name, re.I) else []
    return bool(nodes) and not any(isinstance(node, ast.Return | ast.BinOp | ast.AugAssign) for node in nodes)


def _returns_gradient(function: Any) -> bool:
    """Whether a function returns a tuple, with a variable that is named as a gradient after the first item."""
    returned = [node.value for node in nodes_of(function) if isinstance(node, ast.Return)]
    items = [item for value in returned if isinstance(value, ast.Tuple) for item in value.elts[1:]]
    names = [node.id for item in items for node in ast.walk(item) if isinstance(node, ast.Name)]
    return any(GRADIENT_NAME.fullmatch(name) for name in names)


def _has_backward(kind: type) -> bool:
    """Whether a class has a backward that does something, and no forward that does nothing, as an input node has."""
    values = {name: getattr(value, "__func__", value) for name, value in vars(kind).items()}  # of static methods
    empty = {name: is_empty(value) for name, value in values.items() if inspect.isfunction(value)}
    source = any(is_nothing or _only_stores(values[name]) for name, is_nothing in empty.items()
                 if name.startswith("forward"))  # fmt: skip
    named = [name for name, is_nothing in empty.items() if not is_nothing and BACKWARD_WORD.search(name)]
    return not source and any(not name.startswith("test") for name in named)


def _only_stores(function: Any) -> bool:
    """Whether a function computes nothing, as the forward(value) of an input node."""
    nodes = nodes_of(function)
    return bool(nodes) and not any(isinstance(node, ast.BinOp | ast.Call | ast.Return) for node in nodes)


def _is_scalar_engine(scope: Scope, kind: type) -> bool:
    """Whether a class is a number that records its gradient, in a file without arrays."""
    is_number = len({"__add__", "__mul__", "__pow__", "__neg__"} & set(vars(kind))) > 1
    return is_number and np not in scope.namespace.values()


def _names_used(scope: Scope, found: Iterable[Found]) -> set[str]:
    """The names in the sources of units, and of the definitions of the scope that these use."""
    used: set[str] = set()
    rest = [name for unit in found if unit.kind and unit.readings for name in (unit.name, *unit.names)]
    while rest:
        name = rest.pop()
        if name in used:
            continue
        used.add(name)
        thing = scope.everything.get(name.partition(".")[0])
        own = [id(value) for value in vars(thing).values()] if isinstance(thing, type) else []
        rest += [other for other, function in scope.functions.items() if id(function) in own]  # assigned to the class
        rest += {node.id for node in nodes_of(thing) if isinstance(node, ast.Name)}
    return used


def class_location(kind: type) -> Location:
    """Where a class is defined."""
    text, line = source_and_line(kind)
    if text:
        return Location(kind.__name__, "", inspect.getsourcefile(kind) or "", line)
    methods = [Location.of(value) for value in vars(kind).values() if inspect.isfunction(value)]
    return Location(kind.__name__, "", *next(((row.path, row.line) for row in methods), ("", 0)))


def is_base_class(kind: type) -> bool:
    """Whether each method but the special ones only raises, passes or returns nothing; __call__ is not special.

    So is one whose other methods call a method that only raises NotImplementedError.
    """
    methods = [value for name, value in vars(kind).items() if inspect.isfunction(value)
               and (name == "__call__" or not name.startswith("__"))]  # fmt: skip
    return bool(methods and all(is_empty(method) for method in methods)) or _is_template(kind)


def _is_template(kind: type) -> bool:
    methods = {name: value for name in dir(kind) if inspect.isfunction(value := getattr(kind, name, None))}
    called = {name for method in methods.values() for name in re.findall(r"\bself\.(\w+)\(", source_text(method))}
    return any(_is_not_implemented(methods[name]) for name in called & methods.keys())


def _is_not_implemented(method: Any) -> bool:
    """Whether a method raises NotImplementedError at once."""
    body = getattr(definition_of(method), "body", [])
    raised = [node.exc for node in body if isinstance(node, ast.Raise) and node.exc]
    return is_empty(method) and any("NotImplementedError" in ast.unparse(each) for each in raised)  # for subclasses


@cache
def is_empty(method: Any) -> bool:
    """Whether a function's body only raises NotImplementedError, passes or returns nothing."""
    if getattr(method, "__isabstractmethod__", False):
        return True
    function = definition_of(method)
    return isinstance(function, ast.FunctionDef) and all(map(_does_nothing, function.body))


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass | ast.Raise):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value not in (1, 1.0))
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Call)
