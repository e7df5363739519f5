"""The compiled functions of a file, found by the place of their definition.

    node_of(tree, code)          the definition in the syntax tree of the file
    code_like(code, changed)     the code of this function in that of the changed file
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """The code of a module or a function, and of all functions and classes in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def node_of(tree: ast.Module, code: CodeType) -> ast.FunctionDef | None:
    """The definition of the function with this code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


def code_like(code: CodeType, changed: CodeType) -> CodeType | None:
    """The code in that of a changed file with the place and the name of this one."""
    same = code.co_qualname, code.co_firstlineno
    found = (each for each in codes_in(changed) if (each.co_qualname, each.co_firstlineno) == same)
    return next(found, None)
