"""Declared exceptions: what a unit fails on purpose, or what can't be checked, each with the reason.

    expected = {"gradient": "a straight-through estimator"}                       in a class
    return dy  # nnlaw: ignore[gradient] a straight-through estimator             a comment
    ignores = [{ law = "gradient", path = "old/*.py", reason = "..." }]           [tool.nnlaw] in pyproject.toml

A law with a declared exception is checked all the same. If it fails or is inconclusive, its unit may still pass, and
the exception is shown. The code `unchecked` means all that could not be checked.
"""

from __future__ import annotations

import ast
import difflib
import io
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeGuard

from nnlaw.spec.law import CATALOG
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput, Location, relative_to_cwd

UNCHECKED = "unchecked"
EXPECTED = "expected"  # the source of an exception that a class declares, or that is passed to conformance()
COMMENT = re.compile(r"#\s*nnlaw:\s*ignore\b(?P<codes>\[[^\]]*\])?(?P<reason>[^#]*)")
LAW = re.compile(r"^\s*@([\w.]+\.)?law\s*\(", re.MULTILINE)
MAX_FILE_SIZE = 2**20  # bytes; comments of a larger file are not read
MAX_IGNORES = 200  # in the comments of a file
Scope = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class DeclaredException:
    """A law that may fail or be inconclusive, or `unchecked`, with the reason and the place of its declaration.

    It covers the lines `first` to `last` of the files that match `path`, a pattern of absolute paths; all lines if
    `last` is 0.
    """

    law: str
    reason: str
    source: str = EXPECTED
    path: str = field(default="*", compare=False)
    first: int = field(default=0, compare=False)
    last: int = field(default=0, compare=False)

    def covers(self, places: Iterable[Location]) -> bool:
        """Whether one of the places is in its files and lines."""
        return any(
            self.is_in(place.path) and (not self.last or self.first <= place.line <= self.last) for place in places
        )

    def is_in(self, path: str) -> bool:
        """Whether a file matches its pattern, or lies in a folder that does."""
        whole = Path(os.path.abspath(path)).as_posix() if path else ""
        return fnmatchcase(whole, self.path) or fnmatchcase(whole, f"{self.path.rstrip('/')}/*")

    def to_dict(self) -> dict[str, str]:
        """As JSON shows it."""
        return {name: asdict(self)[name] for name in ("law", "reason", "source")}


def is_reason(text: object) -> TypeGuard[str]:
    """Whether it is a text with a letter or digit, not only spaces and invisible characters."""
    return isinstance(text, str) and any(map(str.isalnum, text))


def checked_exception(law: object, reason: object, source: str, path: str = "*") -> DeclaredException:
    """An exception to ignore a law. Raises BadInput if there is no such law, or no reason."""
    known = {UNCHECKED, *(code for _, code in CATALOG)}
    if not isinstance(law, str) or law not in known:
        near = difflib.get_close_matches(str(law), sorted(known), n=1)
        hint = f"did you mean {near[0]}?" if near else "nn laws lists all laws"
        raise BadInput(f"{source}: can't ignore {law!r}: there is no such law; {hint}")
    if not is_reason(reason):
        raise BadInput(f"{source}: can't ignore {law} without a reason; write why behind it")
    return DeclaredException(law, " ".join(reason.split()), source, path)


def ignore_comments(path: str) -> list[DeclaredException]:
    """The exceptions that comments of a Python file declare.

    A comment covers the innermost function or class around it; outside of both, the file. Raises BadInput for one
    without a law or without a reason.
    """
    found: list[DeclaredException] = []
    text = _source(path)
    if "nnlaw:" not in text:
        return found
    tree, place = _parsed(text), relative_to_cwd(path)
    scopes = _scopes(tree) if tree else []
    for line, comment in _comments(text) if tree else ():
        match = COMMENT.search(comment)
        if match is None:
            continue
        source = f"{place}:{line}"
        codes = [code.strip() for code in (match["codes"] or "").strip("[]").split(",") if code.strip()]
        if not codes:
            raise BadInput(f"{source}: name the laws to ignore: # nnlaw: ignore[gradient] the reason")
        if len(found) + len(codes) > MAX_IGNORES:
            raise BadInput(f"{place}: more than {MAX_IGNORES:,} ignores; use one in pyproject.toml")
        around = [(first, last) for first, last in scopes if first <= line <= last]
        first, last = max(around, key=lambda scope: (scope[0], -scope[1]), default=(0, 0))
        for code in codes:
            row = checked_exception(code, match["reason"].strip(" \t:-"), source)
            found.append(DeclaredException(row.law, row.reason, source, _literal(path), first, last))
    return found


def laws_defined_in(path: str) -> list[str]:
    """The codes of the laws that a Python file defines with @law."""
    text = _source(path)
    tree = _parsed(text) if LAW.search(text) else None
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] if tree else []
    calls = [call for node in functions for call in node.decorator_list if isinstance(call, ast.Call) and call.args]
    return [
        str(call.args[0].value)
        for call in calls
        if ast.unparse(call.func).rpartition(".")[2] == "law" and isinstance(call.args[0], ast.Constant)
    ]


def _literal(path: str) -> str:
    """A pattern that only this path matches."""
    return re.sub(r"([*?[])", r"[\1]", Path(os.path.abspath(path)).as_posix())


def _source(path: str) -> str:
    """The text of a Python file; empty if it can't be read."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > MAX_FILE_SIZE:
            return ""
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, ValueError):
        return ""


def _parsed(text: str) -> ast.Module | None:
    try:
        return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # importing the file reports it
        return None


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _scopes(tree: ast.AST) -> list[tuple[int, int]]:
    """First and last line of each function and class, with its decorators."""
    return [
        (min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, Scope)
    ]
