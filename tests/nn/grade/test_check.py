"""nn/grade/check.py: submissions are checked one by one, and each leaves the others alone."""

import os
import sys
from pathlib import Path

import pytest

from nnlaw.nn.grade import check as module
from nnlaw.nn.grade.check import GradeOptions, check_submissions
from nnlaw.nn.grade.rubric import Rubric
from nnlaw.nn.grade.submissions import submissions

pytestmark = pytest.mark.slow

RELU = """import numpy as np
class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(0, x)
    def backward(self, dy):
        return dy * (self.x > 0)
"""
NEVER_IMPORTED = "open({!r}, 'w')\nclass A:\n    pass\n"


def checked(folder: Path, **options: int) -> dict[str, list[str]]:
    """Units with their outcomes, and problems, by student."""
    with submissions(folder) as found:
        rows = list(check_submissions(found, Rubric(()), GradeOptions(**options)))
    units = [[f"{file}: {each['name']} {each['outcome']}" for file, each in row.reports] for row in rows]
    return {row.submission.student: names + row.problems for row, names in zip(rows, units, strict=True)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_order_and_paths_do_not_depend_on_the_number_of_workers(tmp_path: Path, jobs: int) -> None:
    """Paths are relative to the folder of the student; the current folder stays."""
    for student in ("cid", "ann", "bob"):
        (tmp_path / student / "src").mkdir(parents=True)
        (tmp_path / student / "src" / "net.py").write_text(RELU, encoding="utf-8")
    before, paths = os.getcwd(), list(sys.path)
    found = checked(tmp_path, jobs=jobs)
    assert list(found.items()) == [(name, ["src/net.py: ReLU passed"]) for name in ("ann", "bob", "cid")]
    assert (os.getcwd(), sys.path) == (before, paths)


def test_modules_of_a_student_are_not_imported_here(tmp_path: Path) -> None:
    """Not even if they are named like those that laws use, and the current folder was on the path."""
    (tmp_path / "hw" / "eve").mkdir(parents=True)
    (tmp_path / "hw/eve/net.py").write_text(RELU, encoding="utf-8")
    for name in ("bdb", "colorsys", "wave"):
        (tmp_path / f"hw/eve/{name}.py").write_text(NEVER_IMPORTED.format(str(tmp_path / "imported")), encoding="utf-8")
    sys.path.insert(0, "")
    try:
        assert "net.py: ReLU passed" in checked(tmp_path / "hw", jobs=1)["eve"]
    finally:
        sys.path.remove("")
    assert not (tmp_path / "imported").exists()


def test_files_without_definitions_are_not_run(tmp_path: Path) -> None:
    """Only those that can't be read are reported."""
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann/data.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "ann/net.py").write_text(RELU, encoding="utf-8")
    (tmp_path / "bob.ipynb").write_text("[" * 50_000, encoding="utf-8")
    found = checked(tmp_path, jobs=1)
    assert found["ann"] == ["net.py: ReLU passed"] and found["bob"][0] == "bob.ipynb: bob error"


def test_places_outside_the_submission_are_not_shown(tmp_path: Path) -> None:
    """Code whose file name is that of another student is located in its own file."""
    for student in ("ann", "bob"):
        (tmp_path / student).mkdir()
    (tmp_path / "ann/net.py").write_text(RELU, encoding="utf-8")
    wrong = RELU.replace("return dy * (self.x > 0)", "return 2 * dy * (self.x > 0)")
    other = f"co_filename={str(tmp_path / 'ann/net.py')!r}"
    patch = f"ReLU.backward.__code__ = ReLU.backward.__code__.replace({other})\n"
    (tmp_path / "bob/net.py").write_text(wrong + patch, encoding="utf-8")
    with submissions(tmp_path) as found:
        _, row = check_submissions(found, Rubric(()), GradeOptions(timeout=60, jobs=1))
    assert "failed" in str(row.reports) and "ann" not in str(row.reports)


def test_a_definition_that_hangs_or_exits_is_left_out(tmp_path: Path) -> None:
    """It is an error under its name, with the line, and the rest of the file is checked."""
    hangs = RELU.replace("ReLU", "Hangs").replace("        return dy * (self.x > 0)", "        while True: pass")
    exits = RELU.replace("ReLU", "Exits").replace("        self.x = x\n", "        import os; os._exit(0)\n")
    (tmp_path / "ann.py").write_text(hangs + exits + RELU, encoding="utf-8")
    with submissions(tmp_path) as found:
        (row,) = check_submissions(found, Rubric(()), GradeOptions(timeout=8, jobs=1))
    outcomes = {report["name"]: report["outcome"] for _, report in row.reports}
    assert outcomes == {"Hangs": "error", "Exits": "error", "ReLU": "passed"}
    reasons = {report["name"]: report["reason"] for _, report in row.reports}
    assert reasons["Hangs"] in {f"ann.py:7: timed out after {n} s" for n in (8, 16)}  # 16: it was tried once more
    assert reasons["Exits"] == "ann.py:11: called os._exit"


def test_a_bug_in_nn_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are graded."""
    for student in ("ann", "bob"):
        (tmp_path / f"{student}.py").write_text(RELU, encoding="utf-8")
    real = module._check_file

    def failing(checked: module.CheckedSubmission, file: str, options: GradeOptions) -> None:
        if file == "ann.py":
            raise KeyError("a bug")
        real(checked, file, options)

    monkeypatch.setattr(module, "_check_file", failing)
    found = checked(tmp_path, jobs=1)
    assert "internal error" in found["ann"][0] and found["bob"] == ["bob.py: ReLU passed"]
