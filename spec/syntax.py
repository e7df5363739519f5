"""Parse Python source, in one thread at a time.

In Python 3.11, two threads that parse at once can raise SystemError, "AST constructor recursion depth mismatch"
(python/cpython#106905).
"""

from __future__ import annotations

import ast
from threading import Lock

_ONE_AT_A_TIME = Lock()


def parse(text: str | bytes, filename: str = "<unknown>") -> ast.Module:
    """The syntax tree of a file or of statements. Raises SyntaxError."""
    with _ONE_AT_A_TIME:
        return ast.parse(text, filename)


def parse_expression(text: str) -> ast.expr:
    """The syntax tree of an expression. Raises SyntaxError."""
    with _ONE_AT_A_TIME:
        return ast.parse(text, mode="eval").body
