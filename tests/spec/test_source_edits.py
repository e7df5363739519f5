"""An edit locates the changed expression in the author's file, and applying it gives the changed function."""

import ast
import textwrap

import pytest

from nnlaw.spec.fixes.mutate import mutations
from nnlaw.spec.fixes.source_edits import function_at, smallest_edit
from nnlaw.spec.violation import Edit

FILE = '''\
"""A layer."""
import numpy as np


class Mine:
    @staticmethod
    def first(x):
        return x

    def backward(self, dy):
        # ä: columns count characters, not bytes
        self.grads["W"] = self.x.T @ dy; äh = dy * 2
        if self.bias:
            self.grads["b"] = dy.sum(axis=0)
        total = (dy * self.p).sum(
            axis=0,  # the batch
            keepdims=True,
        )
        a, b = total, äh
        return self.p * (dy - total) + (a
                                        + b)
'''


def backward(text: str = FILE) -> ast.FunctionDef:
    """The function in a file."""
    found = function_at(text, "backward", FILE.split("\n").index("    def backward(self, dy):") + 1)
    assert found is not None
    return found


def edit_of(before: str, after: str) -> Edit:
    """The edit of the file that changes `before`, in the normal form of ast.unparse, to `after`."""
    original = backward()
    text = ast.unparse(original)
    assert text.count(before) == 1
    changed = ast.parse(text.replace(before, after)).body[0]
    assert isinstance(changed, ast.FunctionDef)
    edit = smallest_edit("mine.py", FILE, original, changed)
    assert edit is not None
    return edit


@pytest.mark.parametrize(
    ("before", "after", "found", "fixed"),
    [
        ("dy.sum(axis=0)", "dy.sum(axis=1)", "axis=0", "axis=1"),
        ("dy.sum(axis=0)", "dy.mean(axis=0)", "dy.sum(axis=0)", "dy.mean(axis=0)"),
        ("dy.sum(axis=0)", "dy.sum()", "dy.sum(axis=0)", "dy.sum()"),
        ("self.x.T @ dy", "self.x @ dy", "self.x.T", "self.x"),
        ("self.x.T @ dy", "dy.T @ self.x", "self.x.T @ dy", "dy.T @ self.x"),
        ("dy * 2", "dy * 3", "2", "3"),
        ("dy * 2", "dy * -1", "2", "-1"),
        ("dy * 2", "(dy + dy) * 2", "dy", "(dy + dy)"),
        ("dy * 2", "dy * 2 * self.grads['W']", "dy * 2", 'dy * 2 * self.grads["W"]'),
        ("äh = dy * 2", "äh += dy * 2", "äh = dy * 2", "äh += dy * 2"),
        ("äh = dy * 2", "pass", "äh = dy * 2", ""),
        ("self.grads['b'] = dy.sum(axis=0)", "pass", 'self.grads["b"] = dy.sum(axis=0)', "pass"),
        ("a, b = (total, äh)", "b, a = (total, äh)", "a, b", "b, a"),
        ("self.p * (dy - total)", "self.p * (dy + total)", "dy - total", "dy + total"),
        ("(a + b)", "(a + b) * self.p", "(a\n                                        + b)",
         "(a\n                                        + b) * self.p"),
        ("self.p * (dy - total)", "self.p * (dy * total)", "dy - total", "dy * total"),
        ("(dy * self.p).sum(axis=0, keepdims=True)", "(dy * self.p).sum(axis=1, keepdims=True)", "axis=0", "axis=1"),
        ("(dy * self.p).sum", "(dy * self.x * (self.x < 0)).sum", "dy * self.p", "dy * self.x * (self.x < 0)"),
    ],
)  # fmt: skip
def test_the_smallest_expression_that_differs_is_replaced(before: str, after: str, found: str, fixed: str) -> None:
    """In the author's text where that stays: quotes, line breaks and comments are kept."""
    edit = edit_of(before, after)
    assert (edit.before, edit.after) == (found, fixed)


def test_line_and_column_count_from_one_in_characters() -> None:
    """And the end is behind the last character."""
    edit = edit_of("dy * 2", "dy * 3")
    line = FILE.split("\n")[edit.line - 1]
    assert (edit.line, edit.end_line) == (12, 12) and line[edit.column - 1 : edit.end_column - 1] == "2"
    edit = edit_of("(a + b)", "(a - b)")
    assert (edit.line, edit.end_line) == (20, 21)
    assert FILE.split("\n")[20][: edit.end_column - 1].endswith("+ b")


def test_swapped_statements_are_one_edit() -> None:
    """From the start of the first to the end of the second."""
    body = "def f(x):\n    a = x  # first\n    x = -a\n    return x\n"
    original, changed = (function_at(body, "f", 1) for _ in range(2))
    assert original is not None and changed is not None
    changed.body[:2] = changed.body[1::-1]
    edit = smallest_edit("f.py", body, original, changed)
    assert edit is not None and edit.apply(body) == "def f(x):\n    x = -a  # first\n    a = x\n    return x\n"


def test_a_deleted_statement_leaves_valid_code() -> None:
    """Nothing is left of it, or `pass` if the body would be empty."""
    for before, left in (("a = 1\n    return x", ""), ("if x:\n        a = 1\n    return x", "pass")):
        body = f"def f(x):\n    {before}\n"
        original, changed = (function_at(body, "f", 1) for _ in range(2))
        assert original is not None and changed is not None
        owner = changed.body[0].body if isinstance(changed.body[0], ast.If) else changed.body
        owner[0] = ast.Pass()
        edit = smallest_edit("f.py", body, original, changed)
        assert edit is not None and (edit.before.strip(), edit.after) == ("a = 1", left)
        assert edit.apply(body) == body.replace("a = 1" if left else "a = 1\n    ", left)


def test_every_mutation_has_an_edit() -> None:
    """Applied to the file, it gives the mutated function."""
    original, tree = backward(), backward()
    operands = [ast.parse(text, mode="eval").body for text in ("self.x", "self.grads['W']", "len(dy)")]
    for i, mutation in enumerate(mutations(tree, operands)):
        if i % 29 == 0:
            edit = smallest_edit("mine.py", FILE, original, tree)
            assert edit is not None, ast.unparse(mutation.statement)
            body = textwrap.dedent("\n".join(map(ast.unparse, backward(edit.apply(FILE)).body)))
            assert body.replace("pass\n", "") == "\n".join(map(ast.unparse, tree.body)).replace("pass\n", "")


def test_a_decorated_function_is_found_by_its_first_line() -> None:
    """Which is that of the decorator, as in its code object."""
    assert function_at(FILE, "first", 6) is not None and function_at(FILE, "first", 7) is None
