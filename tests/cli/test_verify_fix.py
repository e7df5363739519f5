"""nn verify --fix and --diff."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.slow
WRONG = """import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.mean(axis=0)
        return dy @ self.W.T
"""
RIGHT = WRONG.replace("mean", "sum")


@pytest.fixture
def file(workplace: Path) -> Path:
    """A layer with one mistake."""
    path = workplace / "net.py"
    path.write_text(WRONG)
    return path


def test_fix_changes_the_file_and_repeats_the_check(file: Path, nn: Any) -> None:
    """The summary and the exit code are those of the second check."""
    code, out, _ = nn("verify", "net.py", "--fix")
    assert code == 0 and file.read_text() == RIGHT
    assert "\nnet.py:15:19: fixed: dy.mean(axis=0) -> dy.sum(axis=0)\n" in out
    assert out.endswith("\nnet.py: 1 unit passed (Dense)\n")


def test_diff_prints_the_change_and_writes_nothing(file: Path, nn: Any) -> None:
    """Standard output has the diff alone, standard error the diagnostics; the exit code is that of the check."""
    code, out, err = nn("verify", "net.py", "--diff")
    assert code == 1 and file.read_text() == WRONG
    assert out.startswith("--- net.py\n+++ net.py\n@@ ") and "\n-        self.db = dy.mean(axis=0)\n" in out
    assert "likely cause: " in err and "likely cause: " not in out


def test_json_lists_the_fixes(file: Path, nn: Any) -> None:
    """With the units as they are in the second check; the schema describes them."""
    code, out, _ = nn("verify", "net.py", "--fix", "--json")
    found = json.loads(out)
    schema = json.loads((files("nnlaw.spec") / "report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(found)
    edit = {"line": 15, "column": 19, "before": "dy.mean(axis=0)", "after": "dy.sum(axis=0)"}
    assert code == 0 and found["fixes"] == [{"file": "net.py", "applied": [edit], "reason": ""}]
    assert found["units"][0]["outcome"] == "passed"


def test_a_passing_file_is_not_touched(file: Path, nn: Any) -> None:
    """Nor are options accepted that contradict each other."""
    file.write_text(RIGHT)
    before = file.stat()
    assert nn("verify", "net.py", "--fix")[0] == 0 and nn("verify", "net.py", "--diff")[1] == ""
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert nn("verify", "net.py", "--fix", "--diff")[0] == 2
