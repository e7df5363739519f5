"""How a constructor uses an argument: the texts that it compares it with, the keys that it reads, the attributes.

    uses = uses_of(Layer.__init__, "activation")
    uses.texts, uses.keys, uses.attributes       ["tanh", "relu"], {"stride": ()}, ["forward", "derivative"]

Functions that get the argument are followed, as are the other methods for an attribute that keeps it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.discovery.scope import parameters_of_call
from nnlaw.spec.discovery.source_text import parsed

MAX_DEPTH = 3  # of calls that hand the argument on
SAME_TEXT = ("lower", "upper", "strip", "casefold")


@dataclass
class Uses:
    """What the code does with one argument."""

    texts: list[str] = field(default_factory=list)
    """Texts that it is compared with, and keys of the dict that it is a key of."""
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys that are read from it, each with the names that the value is unpacked into, if it is."""
    attributes: list[str] = field(default_factory=list)
    length: int = 0
    """One more than the largest whole number that it is indexed with."""
    iterated: bool = False
    """Whether it is a list whose elements have these keys and attributes."""
    sliced: bool = False
    """Whether parts of it are taken, as of the sizes of layers in zip(sizes[:-1], sizes[1:])."""


_known: dict[tuple[int, str, int], tuple[Any, Uses]] = {}
"""By identity, as in source_text."""


def uses_of(function: Any, name: str, depth: int = MAX_DEPTH) -> Uses:
    """The uses of an argument of a function, or of a class's constructor."""
    key = id(function), name, depth
    if key not in _known:
        _known[key] = function, _read(function, name, depth)
    return _known[key][1]


def _read(function: Any, name: str, depth: int) -> Uses:
    uses = Uses()
    owner = function if inspect.isclass(function) else None
    start = getattr(function, "__init__", None) if owner else function
    if start is None or not hasattr(start, "__code__") or depth == 0:
        return uses
    kept: set[str] = set()
    for method in (start, *_methods(owner)):
        tree = parsed(method)
        if tree is not None:
            local = {name} if method is start or method.__name__ == "__init__" else set()
            kept |= set(_kept(tree, local))
            _Reader(method, owner, local, kept, uses, depth).visit(tree)
    return uses


def _methods(owner: type | None) -> Iterator[Any]:
    for kind in owner.__mro__[:-1] if owner else ():
        yield from (value for value in vars(kind).values() if inspect.isfunction(value))


def _kept(tree: ast.Module, local: set[str]) -> Iterator[str]:
    """The attributes that keep the argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(_bare(node.value), ast.Name) and _bare(node.value).id in local:
            yield from (row.attr for row in node.targets if isinstance(row, ast.Attribute))


def _bare(node: Any) -> Any:
    """The expression without `.lower()` and alike, and of `a if c else b` the part that is a name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_TEXT:
        return _bare(node.func.value)
    if isinstance(node, ast.IfExp):
        return _bare(node.body if not isinstance(node.body, ast.Constant) else node.orelse)
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant | ast.Slice):
        return _bare(node.value)  # an element of a list, which is used as the list's elements are
    return node


class _Reader(ast.NodeVisitor):
    """Collects the uses in one function."""

    def __init__(
        self, function: Any, owner: type | None, local: set[str], kept: set[str], uses: Uses, depth: int
    ) -> None:
        self.owner, self.local, self.kept, self.uses, self.depth = owner, local, kept, uses, depth
        self.names: dict[str, Any] = dict(getattr(function, "__globals__", {}))
        self.dicts: dict[str, ast.Dict] = {}

    def is_it(self, node: Any) -> bool:
        """Whether an expression is the argument, or the attribute that keeps it."""
        node = _bare(node)
        if isinstance(node, ast.Name):
            return node.id in self.local
        return isinstance(node, ast.Attribute) and _is_self(node.value) and node.attr in self.kept

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Dict):
            self.dicts |= {row.id: node.value for row in node.targets if isinstance(row, ast.Name)}
        key = self._key(node.value)
        if key is not None and isinstance(node.targets[0], ast.Tuple):
            self.uses.keys[key] = tuple(getattr(part, "id", getattr(part, "attr", "")) for part in node.targets[0].elts)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._iterate(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        for row in node.generators:
            self._iterate(row.target, row.iter)
        self.generic_visit(node)

    def _iterate(self, target: ast.expr, iterated: ast.expr) -> None:
        """Follow the elements of the argument in a loop, over several lists as well."""
        sources = iterated.args if isinstance(iterated, ast.Call) else [iterated]
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        if isinstance(iterated, ast.Call) and ast.unparse(iterated.func) == "enumerate":
            targets = targets[1:]
        for source, name in zip(sources, targets, strict=False):
            if isinstance(name, ast.Name) and self.is_it(source):
                self.uses.iterated = True
                self.local = {*self.local, name.id}

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        if any(map(self.is_it, sides)):
            for side in sides:
                self._add(side)
        self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> None:
        if self.is_it(node.subject):
            for row in ast.walk(node):
                if isinstance(row, ast.MatchValue):
                    self._add(row.value)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self.is_it(node.slice):
            self._add(node.value)
        self.uses.sliced = self.uses.sliced or (isinstance(node.slice, ast.Slice) and self.is_it(node.value))
        self._key(node)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self.is_it(node.value) and node.attr not in self.uses.attributes and isinstance(node.ctx, ast.Load):
            self.uses.attributes.append(node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self._key(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args and self.is_it(node.args[0]):
            self._add(node.func.value)
        given: list[tuple[int, str | None]] = [(i, None) for i, row in enumerate(node.args) if self.is_it(row)]
        given += [(0, row.arg) for row in node.keywords if self.is_it(row.value) and row.arg]
        target = self._value(node.func) if given else None
        if inspect.isfunction(target) or inspect.isclass(target):
            for place, keyword in given:
                self._follow(target, place, keyword)
        self.generic_visit(node)

    def _follow(self, target: Any, place: int, keyword: str | None) -> None:
        rows = [row.name for row in parameters_of_call(target)]
        rows = rows[1:] if rows[:1] == ["self"] else rows
        name = keyword or (rows[place] if place < len(rows) else "")
        if name in rows:
            found = uses_of(target, name, self.depth - 1)
            self.uses.texts += [text for text in found.texts if text not in self.uses.texts]
            self.uses.attributes += [text for text in found.attributes if text not in self.uses.attributes]
            self.uses.keys |= found.keys

    def _add(self, node: ast.expr) -> None:
        """Note the texts in an expression, or the keys of the dict that it is."""
        node = self.dicts.get(node.id, node) if isinstance(node, ast.Name) else node
        parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
        parts = [key for key in node.keys if key is not None] if isinstance(node, ast.Dict) else parts
        found = [part.value for part in parts if isinstance(part, ast.Constant)]
        value = self._value(node)
        if isinstance(value, Mapping):
            found += list(value)
        self.uses.texts += [text for text in found if isinstance(text, str) and text not in self.uses.texts]

    def _key(self, node: ast.expr) -> str | None:
        """The key that an expression reads from the argument, which is noted."""
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and self.is_it(node.value):
            key = node.slice
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and self.is_it(node.func.value):
            key = node.args[0] if node.func.attr in ("get", "pop") and len(node.args) == 1 else None
        if isinstance(key, ast.Constant) and type(key.value) is int and isinstance(node, ast.Subscript):
            self.uses.length = max(self.uses.length, key.value + 1)
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        self.uses.keys.setdefault(key.value, ())
        return key.value

    def _value(self, node: ast.expr) -> Any:
        """The value of a global name, or of an attribute of one or of the class."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            whole = self.owner if _is_self(node.value) else self._value(node.value)
            return inspect.getattr_static(whole, node.attr, None) if whole is not None else None
        return None


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
