"""What the names in a plugin's source stand for: the input, the output, the incoming gradient.

    roles_of({"forward": tree, "backward": tree})       {"self.x": "the input", "dy": "the incoming gradient", ...}
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

Roles = Mapping[str, str]


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


def said(node: ast.expr, roles: Roles) -> str:
    """An expression as it is written, with what it stands for."""
    words = ast.unparse(node)
    role = roles.get(words.removesuffix(".T"))
    return f"`{words}`, {role}," if role else f"`{words}`"
