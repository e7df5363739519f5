"""Find submissions with the same code.

    copies(submissions)         {"ann": ["bob"], "bob": ["ann"]}

Comments, docstrings, formatting and names that the file defines don't matter. Small files are not compared, nor those
that more than half of the class has, such as starter code.
"""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Sequence

from nnlaw.nn.grade.check import source_of
from nnlaw.nn.grade.submissions import Submission
from nnlaw.spec.syntax import parse

MIN_NODES = 100  # of a syntax tree: smaller files may be alike by chance
SHARE_OF_CLASS = 0.5
MIN_CLASS = 6  # a smaller class has no starter code


def copies(found: Sequence[Submission]) -> list[list[str]]:
    """For each submission the students who submitted a file of the same code, in their order."""
    holders: dict[str, list[int]] = defaultdict(list)
    for i, submission in enumerate(found):
        for print_ in {fingerprint(source_of(submission.folder / file)) for file in submission.files} - {""}:
            holders[print_].append(i)
    given = SHARE_OF_CLASS * len(found) if len(found) >= MIN_CLASS else len(found)
    same: list[set[int]] = [set() for _ in found]
    for group in (group for group in holders.values() if 1 < len(group) <= given):
        for i in group:
            same[i] |= set(group) - {i}
    return [[found[j].student for j in sorted(group)] for group in same]


def fingerprint(source: str) -> str:
    """The same for sources that differ only in comments, docstrings, formatting and names; empty if it is too small."""
    try:
        nodes = list(ast.walk(parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return hashlib.sha256("".join(source.split()).encode(errors="replace")).hexdigest() if source.strip() else ""
    if len(nodes) < MIN_NODES:
        return ""
    own, numbers = _own_names(nodes), dict[str, int]()
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            node.value.value = None
        parts.append(type(node).__name__)
        for name, value in ast.iter_fields(node):
            if isinstance(value, str) and value in own and not isinstance(node, ast.Constant):
                parts.append(f"{name}={numbers.setdefault(value, len(numbers))}")
            elif not isinstance(value, ast.AST | list):
                parts.append(f"{name}={value!r}")
            else:
                parts.append(f"{name}:{len(value) if isinstance(value, list) else 1}")
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()


def _own_names(nodes: Sequence[ast.AST]) -> set[str]:
    """The names that the source defines, and not those that it uses of others, such as NumPy's."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return found
