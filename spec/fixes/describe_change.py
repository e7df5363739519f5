"""What mistake does a change undo? Read from the change itself: what stood there, what stands there now.

    diagnosis(edit, roles)          "a mean where a sum is due"

`roles` says what a name stands for ("dy": "the incoming gradient"). A change of a kind that has no name gets none.
"""

from __future__ import annotations

import ast

from nnlaw.spec.fixes.describe_omission import missing
from nnlaw.spec.fixes.mutate import Edit
from nnlaw.spec.fixes.variable_roles import Roles, said

OPERATIONS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Mult: ("a product", "a factor"), ast.Div: ("a division", "a division by"), ast.Add: ("a sum", "a term"),
    ast.Sub: ("a difference", "a term"), ast.Pow: ("a power", "a power"), ast.MatMult: ("a product", "a product with"),
}  # fmt: skip
AXES = {0: "the batch, axis 0", 1: "axis 1", -1: "the last axis", None: "everything"}


def diagnosis(edit: Edit, roles: Roles) -> str:
    """The mistake that `edit` undoes, or ""."""
    old, new = edit.old, edit.new
    if isinstance(new, ast.Module):
        return "two statements in the wrong order: what the second needs, the first has written over"
    if isinstance(old, ast.stmt):
        return _of_statement(old, new)
    if not isinstance(old, ast.expr) or not isinstance(new, ast.expr):
        return ""
    if isinstance(edit.parent, ast.Call) and ast.unparse(edit.parent.func) == "len" and ast.unparse(new).endswith(".T"):
        return f"the size of the batch where that of axis 1 is due: `len({ast.unparse(new)})`"
    if isinstance(edit.parent, ast.Subscript) and ast.unparse(edit.parent.value).endswith(".shape"):
        return f"the size of the wrong axis: {ast.unparse(old)} where {ast.unparse(new)} is due"
    if isinstance(edit.parent, ast.keyword) and edit.parent.arg == "axis":
        return f"the wrong axis: {ast.unparse(old)} where {ast.unparse(new)} is due"
    if isinstance(edit.parent, ast.Call) and ast.unparse(edit.parent.func) == "np.roll":
        return f"entries that are shifted: by {ast.unparse(old)} where {ast.unparse(new)} is due"
    words = _of_expression(old, new, roles)
    if edit.in_index and not words.startswith("a wrong index"):
        missing = words if words.endswith("is missing") else f"`{ast.unparse(old)}` where `{ast.unparse(new)}` is due"
        return f"a wrong index or slice: {missing}"
    if words and isinstance(edit.parent, ast.Compare) and isinstance(new, ast.Name | ast.Attribute):
        return f"a mask that is taken from the wrong array: {words}"
    return words


def _of_statement(old: ast.stmt, new: ast.AST | None) -> str:
    if isinstance(new, ast.AugAssign):
        return f"an assignment where an addition is due: what was in `{ast.unparse(new.target)}` is written over"
    if isinstance(new, ast.Assign):
        return f"an addition to what was in `{ast.unparse(new.targets[0])}` before, which is to be written over"
    return f"a statement too many: `{ast.unparse(old).splitlines()[0]}`"


def _of_expression(old: ast.expr, new: ast.expr, roles: Roles) -> str:
    one, two = ast.unparse(old), ast.unparse(new)
    for rule in (_signs, _calls, missing, _surplus, _operations, _masks, _transposes, _orders, _names):
        if words := rule(old, new, one, two, roles):
            return words
    return ""


def _signs(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    if isinstance(old, ast.UnaryOp) and isinstance(old.op, ast.USub) and ast.unparse(old.operand) == two:
        return f"the wrong sign: a minus too many before `{two}`"
    if isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.USub) and ast.unparse(new.operand) == one:
        return f"the wrong sign: a minus that is missing before `{one}`"
    if isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp):
        same = ast.unparse(old.left) == ast.unparse(new.left) and ast.unparse(old.right) == ast.unparse(new.right)
        if same and {type(old.op), type(new.op)} == {ast.Add, ast.Sub}:
            return f"the wrong sign: of the term `{ast.unparse(old.right)}`"
        turned = ast.unparse(old.left) == ast.unparse(new.right) and ast.unparse(old.right) == ast.unparse(new.left)
        if turned and type(old.op) is type(new.op) is ast.Sub:
            return "the wrong sign: a difference that is taken the wrong way round"
        if turned and type(old.op) is type(new.op) is ast.Div:
            return "a quotient the wrong way round"
    return ""


def _calls(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    if not isinstance(old, ast.Call):
        return ""
    if not isinstance(new, ast.Call):
        if two in (ast.unparse(arg) for arg in old.args):
            return f"`{ast.unparse(old.func)}` that is applied once too often"
        return ""
    if isinstance(old.func, ast.Attribute) and isinstance(new.func, ast.Attribute) and old.func.attr != new.func.attr:
        due = {old.func.attr, new.func.attr} <= {"sum", "mean", "max", "min"}
        words = ("a {} where a {} is due" if due else "`{}` where `{}` is due").format(old.func.attr, new.func.attr)
        return words
    if ast.unparse(old.func) == ast.unparse(new.func):
        if one.startswith("len(") or [ast.unparse(a) for a in old.args] != [ast.unparse(a) for a in new.args]:
            pair = sorted(map(ast.unparse, old.args)) == sorted(map(ast.unparse, new.args))
            if pair and ast.unparse(old.func) in ("np.where", "where"):
                return "the two sides of a condition that changed places"
            return f"arguments of `{ast.unparse(old.func)}` that changed places" if pair else ""
        return _axes(old, new)
    return ""


def _axes(old: ast.Call, new: ast.Call) -> str:
    held, due = (({k.arg: ast.unparse(k.value) for k in call.keywords}) for call in (old, new))
    name = old.func.attr if isinstance(old.func, ast.Attribute) else ast.unparse(old.func)
    if held.get("axis") == due.get("axis"):
        if held.get("keepdims") != due.get("keepdims"):
            return f"keepdims of a {name} that is {'missing' if 'keepdims' in due else 'too many'}"
        return ""
    if "axis" not in held:
        return f"a {name} over everything where one over axis {due['axis']} is due"
    if "axis" not in due:
        return f"a {name} over axis {held['axis']} where one over everything is due"
    return f"the wrong axis: a {name} over {held['axis']} where one over {due['axis']} is due"


def _surplus(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    """`old` holds `new` and something beside it."""
    if isinstance(old, ast.Subscript) and ast.unparse(old.value) == two:
        return f"an order that is turned round: `{one}`" if "::-1" in one else f"an index too many: `{one}`"
    if not isinstance(old, ast.BinOp) or isinstance(old.op, ast.MatMult):
        return ""
    if two == ast.unparse(old.left):
        if isinstance(old.op, ast.Div) and ast.unparse(old.right).startswith("len("):
            return f"a division by the size of the batch too many: `{ast.unparse(old.right)}`"
        return f"{OPERATIONS[type(old.op)][1]} too many: `{ast.unparse(old.right)}`"
    if two == ast.unparse(old.right) and isinstance(old.op, ast.Mult | ast.Add):
        return f"{OPERATIONS[type(old.op)][1]} too many: `{ast.unparse(old.left)}`"
    if two == ast.unparse(old.right) and isinstance(old.op, ast.Sub):
        return f"`{one}` where `{two}` is due"
    return ""


def _operations(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    if isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp) and type(old.op) is not type(new.op):
        parts = [ast.unparse(side) for side in (old.left, old.right)]
        if parts == [ast.unparse(side) for side in (new.left, new.right)]:
            return f"{OPERATIONS[type(old.op)][0]} where {OPERATIONS[type(new.op)][0]} is due: `{two}`"
    return ""


def _masks(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    for held, due in ((old, two), (new, one)):
        if isinstance(held, ast.UnaryOp) and isinstance(held.op, ast.Invert) and ast.unparse(held.operand) == due:
            return "a mask that is upside down"
    if isinstance(old, ast.Compare) and isinstance(new, ast.Compare):
        return f"a comparison the wrong way: `{one}` where `{two}` is due"
    return ""


def _transposes(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    if two == f"{one}.T":
        return f"a transpose that is missing: `{two}`"
    if one == f"{two}.T":
        return f"a transpose too many: `{one}`"
    if isinstance(old, ast.BinOp) and isinstance(old.op, ast.MatMult) and isinstance(new, ast.BinOp):
        return f"a transposed product: `{one}` where `{two}` is due"
    return ""


def _orders(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    if isinstance(old, ast.Tuple) and isinstance(new, ast.Tuple):
        return f"results that changed places: `{one}` where `{two}` is due"
    if isinstance(old, ast.Slice):
        return f"a wrong index or slice: `{one}` where `{two}` is due"
    return ""


def _names(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    if isinstance(old, ast.Constant) and isinstance(new, ast.Constant):
        return f"a wrong number: {one} where {two} is due"
    if one in roles and two in roles:
        pair = f" (`{one}` for `{two}`)"
        return f"{roles[one]} where {roles[two]} is due{pair}" if roles[one] != roles[two] else ""
    if isinstance(old, ast.Subscript) and isinstance(new, ast.Subscript):
        array = ast.unparse(old.value)
        if array == ast.unparse(new.value) and not array.endswith(("params", "grads")):
            return f"a wrong index or slice: `{one}` where `{two}` is due"
    if not isinstance(old, ast.Name | ast.Attribute | ast.Subscript | ast.Constant):
        return ""
    if "params[" in two and "params[" not in one:
        return f"`{one}` in place of the parameter, `{two}`"
    return f"{said(old, roles)} where {said(new, roles)} is due"
