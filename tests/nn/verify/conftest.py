"""The source of a correct layer, and a check of a source in a worker."""

import ast
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.supervisor import CheckOptions, TargetResult, check_target

HEAD = """import atexit, os, subprocess, sys, time
import numpy as np
from nn import layer, loss, schedule
from spec import law, obeys
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write four lines of imports and a source to mine.py, or another file of the same folder."""

    def write_file(source: str, name: str = "mine.py") -> Path:
        file = tmp_path / name
        file.write_text(HEAD + source, encoding="utf-8")
        return file

    return write_file


@pytest.fixture
def check_source(write: Callable[..., Path]) -> Callable[..., TargetResult]:
    """Write mine.py and check it in a worker.

    A source without a registered unit gets one: else only its definitions would be loaded. Its statements run in the
    body of a class, since the others of a file that registers something are not run either.
    """

    def check(source: str, **options: Any) -> TargetResult:
        source = in_classes(source)
        if not any(f"@{kind}" in source for kind in ("layer", "loss", "schedule")):
            source += '\n@schedule("steady")\ndef steady(t):\n    return 1.0\n'
        return check_target({"file": str(write(source))}, CheckOptions(**options))

    return check


def in_classes(source: str) -> str:
    """The source with each statement that runs something in the body of a class."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    lines = source.splitlines(keepends=True)
    for node in reversed(tree.body):
        if isinstance(node, ast.Expr | ast.Raise | ast.For | ast.Try | ast.While | ast.With):
            text = "".join(lines[node.lineno - 1 : node.end_lineno])
            one_line = isinstance(node, ast.Expr | ast.Raise) and node.lineno == node.end_lineno
            wrapped = f"class Run: {text}" if one_line else "class Run:\n" + textwrap.indent(text, "    ")
            lines[node.lineno - 1 : node.end_lineno] = [wrapped]
    return "".join(lines)


@pytest.fixture
def layer_source() -> Callable[..., str]:
    """The source of a layer y = 2 x: nine lines, of which the seventh is the body of forward."""

    def source(name: str = "good", forward: str = "return 2 * x") -> str:
        return f"""
@layer("{name}")
@obeys("N ... -> N ...")
class {name}:
    def forward(self, x):
        {forward}
    def backward(self, dy):
        return 2 * dy
"""

    return source


@pytest.fixture
def outcomes() -> Callable[[TargetResult], list[tuple[str, str]]]:
    """Name and outcome of each report."""
    return lambda result: [(report["name"], report["outcome"]) for report in result.reports]
