"""Why no law checks a definition: base classes, data loaders, tools."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.violation import Location


def explain_nothing(scope: Scope) -> Iterator[Found]:
    """A Found without kind for each class, and each public function, that no adapter has taken."""
    for name, kind in list(scope.classes.items()):
        reason = "a base class: its methods only raise or pass" if is_base_class(kind) else "no law checks such a class"
        yield Found("", name, "", class_location(kind), kind, reason=reason)
    for name, function in list(scope.functions.items()):
        if not name.startswith("_"):
            yield Found("", name, "", Location.of(function), function, reason="no law checks such a function")


def class_location(kind: type) -> Location:
    """Where a class is defined."""
    try:
        path, line = inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):
        methods = [Location.of(value) for value in vars(kind).values() if inspect.isfunction(value)]
        return Location(kind.__name__, "", *next(((row.path, row.line) for row in methods), ("", 0)))
    return Location(kind.__name__, "", path, line)


def is_base_class(kind: type) -> bool:
    """Whether each method but the special ones only raises, passes or returns nothing; __call__ is not special."""
    methods = [value for name, value in vars(kind).items() if inspect.isfunction(value)
               and (name == "__call__" or not name.startswith("__"))]  # fmt: skip
    return bool(methods) and all(is_empty(method) for method in methods)


def is_empty(method: Any) -> bool:
    """Whether a function's body only raises NotImplementedError, passes or returns nothing."""
    if getattr(method, "__isabstractmethod__", False):
        return True
    try:
        tree = ast.parse(textwrap.dedent(source_text(method)))
    except (OSError, TypeError, SyntaxError):
        return False
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return False
    return all(_does_nothing(node) for node in function.body)


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass | ast.Raise):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value not in (1, 1.0))
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Call)
