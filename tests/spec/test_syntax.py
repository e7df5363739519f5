"""Tests of spec/syntax.py."""

import ast
import gc
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nnlaw.spec.syntax import parse, parse_expression


def test_trees_are_those_of_ast() -> None:
    """Statements and expressions become the trees that ast gives."""
    assert ast.dump(parse("x = 1\n")) == ast.dump(ast.parse("x = 1\n"))
    assert ast.dump(parse_expression("a @ b.T")) == ast.dump(ast.parse("a @ b.T", mode="eval").body)
    with pytest.raises(SyntaxError, match=r"mine\.py"):
        parse("x = (", "mine.py")


def test_threads_parse_the_same_text() -> None:
    """Threads that change in the middle of parsing all get a tree; ast.parse raises SystemError then in Python 3.11."""
    text = "value = " + "+".join(["f(a, [b, {c: (d, e)}])"] * 40)
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()

    def change_threads(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(change_threads)
    try:
        with ThreadPoolExecutor(4) as pool:
            trees = list(pool.map(parse, [text] * 200))
    finally:
        gc.callbacks.remove(change_threads)
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert len(trees) == 200
