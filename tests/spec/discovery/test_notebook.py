"""spec/discovery/notebook.py: notebooks are read cell by cell."""

import inspect
import json
import traceback
from pathlib import Path

import pytest

from nnlaw.spec.discovery.load import load
from nnlaw.spec.discovery.notebook import place
from nnlaw.spec.violation import BadInput


def notebook(path: Path, *cells: str) -> Path:
    """Write a notebook with a text cell between two code cells."""
    rows = []
    for cell in cells:
        rows += [{"cell_type": "markdown", "source": "# Text"}]
        rows += [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []}]
    path.write_text(json.dumps({"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


def test_code_cells_without_magics(tmp_path) -> None:
    """Magics, shell commands and cells of other languages are left out, and the last definition wins."""
    path = notebook(
        tmp_path / "net.ipynb",
        "%matplotlib inline\n!pip install numpy\nimport numpy as np\nfiles = !ls\nnp.exp?",
        "%%bash\nrm -rf nothing\n",
        "def f(x):\n    return 1\n",
        "%%time\ndef f(x):\n    %time y = 2\n    return np.exp(x) + 1 / x\n",
    )
    loaded = load(path)
    assert loaded.names == ("f",) and not loaded.unavailable
    assert loaded.module.f(1.0) > 3
    assert loaded.path == path
    assert "np.exp(x)" in inspect.getsource(loaded.module.f)
    with pytest.raises(ZeroDivisionError) as raised:
        loaded.module.f(0)
    frame = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert place(frame.filename, frame.lineno or 0) == "cell 4, line 4"
    assert frame.line == "return np.exp(x) + 1 / x"


def test_a_cell_that_is_not_python_is_left_out(tmp_path) -> None:
    """A cell with a syntax error is listed; the other cells are loaded, and reasons name cell and line."""
    path = notebook(tmp_path / "net.ipynb", "def f(:\n", "await x\n", "A = 1\nB = A / 0\n", "def g(): return B\n")
    loaded = load(path)
    assert loaded.names == ("B", "g", "A") or set(loaded.names) == {"A", "B", "g"}
    assert loaded.unavailable["B"] == "cell 3, line 2: ZeroDivisionError: division by zero"
    assert loaded.unavailable["cell 1"].startswith("cell 1, line 1: ") and "cell 2" in loaded.unavailable


def test_future_imports_in_any_cell(tmp_path) -> None:
    """Each cell of a notebook may begin with imports from __future__."""
    path = notebook(tmp_path / "net.ipynb", "x = 1\n", "from __future__ import annotations\ndef f(y: Late): return y\n")
    assert load(path).module.f(2) == 2


def test_what_is_no_notebook_is_bad_input(tmp_path) -> None:
    """Text that is not a notebook, and a notebook without a Python 3 cell, are refused in one sentence."""
    path = tmp_path / "net.ipynb"
    path.write_text("nothing")
    with pytest.raises(BadInput, match=r"net\.ipynb: not a notebook"):
        load(path)
    with pytest.raises(BadInput, match=r"no code cell is Python 3: cell 1, line 1: Missing parentheses"):
        load(notebook(path, "print 1"))
    assert place("other.py", 3) == "line 3"
