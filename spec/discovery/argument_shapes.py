"""Shapes of the arrays that a function takes, as written in its comments and texts, and where .shape is unpacked.

    for shapes in written_shapes(conv_forward): ...      {"x": (3, 5, 7, 4), "w": (3, 3, 4, 2), "b": (2,)}

Each symbol gets a size of its own; the first axis of x is the batch unless weights have a size of that name, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nnlaw.spec.discovery.calls import N
from nnlaw.spec.discovery.scope import arguments_of
from nnlaw.spec.discovery.source_text import nodes_of, parsed, source_text
from nnlaw.spec.syntax import parse_expression

Symbols = tuple[str, ...]
SHAPE = re.compile(r"\(([^()]*,[^()]*)\)|\[([^\[\]]*,[^\[\]]*)\]")
PART = re.compile(r"[A-Za-z_]\w*'?|\d+|[-+*/() ]")
LEADING = re.compile(r"^\W*([A-Za-z_]\w*)\s*(:|--|-|\()")
KERNEL = re.compile(r"^(k|kh|kw|hh|ww|f|fh|fw|ks|r|s|kernel\w*|k_?[hw]|f_?[hw]|filter_?(size|h|w)\w*|window\w*)$", re.I)
BATCHES = {2: N, 3: 2, 4: 3}
"""Samples by the number of axes: images are large."""
SIDES = {2: ((4,), (6,)), 3: ((6, 4), (7, 3)), 4: ((5, 7, 4), (6, 8, 4), (7, 9, 5))}
"""Sizes of the other axes of x: none smaller than a kernel; odd, even, and such that a stride of 2 ends at the edge."""
OTHERS = (3, 2, 6, 8, 9, 10)


def written_shapes(function: Callable[..., Any], x: str) -> Iterator[tuple[dict[str, tuple[int, ...]], str]]:
    """Shapes of the arguments by name, and the layout of `x`; nothing if that of x is not written."""
    symbols = shape_symbols(function)
    own = symbols.get(x, ())
    if len(own) not in SIDES:
        return
    others = {name: row for name, row in symbols.items() if name != x}
    weights = {symbol for row in others.values() for symbol in row if len(row) > 1}
    columns = len(own) == 2 and own[0] in weights and own[1] not in weights
    batch = own[-1] if columns else own[0]
    for sides in SIDES[len(own)]:
        sizes = {batch: BATCHES[len(own)]}
        rest = own[:-1] if columns else own[1:]
        for symbol, size in zip(rest, sides, strict=True):
            sizes.setdefault(symbol, size)
        free = iter(size for size in OTHERS if size not in sizes.values())
        for row in others.values():
            kernels = [name for name in dict.fromkeys(row) if KERNEL.match(name) and len(row) > 2]
            kernels = [name for name in kernels if name != "F"] or kernels  # F is often the number of filters
            sizes |= {name: 3 - i % 2 for i, name in enumerate(kernels) if name not in sizes}
            for symbol in row:
                for name in re.findall(r"[A-Za-z_]\w*'?", symbol):
                    if name not in sizes:
                        sizes[name] = next(free, OTHERS[0])
        found = {name: _evaluated(row, sizes) for name, row in symbols.items()}
        layout = "columns" if columns else "one" if len(own) == 3 and CHANNELS.match(own[0]) else "rows"
        yield {name: shape for name, shape in found.items() if shape}, layout


CHANNELS = re.compile(r"^(n_?|num_?)?(c|ch|channels?\w*|c_?in|in_?c\w*|depth)$", re.I)


def shape_symbols(function: Callable[..., Any]) -> dict[str, Symbols]:
    """The symbols of the shape of each argument, as far as they are written; the code is preferred to texts."""
    names = {row.name for row in arguments_of(function)}
    found = dict(_in_text(source_text(function), names))
    tree = parsed(function)
    for name, row in _unpacked(tree, names) if tree is not None else ():
        known = found.get(name, ())
        if len(known) != len(row) or "..." in known:
            if is_square(row):
                row = (*row[:-1], row[-2])
            found[name] = tuple(f"_{name}{i}" if symbol == "_" else symbol for i, symbol in enumerate(row))
    same = _asserted_equal(tree) if tree is not None else {}
    return {name: tuple(same.get(each, each) for each in row) for name, row in found.items()
            if row and "..." not in row}  # fmt: skip


def takes_squares(function: Callable[..., Any]) -> bool:
    """Whether one side alone of an image that the function takes is unpacked."""
    tree = parsed(function)
    names = {row.name for row in arguments_of(function)}
    return tree is not None and any(is_square(row) for _, row in _unpacked(tree, names))


def is_square(row: Symbols) -> bool:
    """Whether an image or a kernel is unpacked as one side and `_`, as in `n_c, side, _ = image.shape`."""
    return len(row) > 2 and row[-1] == "_" and bool(SIDE.search(row[-2])) and not SIDE.search(row[-3])


SIDE = re.compile(r"dim|size|side|height|width|^(n_?)?[hw](_|$)|^[fk]$", re.I)


def _asserted_equal(tree: ast.Module) -> dict[str, str]:
    """Names that an assertion compares, each with the one that is kept for both: `assert n_c == n_c_f`."""
    found = {}
    for node in ast.walk(tree):
        test = node.test if isinstance(node, ast.Assert) else None
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            left, right = test.left, test.comparators[0]
            if isinstance(left, ast.Name) and isinstance(right, ast.Name):
                found[right.id] = left.id
    return found


def _in_text(text: str, names: set[str]) -> Iterator[tuple[str, Symbols]]:
    """Shapes behind names: `x: (N, D)`, `W -- weights of shape (D, M)`, `q, k of shape (N, T, d), v of (N, T, dv)`."""
    docs = re.findall(r'"""(.*?)"""|\'\'\'(.*?)\'\'\'|#([^\n]*)', text, re.S)
    for line in "\n".join("".join(parts) for parts in docs).splitlines():
        at = 0
        for shape in SHAPE.finditer(line):
            before, at = line[at : shape.start()], shape.end()
            leading = LEADING.match(before)
            known = [leading[1]] if leading and leading[1] in names else re.findall(r"\b[A-Za-z_]\w*\b", before)
            parts = [part.strip() for part in (shape[1] or shape[2]).split(",") if part.strip()]
            if not all(part == "..." or "".join(PART.findall(part)) == part for part in parts):
                continue
            yield from ((name, tuple(parts)) for name in known if name in names)


def _unpacked(tree: ast.Module, names: set[str]) -> Iterator[tuple[str, Symbols]]:
    """Arguments whose .shape is unpacked: `N, C, H, W = x.shape`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Tuple):
            continue
        pairs = [(node.targets[0], node.value)]
        if isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(node.targets[0].elts):
            pairs = [(a, b) for a, b in zip(node.targets[0].elts, node.value.elts, strict=True)
                     if isinstance(a, ast.Tuple)]  # fmt: skip
        for target, value in pairs:
            if isinstance(value, ast.Attribute) and value.attr == "shape" and isinstance(value.value, ast.Name):
                parts = [part.id if isinstance(part, ast.Name) else "..." for part in target.elts]
                if value.value.id in names:
                    yield value.value.id, tuple(parts)


def _evaluated(row: Symbols, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape with the sizes of its symbols; () if one is unknown."""
    found = []
    for symbol in row:
        try:
            found.append(_value(parse_expression(symbol.replace("'", "_")), sizes))
        except (SyntaxError, KeyError):
            return ()
    return tuple(found)


def _value(node: ast.expr, sizes: Mapping[str, int]) -> int:
    """The value of a sum, difference or product of sizes. Raises KeyError for any other expression."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.FloorDiv):
        left, right = _value(node.left, sizes), _value(node.right, sizes)
        operations = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}
        return operations.get(type(node.op), left // max(right, 1))
    return sizes[node.id] if isinstance(node, ast.Name) else sizes[""]


def is_used_as_array(function: Callable[..., Any], name: str) -> bool:
    """Whether a function multiplies an argument as a matrix, or reads its shape."""
    for node in nodes_of(function):
        sides: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            sides = [node.left, node.right]
        elif isinstance(node, ast.Call) and re.search(r"\.(dot|matmul|einsum|tensordot)$", ast.unparse(node.func)):
            sides = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
        elif isinstance(node, ast.Attribute) and node.attr in ("shape", "T", "ndim", "transpose", "swapaxes", "dot"):
            sides = [node.value]
        for side in sides:
            side = side.value if isinstance(side, ast.Attribute) else side
            if isinstance(side, ast.Name) and side.id == name:
                return True
    return False


def is_factor(function: Callable[..., Any], name: str) -> bool:
    """Whether a function multiplies by an argument entry by entry, and not as a matrix."""
    products = [node for node in nodes_of(function) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)]
    sides = [side for node in products for side in (node.left, node.right) if isinstance(side, ast.Name)]
    return any(side.id == name for side in sides) and not is_used_as_array(function, name)
