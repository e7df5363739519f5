"""Units that can't be called because shapes in their gradient do not fit: a transpose or an axis of a sum is wrong.

    found = with_failing_shapes(found, scope, find_in_scope, passes)

Such code raises an exception however it is called, so no way is found. Here one operand of a product at a time
is transposed, or one sum taken over the other axis. If the unit is then found and passes all laws, that is how it is
meant to be called. The unit is checked as it is, with these calls: it fails where it raises.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import linecache
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from nnlaw.spec.discovery.adapted_layer import AdaptedLayer
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_cases import raising_cases
from nnlaw.spec.discovery.layer_methods import FORWARD, FORWARD_WORD
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.subjects.compiled import code_like, node_of
from nnlaw.spec.syntax import parse

SECONDS = 6.0  # of CPU time, for all units of a file
PRODUCTS = {"dot", "matmul"}
Change = tuple[ast.expr, ast.expr, Callable[[Any], None]]  # the expression, another one, and what puts one in its place


def with_failing_shapes(
    found: Sequence[Found], scope: Scope, find: Callable[[Scope], list[Found]], passes: Callable[[Found], bool]
) -> list[Found]:
    """The units that `find` found in a scope, with readings for those that pass with one other transpose or axis."""
    end = time.process_time() + SECONDS
    understood = [unit for unit in found if _is_understood(unit, passes)]
    checked = {name for unit in understood for name in (unit.name, *unit.names)}
    rest = replace(
        scope,
        classes={name: kind for name, kind in scope.classes.items() if name not in checked},
        functions={name: function for name, function in scope.functions.items() if name not in checked},
    )
    result: list[Found] = []
    for unit in found:
        repaired = None
        if unit.kind in ("layer", "model") and unit.thing is not None and unit not in understood:
            repaired = next(_repaired(unit, rest, find, passes, end), None)
        result.append(repaired or unit)
    names = {name for unit in result if unit.readings for name in (unit.name, *unit.names)}
    return [unit for unit in result if unit.kind or unit.name not in names]


def _is_understood(unit: Found, passes: Callable[[Found], bool]) -> bool:
    """Whether a way to call it was found, in which it does not raise for every gradient.

    One sample per call, or a missing gradient, may be what broadcasting made of a product that fails: such a way counts
    if the unit passes.
    """
    first = unit.readings[0] if unit.readings else None
    if first is None or (isinstance(first.cases, partial) and first.cases.func is raising_cases):
        return False
    arguments = first.cases.args if isinstance(first.cases, partial) else ()
    plans = [each.plan for each in arguments if isinstance(each, AdaptedLayer)]
    return not (first.missing or any(plan.layout.single for plan in plans)) or passes(unit)


def _repaired(
    unit: Found, scope: Scope, find: Callable[[Scope], list[Found]], passes: Callable[[Found], bool], end: float
) -> Iterator[Found]:
    """The unit as it is found with each change that makes it right."""
    own = [scope.everything.get(name) for name in unit.names or (unit.name,)]
    things = [*vars(unit.thing).values()] if isinstance(unit.thing, type) else own
    for function, code in _changes([getattr(thing, "__func__", thing) for thing in things]):
        candidates: list[Found] = []
        if time.process_time() > end:
            return
        with _code_of(function, code), np.errstate(all="ignore"), contextlib.suppress(Exception):
            copied = replace(scope, classes=dict(scope.classes), functions=dict(scope.functions))
            for other in find(copied):
                if other.readings and unit.name in (other.name, *other.names) and passes(other):
                    candidates.append(other)
        yield from (other for other in candidates if not passes(other))  # closures may keep the changed code


def _changes(functions: list[Any]) -> Iterator[tuple[FunctionType, CodeType]]:
    """Those of the functions that may compute gradients, each with the code after one change."""
    for function, changes in itertools.product(functions, (_transposes, _axes)):
        if not isinstance(function, FunctionType) or function.__name__ in ("__init__", *FORWARD):
            continue
        if FORWARD_WORD.search(function.__name__):
            continue
        code = function.__code__
        try:
            tree = parse("".join(linecache.getlines(code.co_filename)))
        except SyntaxError:
            continue
        definition = node_of(tree, code)
        for node in list(ast.walk(definition)) if definition is not None else []:
            for old, new, put in list(changes(node)):
                put(new)
                with contextlib.suppress(SyntaxError):
                    changed = compile(ast.fix_missing_locations(tree), code.co_filename, "exec", dont_inherit=True)
                    found = code_like(code, changed)
                    if found is not None:
                        yield function, found
                put(old)


def _transposes(node: ast.AST) -> Iterator[Change]:
    """The operands of a matrix product, transposed."""
    operands: list[tuple[ast.expr, Callable[[Any], None]]] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        operands = [(node.left, partial(setattr, node, "left")), (node.right, partial(setattr, node, "right"))]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRODUCTS:
        operands = [(each, partial(node.args.__setitem__, i)) for i, each in enumerate(node.args[:2])]
        if len(node.args) == 1:  # a.dot(b)
            operands.append((node.func.value, partial(setattr, node.func, "value")))
    for operand, put in operands:
        if isinstance(operand, ast.Attribute) and operand.attr == "T":
            yield operand, operand.value, put
        else:
            yield operand, ast.Attribute(operand, "T", ast.Load()), put


def _axes(node: ast.AST) -> Iterator[Change]:
    """The axis 0 of a sum or mean as 1, and 1 as 0."""
    axis = node.value if isinstance(node, ast.keyword) and node.arg == "axis" else None
    if isinstance(axis, ast.Constant) and axis.value in (0, 1):
        yield axis, ast.Constant(0 if axis.value else 1), partial(setattr, node, "value")


@contextmanager
def _code_of(function: FunctionType, code: CodeType) -> Iterator[None]:
    """The function with another code in this block."""
    own = function.__code__
    function.__code__ = code
    try:
        yield
    finally:
        function.__code__ = own
