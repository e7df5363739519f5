"""Functions that train for a number of epochs that is written in their code, with one epoch in its place.

    twin = one_epoch(Network.train)      None if there is no `epochs = 1000` or `for i in range(1000)` in it
    to_one_epoch(tree)                   the same for a syntax tree, changed in place
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from types import FunctionType
from typing import TypeGuard

from nnlaw.spec.subjects.compiled import code_like, node_of
from nnlaw.spec.syntax import parse

EPOCHS = re.compile(
    r"^(n|nb|no|num|number|max|total|training)?_?(of_?)?(training_?|train_?)?"
    r"(epochs?|iter\w*|steps|rounds|maxiter|t_?max|times)(_?(count|number|num))?$",
    re.I,
)
FEWEST = 10  # a shorter loop may be one over layers or digits


def one_epoch(function: FunctionType) -> FunctionType | None:
    """The function with one epoch; None if its code has no number of them."""
    code = function.__code__
    try:
        tree = parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return None
    node = node_of(tree, code)
    if node is None or not to_one_epoch(node):
        return None
    changed = code_like(code, compile(tree, code.co_filename, "exec", dont_inherit=True))
    if changed is None:
        return None
    twin = FunctionType(
        changed, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__, twin.__qualname__ = function.__kwdefaults__, function.__qualname__
    twin.__dict__.update(function.__dict__, one_epoch=True)
    return twin


def to_one_epoch(function: ast.FunctionDef) -> bool:
    """Set the numbers of epochs in a function to 1; False if there are none."""
    found = [*_assigned(function), *_loops(function)]
    for constant in found:
        constant.value = 1
    return bool(found)


def _assigned(function: ast.FunctionDef) -> Iterator[ast.Constant]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        name = node.targets[0]
        if isinstance(name, ast.Name) and EPOCHS.match(name.id) and _is_large(node.value):
            yield node.value


def _loops(function: ast.FunctionDef) -> Iterator[ast.Constant]:
    """The numbers of the outer loops whose counter is not an index."""
    for loop in function.body:
        if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
            continue
        call, name = loop.iter, loop.target.id
        indices = [each.slice for each in ast.walk(loop) if isinstance(each, ast.Subscript)]
        is_index = any(isinstance(each, ast.Name) and each.id == name for part in indices for each in ast.walk(part))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("range", "xrange"):
            number = call.args[0] if len(call.args) == 1 else None
            if not is_index and _is_large(number):
                yield number


def _is_large(node: ast.expr | None) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value >= FEWEST
