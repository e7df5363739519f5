"""How a script calls a unit, as expressions: what a script of a few lines needs to show a wrong gradient.

    Recipe(("Dense",), "Dense(n_in=4, n_out=3)", "unit.forward(x)", "unit.backward(dy)",
           {"x": "returned", "W": "unit.dW"}, {"W": "unit.W"})

The process of the code under test sends it as data; Recipe.of accepts only expressions that call the unit.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from nnlaw.spec.syntax import parse_expression

KNOWN_NAMES = {"unit", "x", "dy", "y", "target", "cache", "returned", "np"}
MAX_TEXT = 500
NODES = (
    ast.Expression, ast.Call, ast.keyword, ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List,
    ast.Dict, ast.UnaryOp, ast.USub, ast.BinOp, ast.Mult, ast.Load,
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Expressions in the names of `imports`, unit, x, dy, y, target, cache and returned (what backward returns).

    `make` constructs the unit; "" if there are only functions. `forward` is the output y, or the loss; with `cached`, a
    pair of output and cache. `gradients` are places of gradients after backward, of "x" and of parameters by name,
    `parameters` the places of parameters. With `columns`, samples are columns. `prepare` are calls and assignments
    after the construction; they are never sent.
    """

    imports: tuple[str, ...]
    make: str
    forward: str
    backward: str
    gradients: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    columns: bool = False
    cached: bool = False
    prepare: tuple[str, ...] = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Recipe:
        return self

    def to_data(self) -> list[Any]:
        """The fields as a list."""
        return [list(value) if isinstance(value, tuple) else value for value in astuple(self)[:8]]

    @classmethod
    def of(cls, data: Any) -> Recipe | None:
        """The recipe of such a list; None if it is something else, or contains other expressions."""
        if not isinstance(data, list) or len(data) != 8:
            return None
        imports, make, forward, backward, gradients, parameters, columns, cached = data
        texts = [make, forward, backward]
        for mapping in (gradients, parameters):
            if not isinstance(mapping, dict):
                return None
            texts += [*mapping.values()]
        if not isinstance(imports, list) or not all(isinstance(t, str) and len(t) <= MAX_TEXT for t in texts + imports):
            return None
        names = {name.partition(".")[0] for name in imports}
        names |= {str(name) for name in parameters if str(name).isidentifier()}  # arguments of a function
        if not all(part.isidentifier() for part in names) or not all(_is_call(t, names) for t in texts if t):
            return None
        return cls(tuple(imports), make, forward, backward, gradients, parameters, columns is True, cached is True)


def _is_call(text: str, imports: set[str]) -> bool:
    """Whether an expression only calls and reads what is imported from the file, the unit, and constants."""
    try:
        nodes = list(ast.walk(parse_expression(text)))
    except (SyntaxError, ValueError, RecursionError):
        return False
    for node in nodes:
        if not isinstance(node, NODES):
            return False
        if isinstance(node, ast.Name) and node.id not in KNOWN_NAMES and node.id not in imports:
            return False
        if isinstance(node, ast.Attribute) and (node.attr.startswith("__") or _is_numpy(node)):
            return False
    return True


def _is_numpy(node: ast.Attribute) -> bool:
    """Whether it reads anything of NumPy but np.random.default_rng."""
    inner = ast.unparse(node)
    return inner.startswith("np.") and inner not in ("np.random", "np.random.default_rng")
