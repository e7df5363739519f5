"""What backward may need and forward does not store: the edits of forward that store it.

    for store in stores_of(forward, inputs=1, result=True):     # forward is a SourceFunction
        store.name, store.edit                                  # "x", the insertion of `self.x = x`

The attribute has the author's name of the array, unless the class uses that name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from nnlaw.spec.fixes.source_edits import function_at
from nnlaw.spec.subjects.subject import SourceFunction
from nnlaw.spec.syntax import parse, parse_expression
from nnlaw.spec.violation import Edit

INPUT_NAMES, RESULT_NAMES = ("input", "x_in"), ("y", "out", "output")
"""For an array without a name, or if its name is taken."""


@dataclass(frozen=True)
class Store:
    """An array that forward can store as an attribute, and the edit with which it does.

    `array` is its name in forward; `overwritten` is an attribute in which forward stores the array first and something
    else later.
    """

    name: str
    array: str
    edit: Edit
    overwritten: str = ""

    @property
    def expression(self) -> ast.expr:
        """`self.x`."""
        return parse_expression(f"self.{self.name}")


def stores_of(forward: SourceFunction, *, inputs: int, result: bool) -> Iterator[Store]:
    """A store for each of the first `inputs` arguments and, with `result`, for what forward returns.

    Arrays that forward already stores are left out.
    """
    tree = function_at(forward.text, forward.name, forward.line)
    if tree is None or tree.body[0].lineno == tree.lineno:  # all on one line
        return
    used = _attributes(forward.text, tree)
    body = tree.body[1:] if ast.get_docstring(tree, clean=False) is not None else tree.body
    for arg in [each.arg for each in tree.args.args[1 : 1 + inputs]] if body else []:
        name, kept = _free(used, arg, *INPUT_NAMES), _kept(tree, ast.Name(arg, ast.Load()))
        if name and not any(kept.values()):
            used.add(name)
            overwritten = next(iter(kept), "")
            yield Store(name, arg, _edit(forward, body[0], f"self.{name} = {arg}", keep=True), overwritten)
    returns = [node for node in ast.walk(tree) if isinstance(node, ast.Return)]
    if not result or len(returns) != 1 or (value := returns[0].value) is None:
        return
    if isinstance(value, ast.Attribute) or any(_kept(tree, value).values()):
        return
    own = [value.id] if isinstance(value, ast.Name) else []
    if name := _free(used, *own, *RESULT_NAMES):
        if own:
            yield Store(name, own[0], _edit(forward, returns[0], f"self.{name} = {own[0]}", keep=True))
        else:
            lines = f"self.{name} = {ast.get_source_segment(forward.text, value)}", f"return self.{name}"
            yield Store(name, "", _edit(forward, returns[0], *lines, keep=False))


def _free(used: set[str], *names: str) -> str:
    return next((name for name in names if name not in used), "")


def _kept(tree: ast.FunctionDef, array: ast.expr) -> dict[str, bool]:
    """The attributes to which the array is assigned, and whether nothing else is."""
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    names = [node.attr for node in stored]
    pairs = [pair for node in ast.walk(tree) if isinstance(node, ast.Assign) for pair in _pairs(node)]
    return {
        target.attr: names.count(target.attr) == 1
        for target, value in pairs
        if isinstance(target, ast.Attribute)
        and isinstance(value, ast.Name)
        and isinstance(array, ast.Name)
        and value.id == array.id
    }


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target with its value: in a, b = x, y and in a = b = x."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=False)
        else:
            yield target, node.value
            yield from ((target, other) for other in node.targets if other is not target)


def _attributes(text: str, method: ast.FunctionDef) -> set[str]:
    """The names of attributes in the class of the method, and of its methods."""
    for owner in ast.walk(parse(text)):
        if isinstance(owner, ast.ClassDef) and owner.lineno <= method.lineno <= (owner.end_lineno or 0):
            nodes = list(ast.walk(owner))
            names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            return names | {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return set()


def _edit(forward: SourceFunction, statement: ast.stmt, *lines: str, keep: bool) -> Edit:
    """These lines in place of a statement or, with `keep`, before it."""
    before = "" if keep else ast.get_source_segment(forward.text, statement) or ""
    line = forward.text.split("\n")[statement.lineno - 1]
    indent = line[: len(line) - len(line.lstrip())]
    column = len(line.encode()[: statement.col_offset].decode()) + 1
    end = (statement.lineno, column)
    if not keep:
        rows = before.split("\n")
        end = (statement.lineno + len(rows) - 1, len(rows[-1]) + (column if len(rows) == 1 else 1))
    after = f"\n{indent}".join([*lines, ""] if keep else lines)
    return Edit(forward.path, statement.lineno, column, *end, before, after)
