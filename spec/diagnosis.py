"""What mistake does a change undo? Read from the change itself: what stood there, what stands there now.

    diagnosis(edit, roles)          "a mean where a sum is due"

`roles` says what a name stands for ("dy": "the incoming gradient"). A change of a kind that has no name gets none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from spec.edits import Edit

Roles = Mapping[str, str]
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
    for rule in (_signs, _calls, _missing, _surplus, _operations, _masks, _transposes, _orders, _names):
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
            return f"the wrong sign of a term: `{ast.unparse(old.right)}`"
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
    return f"a {name} over the wrong axis: {held['axis']} where {due['axis']} is due"


def _missing(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    """`new` holds `old` and something beside it."""
    if isinstance(new, ast.Call):
        if isinstance(new.func, ast.Attribute) and ast.unparse(new.func.value) == one:
            return f"a {new.func.attr} over axis {_axis(new)} that is missing: of `{one}`"
        if new.args and ast.unparse(new.args[0]) == one and ast.unparse(new.func) == "np.where":
            return f"a slope that is missing on one side of a mask: {_said(new.args[-1], roles)}"
        return ""
    if isinstance(new, ast.Subscript) and ast.unparse(new.value) == one:
        return f"an order that is not turned round: `{two}`" if "::-1" in two else f"an index that is missing: `{two}`"
    if not isinstance(new, ast.BinOp):
        return ""
    if jacobian := _jacobian(new):
        return jacobian
    if ast.unparse(new.left) == one:
        return _operand(new.op, new.right, roles, one)
    if isinstance(new.op, ast.Sub) and isinstance(new.left, ast.BinOp) and ast.unparse(new.left.left) == one:
        return "means that are treated as a constant each, although every entry moves them"  # e − mean(e) − a·mean(e·a)
    if isinstance(new.left, ast.Constant) and ast.unparse(new.right) == one and isinstance(new.op, ast.Sub):
        return f"a complement that is missing: `{one}` where `{two}` is due"
    return ""


def _jacobian(new: ast.BinOp) -> str:
    """p · (e − Σ e·p)"""
    inner = new.right
    if isinstance(new.op, ast.Mult) and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
        p, summed = ast.unparse(new.left), _summed(inner.right)
        if summed == f"{ast.unparse(inner.left)} * {p}":
            return "only the diagonal of the softmax Jacobian, without the sum over the row"
    return ""


def _summed(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean"):
        return ast.unparse(node.func.value)
    return ""


def _operand(op: ast.operator, other: ast.expr, roles: Roles, beside: str) -> str:
    """What is missing beside an expression."""
    words = ast.unparse(other)
    if isinstance(op, ast.Mult):
        if isinstance(other, ast.Compare):
            return f"a mask that is missing: `{words}`"
        if isinstance(other, ast.Constant):
            return f"a factor {words} is missing"
        if summed := _summed(other):
            return f"a factor is missing: {summed}, summed over axis {_axis(other)}, is missing"
        if _is_slope(other):
            return f"a derivative that is missing: the factor `{words}`"
        return f"a factor that is missing: {_said(other, roles)} is missing"
    if isinstance(op, ast.Div):
        if isinstance(other, ast.Call) and ast.unparse(other.func) == "len":
            return f"a missing division by the size of the batch, `{words}`"
        return f"a division that is missing: by {_said(other, roles)}"
    if isinstance(op, ast.Pow):
        return f"a square that is missing: of `{beside}`"
    if summed := _reduced(other):
        return f"a path through a sum or mean of `{summed}` that is treated as a constant: `{words}` is missing"
    if roles.get(words) == "the incoming gradient":
        return f"a path that is missing, as of a skip connection: `{words}` itself"
    if isinstance(other, ast.BinOp):
        return f"a path that is missing: the term `{words}`"
    sign = "" if isinstance(op, ast.Add) else "−"
    return f"a term that is missing: {sign}{_said(other, roles)} is missing"


def _reduced(node: ast.expr) -> str:
    return next((found for each in ast.walk(node) if isinstance(each, ast.expr) and (found := _summed(each))), "")


def _is_slope(node: ast.expr) -> bool:
    """1 − a, a(1 − a), 1 − a²"""
    if not isinstance(node, ast.BinOp):
        return False
    parts = [node, node.right] if isinstance(node.op, ast.Mult) else [node]
    return any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.Sub) and _is_one(p.left) for p in parts)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


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
    return f"{_said(old, roles)} where {_said(new, roles)} is due"


def _said(node: ast.expr, roles: Roles) -> str:
    words = ast.unparse(node)
    role = roles.get(words.removesuffix(".T"))
    return f"`{words}`, {role}," if role else f"`{words}`"


def _axis(node: ast.expr) -> str:
    return next((ast.unparse(k.value) for k in getattr(node, "keywords", []) if k.arg == "axis"), "")


def roles_of(trees: Mapping[str, ast.FunctionDef]) -> dict[str, str]:
    """What names of backward stand for, read from forward and from what a workshop keeps of it."""
    found = {"self.input": "the input", "self.output": "the output"}
    found |= {"self.prediction": "the prediction", "self.target": "the target"}
    if backward := trees.get("backward"):
        found |= {argument.arg: "the incoming gradient" for argument in backward.args.args[1:2]}
    if forward := trees.get("forward"):
        handed = [argument.arg for argument in forward.args.args[1:]]
        parts = ["the input"] if len(handed) == 1 else ["the prediction", "the target"]
        words = dict(zip(handed, parts, strict=False))
        for name, value in _kept(forward):
            if value in words:
                found[name] = words[value]
        back = [ast.unparse(node.value) for node in ast.walk(forward) if isinstance(node, ast.Return) and node.value]
        found |= {name: "the output" for name, value in _kept(forward) if back == [name] or back == [value]}
    return found


def _kept(forward: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(forward):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                yield from ((ast.unparse(a), ast.unparse(b)) for a, b in pairs if isinstance(a, ast.Attribute))
