"""The source of a function or a class, read once: discovery looks at it in every attempt to call the code.

    source_text(Dense)      "" where there is no source, as of classes written in C
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from nnlaw.spec.syntax import parse

_known: dict[int, tuple[Any, str, int]] = {}
"""By identity: a metaclass may have a __hash__ that raises. The thing is kept, so that no other gets its id."""

_trees: dict[int, tuple[Any, tuple[ast.Module | None, list[ast.AST]]]] = {}


def source_text(thing: Any) -> str:
    """The source of a function, a method, a class or a module; "" if there is none."""
    return source_and_line(thing)[0]


def source_and_line(thing: Any) -> tuple[str, int]:
    """The source, and its first line in the file; "" and 0 if there is none."""
    thing = getattr(thing, "__func__", thing)
    if id(thing) not in _known:
        try:
            lines, line = inspect.getsourcelines(thing)
        except (OSError, TypeError):
            lines, line = [], 0
        _known[id(thing)] = thing, "".join(lines), line
    return _known[id(thing)][1:]


def parsed(thing: Any) -> ast.Module | None:
    """The syntax tree of a function, a class or a module, which nothing changes; None if there is no source."""
    return _syntax(thing)[0]


def nodes_of(thing: Any) -> list[ast.AST]:
    """All nodes of the syntax tree; empty if there is no source."""
    return _syntax(thing)[1]


def definition_of(thing: Any) -> ast.stmt | None:
    """The statement that defines a function or a class; None if there is no source."""
    tree = parsed(thing)
    return tree.body[0] if tree is not None and tree.body else None


def _syntax(thing: Any) -> tuple[ast.Module | None, list[ast.AST]]:
    thing = getattr(thing, "__func__", thing)
    if id(thing) not in _trees:
        tree = None
        with contextlib.suppress(SyntaxError):
            tree = parse(text) if (text := textwrap.dedent(source_text(thing))) else None
        _trees[id(thing)] = thing, (tree, list(ast.walk(tree)) if tree is not None else [])
    return _trees[id(thing)][1]


def returned_names(function: Callable[..., Any]) -> list[str]:
    """The names in the last return statement: ["Z1", "A1"] of `return Z1, A1`."""
    returns = [node.value for node in nodes_of(function) if isinstance(node, ast.Return)]
    last = returns[-1] if returns else None
    nodes = last.elts if isinstance(last, ast.Tuple | ast.List) else [last]
    return [node.id if isinstance(node, ast.Name) else "" for node in nodes]
