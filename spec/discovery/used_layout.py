"""In which layout a file calls a function: softmax(X @ W + b) passes a batch with samples as rows.

    used_layout(module, "softmax")        "rows"; "" if no call shows it
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from types import ModuleType

from nnlaw.spec.discovery.source_text import nodes_of, source_text

BATCH = re.compile(r"^(X\w*|A\d*|H\d*|x_?batch|batch_?x|inputs)$")
WEIGHT = re.compile(r"^_?(w|weights?|theta)_?\w?\d*$", re.I)
COUNTS = {"rows": re.compile(r"shape\[0\]|axis\s*=\s*(1|-1)\b|\[(np\.)?a?range\("),
          "columns": re.compile(r"shape\[1\]|axis\s*=\s*0\b|,\s*(np\.)?a?range\(")}  # fmt: skip
"""Lines of code that count samples, or compare the outputs of each."""
LAYOUTS_OF_PRODUCTS = {(True, False): "rows", (False, True): "columns"}
"""By whether the first and the second factor is the batch, the other one being weights."""


def used_layout(module: ModuleType, name: str) -> str:
    """The layout of the batch in all calls of a function, by the products that it is called with.

    "" if they differ, or if no other line counts samples along that axis: a batch in one call may be a single sample.
    """
    owners = [node for node in nodes_of(module) if isinstance(node, ast.Module | ast.FunctionDef)]
    found = {layout for owner in owners for layout in _layouts(owner, name)}
    layout = found.pop() if len(found) == 1 else ""
    return layout if layout and COUNTS[layout].search(source_text(module)) else ""


def _layouts(owner: ast.AST, name: str) -> Iterator[str]:
    nodes = list(ast.walk(owner))
    values = {node.targets[0].id: node.value for node in nodes
              if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}  # fmt: skip
    for node in nodes:
        if isinstance(node, ast.Call) and _last(node.func) == name and node.args:
            given = node.args[0]
            value = values.get(given.id, given) if isinstance(given, ast.Name) else given
            for first, second in _products(value):
                both = BATCH.match(_last(first)) is not None, BATCH.match(_last(second)) is not None
                weights = WEIGHT.match(_last(second if both[0] else first))
                if weights and both in LAYOUTS_OF_PRODUCTS:
                    yield LAYOUTS_OF_PRODUCTS[both]


def _products(value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The factors of each matrix product in an expression: X @ W, np.dot(X, W), X.dot(W)."""
    for node in ast.walk(value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield node.left, node.right
        elif isinstance(node, ast.Call) and _last(node.func) in ("dot", "matmul"):
            if len(node.args) == 2:
                yield node.args[0], node.args[1]
            elif len(node.args) == 1 and isinstance(node.func, ast.Attribute):
                yield node.func.value, node.args[0]


def _last(node: ast.expr) -> str:
    """The last name of an expression: `W` of `self.W`; "" if it is not a name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
