"""Every diagnostic tells what a person needs: where, which array at which index, what is, and what was expected."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import diagnostics as script
import numpy as np
import pytest

from nnlaw.spec import CATALOGUE, LayerCase, LossCase, Violation
from nnlaw.spec.law import Law
from nnlaw.spec.law_docs import load

ROOT = Path(__file__).parents[2]
FILES = [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in (*script.LAWS, *script.FAULTS)]
PAGE = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8").splitlines()


@cache
def broken(path: Path) -> list[Violation]:
    """What is said of one file, which is judged once for all tests."""
    found: list[Violation] = script.violations(path)
    return found


@pytest.mark.parametrize("path", FILES)
def test_the_page_tells_what_is_said(path: Path) -> None:
    """Word for word, numbers within a hundredth."""
    (kept,) = [line for line in PAGE if f"/{path.parent.name}/{path.name})" in line]
    (found,) = broken(path)
    now = script.row(path.parent.name, path, found)
    if found.law == "seeded":  # another draw each time, which is what it says
        kept, now = (script.NUMBER.sub("0", text) for text in (kept, now))
    assert not script.differs(kept, now), f"run benchmarks/diagnostics.py where this is meant:\n{now}\n{kept}"


@pytest.mark.parametrize("law", CATALOGUE.values(), ids=lambda law: f"{law.kind}-{law.code}")
def test_the_page_tells_what_each_law_states(law: Law) -> None:
    """In the words of the catalogue."""
    assert PAGE.count(script.stated(law)) == 1


@pytest.mark.parametrize("path", FILES)
def test_the_place_is_where_the_method_is_written(path: Path) -> None:
    """The line that is named stands in the method that is named, or in some method where none is."""
    for found in broken(path):
        if found.where.file == path.name:
            spans = [(min([node.lineno, *(mark.lineno for mark in node.decorator_list)]), node.end_lineno or 0)
                     for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                     if isinstance(node, ast.FunctionDef) and found.where.method in ("", node.name)]  # fmt: skip
            assert any(first <= found.where.line <= last for first, last in spans), found.message


@pytest.mark.parametrize("path", FILES)
def test_what_is_said_is_of_one_piece(path: Path) -> None:
    """An index is told as one, and what is found is not what was expected."""
    for found in broken(path):
        assert not re.search(r"\[\d+(, \d+)*\]$", found.array), found.message
        assert found.index is None or all(type(i) is int and i >= 0 for i in found.index), found.message
        actual, expected = (text.partition(",")[0].partition(" ")[0] for text in (found.actual, found.expected))
        assert actual != expected or not re.fullmatch(r"[-\d.e+]+", actual), found.message
        assert "None" not in (found.array, found.expected), found.message


def _shapes(case: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of what a layer or loss takes and gives."""
    if isinstance(case, LossCase):
        return {"d prediction": case.prediction.shape}
    if not isinstance(case, LayerCase):
        return {}
    layer = case.fresh()
    with np.errstate(all="ignore"):
        y = np.shape(layer.forward(case.x.copy()))
    params = {f"d{name}": array.shape for name, array in getattr(layer, "params", {}).items()}
    return {"input": case.x.shape, "dx": case.x.shape, "output": y, "the output": y} | params


@pytest.mark.parametrize("path", script.LAWS, ids=lambda path: path.stem)
def test_an_index_is_one_of_the_array_that_is_named(path: Path) -> None:
    """As many numbers as it has axes, each within its length."""
    for found in broken(path):
        for name, shape in _shapes(load(path).case()).items():
            if found.index is not None and re.match(rf"{name}( |$)", found.array) and " row" not in found.array:
                assert len(found.index) == len(shape), found.message
                assert all(i < n for i, n in zip(found.index, shape, strict=True)), found.message


def test_words_are_compared_exactly_and_numbers_nearly() -> None:
    """A word, an index or a number that is off by more than a hundredth differs; rounding does not."""
    assert not script.differs("dx[3, 3] is 2.5522", "dx[3, 3] is 2.5523")
    assert not script.differs("off by 3e-12", "off by -1.4e-9")
    for other in ("dx[3, 2] is 2.5522", "dx[3, 3] is 2.6", "dW[3, 3] is 2.5522", "dx[3] is 2.5522"):
        assert script.differs("dx[3, 3] is 2.5522", other)
