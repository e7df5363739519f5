"""A function is changed in one place at a time, and every change is undone before the next."""

import ast
from collections.abc import Iterator

from nnlaw.spec.fixes.mutate import Mutation, mutations


def parsed(source: str) -> ast.FunctionDef:
    """The function in `source`."""
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def mutated(tree: ast.FunctionDef, *operands: str) -> Iterator[Mutation]:
    """The mutations of `tree` with these operands."""
    return mutations(tree, [ast.parse(text, mode="eval").body for text in operands])


def test_the_tree_is_restored() -> None:
    """Every change is undone before the next one."""
    source = "def f(a, b):\n    c = a @ b.T\n    c += a[1:] * 2\n    return np.where(a > 0, c, -b).sum(axis=0)"
    tree = parsed(source)
    seen = {ast.unparse(tree) for _ in mutated(tree, "b")}
    assert ast.unparse(tree) == source and len(seen) > 50


def test_every_mutation_compiles() -> None:
    """New nodes have a location."""
    tree = parsed("def f(a, b):\n    c = a[1:b] * 2\n    c += a[:-1]\n    return np.where(a > 0, c, -b).sum(axis=0)")
    for _ in mutated(tree, "b", "len(a)"):
        compile(ast.Module([tree], []), "f.py", "exec")


def test_only_statements_without_a_term_are_deleted() -> None:
    """A new value of a name, a factor and a call; not a term, nor what is stored: forward may lack it."""
    source = "def f(self, x):\n    y = x * 2\n    y *= 3\n    y += 1\n    self.db = y\n    h(y)\n    return y"
    tree = parsed(source)
    found = {ast.unparse(tree) for _ in mutated(tree)}
    assert {source.replace(each, "pass") for each in ("y = x * 2", "y *= 3", "h(y)")} <= found
    assert not {source.replace(each, "pass") for each in ("y += 1", "self.db = y", "return y")} & found


def test_the_function_of_a_call_is_not_replaced() -> None:
    """No other expression takes the place of its name."""
    tree = parsed("def f(a, b):\n    return g(a) + b")
    called = {
        ast.unparse(node.func) for _ in mutated(tree, "b") for node in ast.walk(tree) if isinstance(node, ast.Call)
    }
    assert "g" in called and "b" not in called


def test_a_size_is_not_an_axis() -> None:
    """Names and lengths are not tried as the axis of a sum."""
    tree = parsed("def f(a, b):\n    return a.sum(axis=0)")
    nodes = (node for _ in mutated(tree, "b") for node in ast.walk(tree))
    axes = {ast.unparse(node.value) for node in nodes if isinstance(node, ast.keyword)}
    assert axes <= {"0", "1", "-1", "2", "3", "0.5", "True", "-0"} and "1" in axes


def test_lengths_count_the_statement_before_and_after() -> None:
    """A deleted statement has no text after."""
    source = "def f(x):\n    y = x * 2\n    return y"
    tree = parsed(source)
    assert {m.length for m in mutated(tree) if m.code == "extra-statement"} == {len("y = x * 2")}


def test_a_mutation_can_be_applied_later() -> None:
    """The tree contains it inside the block alone, also after later mutations; swapped and renamed statements, too."""
    source = "def f(a, b):\n    c = a * (1 - a)\n    d = b\n    c += a[1:] * 2\n    return np.where(a > 0, c, -b)"
    tree = parsed(source)
    found = [(mutation, ast.unparse(tree)) for mutation in mutated(tree, "b")]
    assert {"statements-swapped", "wrong-name"} <= {mutation.code for mutation, _ in found}
    for mutation, text in found:
        with mutation.applied():
            assert ast.unparse(tree) == text
        assert ast.unparse(tree) == source
