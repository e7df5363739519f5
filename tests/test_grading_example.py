"""examples/grading: the autograder for Gradescope, as its harness runs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "grading"

pytestmark = pytest.mark.slow


def autograde(root: Path, submission: str) -> dict[str, object]:
    """Run the autograder on a submission, in the folders that the harness makes; its results.json."""
    shutil.copytree(EXAMPLE, root / "source")
    (root / "submission").mkdir()
    (root / "submission" / "hw.py").write_text(submission, encoding="utf-8")
    nn = root / "nn"
    nn.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nnlaw "$@"\n')
    nn.chmod(0o755)
    environment = {**os.environ, "AUTOGRADER": str(root), "NN": str(nn)}
    script = str(root / "source" / "run_autograder")
    subprocess.run([script], env=environment, cwd=root, check=True, capture_output=True, timeout=300)
    found: dict[str, object] = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    return found


def test_the_solution_gets_all_points(tmp_path: Path) -> None:
    """Every requirement of the rubric is met, training as well."""
    found = autograde(tmp_path, (EXAMPLE / "solution.py").read_text(encoding="utf-8"))
    tests = found["tests"]
    assert found["score"] == 50 and isinstance(tests, list) and [test["status"] for test in tests] == ["passed"] * 5


def test_a_wrong_bias_costs_the_points_of_its_gradient(tmp_path: Path) -> None:
    """The output shows the line and the likely cause, not the fix."""
    source = (EXAMPLE / "solution.py").read_text(encoding="utf-8").replace("dy.sum(axis=0)", "dy.mean(axis=0)", 1)
    tests = autograde(tmp_path, source)["tests"]
    assert isinstance(tests, list)
    dense = tests[0]
    assert (dense["name"], dense["score"], dense["max_score"]) == ("dense layer", 4, 10)
    assert "hw.py:" in dense["output"] and "likely cause" in dense["output"] and "suggested fix" not in dense["output"]


def test_an_empty_submission_gets_results(tmp_path: Path) -> None:
    """With 0 points and the reason."""
    found = autograde(tmp_path, "")
    assert found["score"] == 0 and "nothing to check" in str(found["output"])


@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_the_scripts_are_valid_and_executable(script: str) -> None:
    """bash parses them."""
    assert os.access(EXAMPLE / script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(EXAMPLE / script)]).returncode == 0
