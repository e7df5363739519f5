"""Common mistakes in hand-written derivatives, as changes of one expression that correct them.

Each rule takes an expression and the operands that occur in the function (names, attributes, lengths), and yields
changes: first those that replace something, then those that insert what is missing. TIERS has the likeliest first.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any


@dataclass(frozen=True)
class Change:
    """An expression in place of another, and the code of the mistake that this corrects; "" if it has no name.

    `parts` fill the text of the cause (spec/fixes/describe_change.py).
    """

    new: ast.expr
    code: str = ""
    parts: Mapping[str, ast.expr | str] = field(default_factory=dict)


Operands = Sequence[ast.expr]
Rule = Callable[[ast.expr, Operands], Iterator[Change]]
ONE = ast.Constant(1)
TWO = ast.Constant(2)


def is_stored(node: ast.expr) -> bool:
    """Whether a value is assigned to the expression."""
    return isinstance(getattr(node, "ctx", None), ast.Store)


def is_number(node: ast.AST) -> bool:
    """Whether the expression is a literal number."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def same(one: ast.AST, other: ast.AST) -> bool:
    """Whether two expressions read the same."""
    return ast.dump(one) == ast.dump(other)


def _transposed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def times(left: ast.expr, right: ast.expr) -> ast.BinOp:
    """left * right."""
    return ast.BinOp(left, ast.Mult(), right)


def _minus(left: ast.expr, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left, ast.Sub(), right)


def _plus(left: ast.expr, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left, ast.Add(), right)


def _is_length(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


# Replacements


def differences(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """The operands of a difference swapped."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield Change(_minus(node.right, node.left), "wrong-sign")


def parentheses(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """Parentheses that are missing or in the wrong place: 1 - t ** p for (1 - t) ** p, a ** b / c for a ** (b / c)."""
    if isinstance(node, ast.BinOp):
        left, right = node.left, node.right
        if isinstance(right, ast.BinOp) and _rank(right.op) != _rank(node.op):
            yield Change(ast.BinOp(ast.BinOp(left, node.op, right.left), right.op, right.right), "wrong-parentheses")
        if isinstance(left, ast.BinOp) and _rank(left.op) != _rank(node.op):
            yield Change(ast.BinOp(left.left, left.op, ast.BinOp(left.right, node.op, right)), "wrong-parentheses")
        elif isinstance(left, ast.BinOp) and isinstance(left.right, ast.BinOp) and isinstance(left.right.op, ast.Pow):
            power = ast.BinOp(left.right.left, left.right.op, ast.BinOp(left.right.right, node.op, right))
            yield Change(ast.BinOp(left.left, left.op, power), "wrong-parentheses")  # a * b ** c / d


def _rank(op: ast.operator) -> int:
    return 0 if isinstance(op, ast.Add | ast.Sub) else 2 if isinstance(op, ast.Pow) else 1


def signs_and_operands(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A wrong sign or operation; an operand that is not needed."""
    if isinstance(node, ast.UnaryOp):
        codes: dict[type[ast.unaryop], str] = {ast.USub: "wrong-sign", ast.Invert: "inverted-mask"}
        yield Change(node.operand, codes.get(type(node.op), ""))
        return
    if isinstance(node, ast.BinOp):
        left, op, right = node.left, node.op, node.right
        if type(op) in OPPOSITES:
            opposite, code = OPPOSITES[type(op)]
            yield Change(ast.BinOp(left, opposite(), right), code, {"part": right})
        if isinstance(op, ast.FloorDiv):
            yield Change(ast.BinOp(left, ast.Div(), right), "floor-division")
        if type(op) in SWAPPED:
            yield Change(ast.BinOp(right, op, left), SWAPPED[type(op)])
        if not isinstance(op, ast.MatMult):
            by_batch = isinstance(op, ast.Div) and _is_length(right)
            code = "extra-division-by-batch-size" if by_batch else EXTRA.get(type(op), "")
            yield Change(left, code, {"part": right})
            code = EXTRA[type(op)] if isinstance(op, ast.Add | ast.Sub | ast.Mult) else ""
            yield Change(right, code, {"part": left})
        if isinstance(op, ast.Mult) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
            yield Change(left.left, "extra-factor", {"part": times(left.right, right)})  # p * (1 - p)
    if not isinstance(node, ast.Constant | ast.Tuple | ast.Slice):
        yield Change(ast.UnaryOp(ast.USub(), node), "wrong-sign")


OPPOSITES: dict[type[ast.operator], tuple[type[ast.operator], str]] = {
    ast.Add: (ast.Sub, "wrong-sign"),
    ast.Sub: (ast.Add, "wrong-sign"),
    ast.Mult: (ast.Div, "product-instead-of-quotient"),
    ast.Div: (ast.Mult, "quotient-instead-of-product"),
}
SWAPPED: dict[type[ast.operator], str] = {
    ast.Div: "inverted-quotient", ast.Pow: "swapped-operands",
}  # fmt: skip
EXTRA: dict[type[ast.operator], str] = {
    ast.Add: "extra-term", ast.Sub: "extra-term", ast.Mult: "extra-factor", ast.Div: "extra-division",
    ast.Pow: "extra-power",
}  # fmt: skip


def transposes(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A transpose that is missing or not needed, and factors in the wrong order."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for a, b in ((node.left, node.right), (node.right, node.left)):
            for one in (a, _transposed(a)):
                for two in (b, _transposed(b)):
                    if (one, two) != (node.left, node.right):
                        yield Change(ast.BinOp(one, node.op, two), "transposed-product")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for two, matrix in ((node.left, node.right), (node.right, node.left)):
            if is_number(two) and ast.unparse(two) in ("2", "2.0"):
                yield Change(_plus(matrix, _axes_swapped(matrix, -1, -2)), "taken-as-symmetric", {"part": matrix})
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield Change(node.value, "extra-transpose")
    elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and not is_stored(node):
        yield Change(_transposed(node), "missing-transpose")


def _axes_swapped(array: ast.expr, one: int, other: int) -> ast.expr:
    """array.swapaxes(one, other)."""
    axes: list[ast.expr] = [ast.Constant(one), ast.Constant(other)]
    return ast.Call(ast.Attribute(array, "swapaxes", ast.Load()), axes, [])


FUNCTION_SWAPS = {
    "sum": ("mean",), "mean": ("sum",), "max": ("min", "sum"), "min": ("max",), "std": ("var",), "var": ("std",),
    "maximum": ("minimum",), "minimum": ("maximum",), "argmax": ("argmin",), "sin": ("cos",), "cos": ("sin",),
    "sinh": ("cosh",), "cosh": ("sinh",), "exp": ("expm1",), "log": ("log1p",), "log2": ("log",), "log10": ("log",),
    "tile": ("repeat",), "repeat": ("tile",), "zeros": ("ones",), "ones": ("zeros",), "square": ("sqrt",),
    "sqrt": ("square",), "random": ("standard_normal",), "uniform": ("normal",),
}  # fmt: skip
REDUCTIONS = {"sum", "mean", "max", "min", "std", "var", "argmax", "argmin", "cumsum", "prod", "norm", "reduce"}
AXES: tuple[int | None, ...] = (0, 1, -1, None)
AXIS_NAMES = ("axis", "keepdims")


def calls(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """Another function, the wrong axis, keepdims, a function applied one time too many, arguments swapped."""
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    for other in FUNCTION_SWAPS.get(name, ()):
        assert isinstance(node.func, ast.Attribute)
        both = {name, other} <= {"sum", "mean", "max", "min"}
        code = f"{name}-instead-of-{other}" if both else "wrong-function"
        new = ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords)
        yield Change(new, code, {"name": name, "other": other, "over": _several_axes(node)})
    if name in REDUCTIONS:
        yield from _reductions(node, name)
    if name in ("triu", "tril") and len(node.args) == 1 and not node.keywords:
        for k in (1, -1):
            yield Change(ast.Call(node.func, [*node.args, ast.Constant(k)], []), "wrong-diagonal", {"k": str(k)})
    if name == "reshape" and isinstance(node.func, ast.Attribute) and len(node.args) != 2:
        swapped = ast.Attribute(_axes_swapped(node.func.value, 1, 2), "reshape", ast.Load())
        new = ast.Call(swapped, node.args, node.keywords)
        yield Change(new, "reshape-without-transpose", {"part": node.func.value})
    if any(keyword.arg == "out" for keyword in node.keywords):
        rest = [keyword for keyword in node.keywords if keyword.arg != "out"]
        out = next(keyword.value for keyword in node.keywords if keyword.arg == "out")
        yield Change(ast.Call(node.func, node.args, rest), "changed-in-place", {"target": out})
    if len(node.args) == 1 and not node.keywords:
        yield Change(node.args[0], "extra-call", {"function": node.func})
    for i in range(len(node.args) - 1):
        code = "branches-swapped" if name == "where" else "arguments-swapped"
        new = ast.Call(node.func, _swapped(node.args, i), node.keywords)
        yield Change(new, code, {"function": node.func})


def orders(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A power taken after a reduction instead of before, or the reverse; two calls in the wrong order."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _is_reduction(node.left):
        op, power = node.op, node.right
        assert isinstance(node.left, ast.Call)
        yield Change(_with_argument(node.left, lambda a: ast.BinOp(a, op, power)), "wrong-order-of-operations")
    if not isinstance(node, ast.Call):
        return
    inner = _argument(node)
    if _is_reduction(node) and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow):
        new = _with_argument(node, lambda a: inner.left)
        yield Change(ast.BinOp(new, inner.op, inner.right), "wrong-order-of-operations")
    elif isinstance(inner, ast.Call) and (innermost := _argument(inner)) is not None:
        within = _with_argument(node, lambda a: innermost)
        yield Change(_with_argument(inner, lambda a: within), "wrong-order-of-operations")


def _argument(node: ast.Call) -> ast.expr | None:
    """x of np.sum(x) and of x.sum()."""
    if node.args:
        return node.args[0]
    return node.func.value if _is_reduction(node) and isinstance(node.func, ast.Attribute) else None


def _is_reduction(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS


def _with_argument(node: ast.Call, change: Callable[[ast.expr], ast.expr]) -> ast.Call:
    """np.sum(x) and x.sum() with another x."""
    if node.args:
        return ast.Call(node.func, [change(node.args[0]), *node.args[1:]], node.keywords)
    assert isinstance(node.func, ast.Attribute)
    return ast.Call(ast.Attribute(change(node.func.value), node.func.attr, ast.Load()), [], node.keywords)


def _several_axes(node: ast.Call) -> str:
    """` over axes (0, 1)`; "" for a single axis or all."""
    axes = (keyword.value for keyword in node.keywords if keyword.arg == "axis")
    return next((f" over axes {ast.unparse(axis)}" for axis in axes if isinstance(axis, ast.Tuple)), "")


def _reductions(node: ast.Call, name: str) -> Iterator[Change]:
    present = {str(k.arg): ast.unparse(k.value) for k in node.keywords if k.arg in AXIS_NAMES}
    for axis in AXES:
        for keepdims in (False, True):
            expected = {} if axis is None else {"axis": str(axis)}
            expected |= {"keepdims": "True"} if keepdims else {}
            if expected != present:
                new = ast.Call(node.func, node.args, _with_axis(node.keywords, axis, keepdims))
                yield Change(new, _axis_code(present, expected), {"name": name, **_axis_words(present, expected)})


def _with_axis(keywords: Sequence[ast.keyword], axis: int | None, keepdims: bool) -> list[ast.keyword]:
    """The keywords with another axis and keepdims, in their order."""
    values: dict[str | None, ast.expr | None] = {
        "axis": None if axis is None else ast.Constant(axis), "keepdims": ast.Constant(True) if keepdims else None,
    }  # fmt: skip
    found = []
    for keyword in keywords:
        value = values.pop(keyword.arg, keyword.value)
        if value is not None:
            found.append(ast.keyword(keyword.arg, value))
    return found + [ast.keyword(name, value) for name, value in values.items() if value is not None]


def _axis_code(present: Mapping[str, str], expected: Mapping[str, str]) -> str:
    if present.get("axis") == expected.get("axis"):
        return "missing-keepdims" if "keepdims" in expected else "extra-keepdims"
    if "axis" not in present:
        return "missing-axis"
    return "wrong-axis" if "axis" in expected else "extra-axis"


def _axis_words(present: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, str]:
    return {"axis": present.get("axis", ""), "expected_axis": expected.get("axis", "")}


def _swapped(parts: Sequence[ast.expr], i: int) -> list[ast.expr]:
    new = list(parts)
    new[i], new[i + 1] = new[i + 1], new[i]
    return new


def comparisons(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A wrong comparison, and an inverted mask."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in (ast.Gt, ast.LtE, ast.Lt, ast.GtE, ast.Eq, ast.NotEq):
            if not isinstance(node.ops[0], op):
                yield Change(ast.Compare(node.left, [op()], node.comparators), "wrong-comparison")
    elif isinstance(node, ast.Name | ast.Attribute) and not is_stored(node):
        yield Change(ast.UnaryOp(ast.Invert(), node), "inverted-mask")
        yield Change(_minus(ONE, node), "missing-complement")


def numbers(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """Another number, such as one that is elsewhere in the code: `operands` are numbers here."""
    v: Any = getattr(node, "value", None)
    if is_number(node):
        for constant in operands:
            if not same(constant, node):
                yield Change(constant, "wrong-number")
        for other in dict.fromkeys((v + 1, v - 1, 2 * v, v / 2, -v, 1 - v, *([1 / v] if v else []), 0, 1, 2, 3, 0.5)):
            if other != v:
                value = int(other) if isinstance(v, int) and other == int(other) else other
                yield Change(ast.Constant(value), "wrong-number")


def sizes(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """Another size of the same array."""
    array = _sized_array(node)
    if array is not None:
        shape = ast.Attribute(array, "shape", ast.Load())
        last = ast.UnaryOp(ast.USub(), ONE)
        entries = [ast.Subscript(shape, index, ast.Load()) for index in (ast.Constant(0), ONE, last)]
        for other in (*entries, _length(array), ast.Attribute(array, "size", ast.Load())):
            if not same(other, node):
                yield Change(other, "wrong-size")


def _sized_array(node: ast.expr) -> ast.expr | None:
    """The array whose size is computed: x of len(x), x.size, x.shape[0], x.size // len(x); None if it is not a size."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        array = _sized_array(node.left)
        divisor = _sized_array(node.right)
        return array if array is not None and divisor is not None and same(array, divisor) else None
    if _is_length(node):
        assert isinstance(node, ast.Call)
        return node.args[0] if len(node.args) == 1 else None
    if isinstance(node, ast.Subscript):
        shape = node.value
        return shape.value if isinstance(shape, ast.Attribute) and shape.attr == "shape" else None
    return node.value if isinstance(node, ast.Attribute) and node.attr == "size" else None


def indices(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A slice that is reversed or off by one; an index that is not needed; two results swapped."""
    reverse = ast.UnaryOp(ast.USub(), ONE)
    if isinstance(node, ast.Slice):
        yield from (Change(new, "wrong-index") for new in _slices(node, reverse))
    elif isinstance(node, ast.Subscript) and not is_stored(node):
        yield Change(node.value, "reversed-order" if _is_reversed(node) else "extra-index")
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        axes: list[ast.expr] = [ast.Constant(i) for i, part in enumerate(parts) if is_number(part)]
        if axes and all(is_number(part) or isinstance(part, ast.Slice) for part in parts):
            axis = axes[0] if len(axes) == 1 else ast.Tuple(axes, ast.Load())
            total = ast.Call(ast.Attribute(node.value, "sum", ast.Load()), [], [ast.keyword("axis", axis)])
            yield Change(total, "entry-instead-of-sum")
    elif isinstance(node, ast.Name | ast.Attribute) and not is_stored(node):
        yield Change(ast.Call(ast.Name("reversed", ast.Load()), [node], []), "not-reversed-order")
        step = ast.Slice(None, None, reverse)
        both: list[ast.expr] = [ast.Constant(...), step, step]
        for index in (step, ast.Tuple([ast.Slice(), step], ast.Load()), ast.Tuple(both, ast.Load())):
            yield Change(ast.Subscript(node, index, ast.Load()), "not-reversed-order")
    elif isinstance(node, ast.Tuple | ast.List):
        for i in range(len(node.elts) - 1):
            yield Change(type(node)(_swapped(node.elts, i), node.ctx), "results-swapped")


def _slices(node: ast.Slice, reverse: ast.expr) -> Iterator[ast.Slice]:
    yield ast.Slice(node.lower, node.upper, None if node.step is not None else reverse)
    is_reversed = isinstance(node.step, ast.UnaryOp)  # with one more bound, a reversed list has two entries or is empty
    if node.lower is not None or not is_reversed:
        yield ast.Slice(ONE if node.lower is None else None, node.upper, node.step)
    if node.upper is not None or not is_reversed:
        yield ast.Slice(node.lower, reverse if node.upper is None else None, node.step)
    if node.upper is None and node.lower is not None:  # a margin that is cut off on one side only
        yield ast.Slice(node.lower, ast.UnaryOp(ast.USub(), node.lower), node.step)
    for op in (ast.Add(), ast.Sub()):
        if node.lower is not None:
            yield ast.Slice(ast.BinOp(node.lower, op, ONE), node.upper, node.step)
    for op in (ast.Add(), ast.Sub()):
        if node.upper is not None:
            yield ast.Slice(node.lower, ast.BinOp(node.upper, op, ONE), node.step)


def first_states(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """The state before the first step, which is zero; an index t − 1 or max(t − 1, 0) takes another one."""
    if isinstance(node, ast.Subscript) and not is_stored(node):
        for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if (step := _step_before(part)) is not None:
                is_later = ast.Compare(step, [ast.Gt()], [ast.Constant(0)])
                yield Change(times(is_later, node), "wrong-first-state", {"step": step})


def _step_before(node: ast.expr) -> ast.Name | None:
    """t of t − 1 and of max(t − 1, 0)."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "max" and len(node.args) == 2:
        node = next((arg for arg in node.args if isinstance(arg, ast.BinOp)), node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Name):
        return node.left if is_number(node.right) and ast.unparse(node.right) == "1" else None
    return None


def _is_reversed(node: ast.Subscript) -> bool:
    slices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return any(isinstance(s, ast.Slice) and isinstance(s.step, ast.UnaryOp) for s in slices)


def other_names(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """One name instead of another."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not is_stored(node):
        for other in operands:
            if not same(other, node):
                yield Change(other, name_code(node, other))
                yield Change(_transposed(other), name_code(node, other))
    elif is_number(node):  # 1 instead of a slope
        for other in operands:
            yield Change(other, name_code(node, other))


def name_code(old: ast.expr, new: ast.expr) -> str:
    """The code of the mistake of using `old` instead of `new`."""
    if isinstance(new, ast.Subscript) and same(new.value, old):
        return "missing-index"
    if _is_parameter(new) and not _is_parameter(old):
        return "copy-instead-of-parameter"
    if isinstance(old, ast.Subscript) and isinstance(new, ast.Subscript) and same(old.value, new.value):
        return "wrong-name" if _is_parameter(old) else "wrong-index"
    return "wrong-name"


def _is_parameter(node: ast.AST) -> bool:
    """Whether the expression has an entry of `params` or `grads`."""
    entries = (each.value for each in ast.walk(node) if isinstance(each, ast.Subscript))
    return any(isinstance(owner, ast.Attribute) and owner.attr in ("params", "grads") for owner in entries)


# Insertions


def _is_value(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant | ast.Tuple | ast.Slice | ast.Compare) and not is_stored(node)


def missing_operands(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A factor, a divisor or a term that is missing."""
    if not _is_value(node):
        return
    for other in operands:
        if same(other, node):
            continue
        yield Change(times(node, other), "missing-factor", {"part": other})
        yield Change(ast.BinOp(node, ast.Div(), other), _division_code(other), {"part": other})
        yield Change(_plus(node, other), "missing-term", {"part": other})
        yield Change(_minus(node, other), "missing-term", {"part": ast.UnaryOp(ast.USub(), other)})
    lengths = [_length(a) for a in operands if isinstance(a, ast.Name | ast.Attribute)]
    for size in (*lengths, TWO, ast.Constant(3)):
        product = times(size, node) if is_number(size) else times(node, size)
        yield Change(product, "missing-factor", {"part": size})
        if not (_is_length(node) and _is_length(size)):
            yield Change(ast.BinOp(node, ast.Div(), size), _division_code(size), {"part": size})


def _division_code(divisor: ast.expr) -> str:
    return "missing-division-by-batch-size" if _is_length(divisor) else "missing-division"


def _length(array: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("len", ast.Load()), [array], [])


ELEMENTWISE = ("abs", "sign", "tanh", "exp", "log", "sqrt")


def missing_operations(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A square that is missing, the number 1 that is not added, a function that is not applied."""
    if not _is_value(node):
        return
    yield Change(ast.BinOp(node, ast.Pow(), TWO), "missing-square")
    yield Change(_plus(node, ONE), "missing-term", {"part": ONE})
    yield Change(_minus(node, ONE), "missing-term", {"part": ast.UnaryOp(ast.USub(), ONE)})
    is_array = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and _sized_array(node) is None
    for name in ELEMENTWISE if is_array else ():
        function = ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())
        yield Change(ast.Call(function, [node], []), "missing-call", {"function": function})


def missing_factors(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A derivative that is missing: 1 − a, a(1 − a), 1 − a², a², a > 0; a slope on one side of a mask."""
    if not _is_value(node):
        return
    for a in operands:
        complement, square = _minus(ONE, a), ast.BinOp(a, ast.Pow(), TWO)
        for factor in (complement, times(a, complement), _minus(ONE, square)):
            yield Change(times(node, factor), "missing-derivative", {"part": factor})
        yield Change(times(node, square), "missing-factor", {"part": square})
        for op in (ast.Gt(), ast.Lt()):
            mask = ast.Compare(a, [op], [ast.Constant(0)])
            yield Change(times(node, mask), "missing-mask", {"part": mask})
    if isinstance(node, ast.Name | ast.Attribute):
        for a in operands:
            where = ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load())
            yield Change(ast.Call(where, [node, ONE, a], []), "missing-slope", {"part": a})


def missing_sums(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A sum or a mean over an axis that is missing, and a softmax with only the diagonal of its Jacobian."""
    if not _is_value(node):
        return
    for axis in (0, 1, -1):
        for kind in ("sum", "mean"):
            yield Change(_over(node, kind, axis), f"missing-{kind}", {"axis": str(axis)})
    for kind in ("sum", "mean"):
        yield Change(_over(node, kind, 0, keepdims=False), f"missing-{kind}", {"axis": "0"})
    factors = list(factors_of(node))
    for i, complement in enumerate(factors):
        p = complement.right if isinstance(complement, ast.BinOp) and isinstance(complement.op, ast.Sub) else None
        rest = [f for j, f in enumerate(factors) if j != i]
        if p is not None and any(same(p, f) for f in rest):  # e · p · (1 − p)
            rest.remove(next(f for f in rest if same(p, f)))
            if not rest:
                continue
            e = reduce(times, rest)
            for axis in (-1, 1):
                yield Change(times(p, _minus(e, _over(times(e, p), "sum", axis))), "softmax-diagonal")


def factors_of(node: ast.expr) -> Iterator[ast.expr]:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from factors_of(node.left)
        yield from factors_of(node.right)
    else:
        yield node


def missing_terms(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """What a normalization or a softmax adds to the slope, and half of the product rule.

    e − mean(e),   e − Σ(e·a),   e − a·mean(e·a),   both at once,   a·Σe,   e + a·b·(1 − b)
    """
    if not _is_value(node):
        return
    for axis in (1, 0, -1):
        mean = _over(node, "mean", axis)
        yield Change(_minus(node, mean), "statistic-as-constant", {"part": mean})
        for a in operands:
            product = times(node, a)
            total = _over(product, "sum", axis)
            yield Change(_minus(node, total), "statistic-as-constant", {"part": total})
            factor = _over(a, "sum", axis)
            yield Change(times(node, factor), "missing-factor", {"part": factor})
            for kind in ("mean", "sum"):
                along = times(a, _over(product, kind, axis))
                yield Change(_minus(node, along), "statistic-as-constant", {"part": along})
                if kind == "mean":
                    both = _plus(mean, along)
                    yield Change(_minus(_minus(node, mean), along), "statistic-as-constant", {"part": both})
    for a in operands:
        for b in operands:
            term = times(a, times(b, _minus(ONE, b)))
            yield Change(_plus(node, term), "missing-term", {"part": term})


def _over(node: ast.expr, kind: str, axis: int, *, keepdims: bool = True) -> ast.expr:
    keywords = [ast.keyword("axis", ast.Constant(axis))]
    keywords += [ast.keyword("keepdims", ast.Constant(True))] if keepdims else []
    return ast.Call(ast.Attribute(node, kind, ast.Load()), [], keywords)


def missing_products(node: ast.expr, operands: Operands) -> Iterator[Change]:
    """A product that is missing, through which the input or a parameter changes the output a second time."""
    if not _is_value(node):
        return
    arrays = [a for a in operands if not isinstance(a, ast.Call)]
    for i, a in enumerate(arrays):
        for j, b in enumerate(arrays):
            terms: list[ast.expr] = [times(a, b)] if i < j else []
            for one, two in ((_transposed(a), b), (a, _transposed(b)), (a, b)):
                terms.append(ast.BinOp(one, ast.MatMult(), two))
            for term in terms:
                yield Change(_plus(node, term), "missing-term", {"part": term})


WHOLE_VALUES = {missing_products}
"""Rules for the whole value that a statement assigns or returns, not for parts of it."""
FIRST: dict[int, Rule] = {0: differences, 2: missing_operations, 3: missing_sums}
"""Rules with few changes, by tier: tried at every place before the rest of the tier."""
TIERS: tuple[tuple[Rule, ...], ...] = (
    (signs_and_operands, parentheses, transposes, calls, orders, comparisons, numbers, sizes, indices, first_states),
    (other_names,),
    (missing_operands,),
    (missing_factors,),
    (missing_terms,),
    (missing_products,),
)
