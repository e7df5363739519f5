"""An exception's text; if two arrays do not fit each other, the expressions and their shapes.

    text_of(error)      "dout (5, 3) @ self.W (4, 3): inner sizes 3 and 4 differ. Did you mean self.W.T?"

NumPy names only the sizes. The expressions are those of the line that raised, and the shapes are read from its frame.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import textwrap
from types import TracebackType

import numpy as np

from nnlaw.spec.syntax import parse_expression

SIMPLE = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Slice, ast.Tuple, ast.UnaryOp, ast.USub, ast.Load)
"""What is evaluated once more: it calls nothing."""
OPERATORS: dict[type[ast.operator], str] = {
    ast.MatMult: "@", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
}  # fmt: skip
PRODUCTS = {"dot", "matmul"}


def text_of(error: BaseException) -> str:
    """The operation on two arrays that failed, with their shapes; else the text of the exception itself."""
    if isinstance(error, ValueError) and error.__traceback__ is not None:
        try:
            found = _operation(error.__traceback__)
        except Exception:  # an attribute may be a property that raises
            found = ""
        if found:
            return found
    return str(error)


def _operation(start: TracebackType) -> str:
    innermost = start
    while innermost.tb_next is not None:
        innermost = innermost.tb_next
    pair = _operands(_expression(innermost))
    if pair is None:
        return ""
    left, sign, right = pair
    frame, shapes = innermost.tb_frame, []
    for node in (left, right):
        if not all(isinstance(each, SIMPLE) for each in ast.walk(node)):
            return ""
        code = compile(ast.Expression(node), "", "eval")
        shapes.append(np.shape(eval(code, frame.f_globals, frame.f_locals)))
    texts = [ast.unparse(node) for node in (left, right)]
    shown = f"{texts[0]} {shapes[0]} {sign} {texts[1]} {shapes[1]}"
    if sign != "@":
        return f"{shown}: the shapes can't be broadcast to one" if not _broadcast(*shapes) else ""
    if not shapes[0] or not shapes[1]:
        return ""
    inner, other = shapes[0][-1], shapes[1][-2] if len(shapes[1]) > 1 else shapes[1][0]
    return "" if inner == other else f"{shown}: inner sizes {inner} and {other} differ{_hint(texts, shapes)}"


def _expression(innermost: TracebackType) -> ast.expr | None:
    """The expression that raised."""
    code, at = innermost.tb_frame.f_code, innermost.tb_lasti // 2
    line, end_line, column, end_column = next(itertools.islice(code.co_positions(), at, None))
    if line is None or end_line is None or column is None or end_column is None:
        return None
    lines = [linecache.getline(code.co_filename, n).encode() for n in range(line, end_line + 1)]
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    text = textwrap.dedent(b"".join(lines).decode())
    return parse_expression(f"({text})")


def _operands(node: ast.expr | None) -> tuple[ast.expr, str, ast.expr] | None:
    """Left operand, sign and right operand of an operation on two arrays."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return node.left, OPERATORS[type(node.op)], node.right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRODUCTS:
        if len(node.args) == 2:
            return node.args[0], "@", node.args[1]
        if len(node.args) == 1:
            return node.func.value, "@", node.args[0]
    return None


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        return False
    return True


def _hint(texts: list[str], shapes: list[tuple[int, ...]]) -> str:
    """The operand whose transpose would fit, if there is one."""
    if len(shapes[0]) != 2 or len(shapes[1]) != 2:
        return ""
    for i, fits in ((1, shapes[1][1] == shapes[0][1]), (0, shapes[0][0] == shapes[1][0])):
        if fits:
            text = texts[i]
            return f". Did you mean {text.removesuffix('.T') if text.endswith('.T') else f'{text}.T'}?"
    return ""
