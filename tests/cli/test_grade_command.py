"""nn grade: table, CSV, feedback, Gradescope's results, and what students may try."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from nnlaw.cli.output.grade_csv import to_csv
from nnlaw.nn.grade.check import CheckedSubmission
from nnlaw.nn.grade.rubric import Requirement, Rubric
from nnlaw.nn.grade.score import Grade, RequirementGrade
from nnlaw.nn.grade.submissions import Submission

GOOD = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T
class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(0, x)
    def backward(self, dy):
        return dy * (self.x > 0)
"""
WRONG = GOOD.replace("dy.sum(axis=0)", "dy.mean(axis=0)")
HANGS = GOOD.replace("        return np.maximum(0, x)", "        while True: pass")
EXCUSED = '''import numpy as np
from nnlaw import layer, obeys
@layer("dense")
@obeys("N ... -> N ...")
class Dense:
    expected = {"gradient": "my sign is better"}
    def forward(self, x):
        return 2 * x
    def backward(self, dy):
        return dy  # nnlaw: ignore[gradient] I like it
'''
RUBRIC = """[[require]]
name = "dense layer"
kind = "layer"
names = ["*dense*"]
points = 10
laws = { gradient = 6 }
[[require]]
name = "ReLU"
kind = "layer"
names = ["*relu*"]
points = 5
"""


@pytest.fixture
def folder(workplace: Path) -> Path:
    """A folder of submissions, and a rubric beside it."""
    (workplace / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    (workplace / "hw").mkdir()
    return workplace / "hw"


def write(folder: Path, **sources: str) -> None:
    """A file per student."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")


@pytest.mark.slow
def test_a_class_is_graded(folder: Path, nn: Any) -> None:
    """Table and CSV have a row per student, in order; a hang costs the class that hangs alone; copies are noted."""
    write(folder, ann=GOOD, bob=WRONG, cid=HANGS, dan=WRONG.replace("dy", "g"), eve="", fay=EXCUSED)
    code, out, err = nn("grade", "hw", "--rubric", "rubric.toml", "--timeout", "8", "--csv", "g.csv")
    assert code == 0 and "Traceback" not in out + err
    rows = {row["student"]: row for row in csv.DictReader(Path("g.csv").read_text().splitlines())}
    scores = {name: (float(row["score"]), row["out_of"]) for name, row in rows.items()}
    assert scores == {
        "ann": (15, "15"), "bob": (9, "15"), "cid": (10, "15"), "dan": (9, "15"), "eve": (0, "15"), "fay": (4, "15"),
    }  # fmt: skip
    assert rows["bob"]["dense layer"] == "4" and rows["bob"]["dense layer: gradient"] == "fail"
    assert rows["bob"]["dense layer: stale-gradient"] == "skipped" and rows["bob"]["copies"] == "dan"
    assert "timed out after 8 s" in rows["cid"]["problems"] and "nothing to check" in rows["eve"]["problems"]
    assert "my sign is better" in rows["fay"]["exceptions"] and "I like it" in rows["fay"]["exceptions"]
    assert "fay: declares an exception, which does not count: " in out and "bob: same code as dan" in out
    assert "gradient  █" in out and out.splitlines()[-1].startswith("6 students: mean 7.83 of 15")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hints", "cause", "fix"), [("none", False, False), ("cause", True, False), ("fix", True, True)]
)
def test_feedback_has_what_the_hints_allow(folder: Path, nn: Any, hints: str, cause: bool, fix: bool) -> None:
    """Line and numbers are in all of them; other students are not mentioned."""
    write(folder, ann=WRONG, bob=WRONG)
    args = ["hw", "--rubric", "rubric.toml", "--jobs", "1", "--feedback", "out", "--hints", hints]
    assert nn("grade", *args)[0] == 0
    text = Path("out/ann.md").read_text()
    assert text.startswith("# ann: 9 of 15\n") and "## dense layer: 4 of 10" in text
    assert "finite differences give" in text
    assert "    ann.py:" in text and "bob" not in text and str(folder) not in text
    assert ("likely cause" in text, "suggested fix" in text) == (cause, fix)
    assert ("self.db = dy.mean(axis=0)" in text) == fix  # without a fix, the line of `def backward`


@pytest.mark.slow
def test_gradescope_gets_one_test_per_requirement(folder: Path, nn: Any) -> None:
    """As its documentation describes; paths are relative to the submission."""
    (folder / "src").mkdir()
    (folder / "src/net.py").write_text(WRONG, encoding="utf-8")
    args = ["hw", "--single", "--rubric", "rubric.toml", "--gradescope", "results.json"]
    assert nn("grade", *args)[0] == 0
    found = json.loads(Path("results.json").read_text())
    assert found["score"] == 9 and isinstance(found["execution_time"], int) and found["stdout_visibility"] == "hidden"
    dense, relu = found["tests"]
    assert (dense["name"], dense["score"], dense["max_score"], dense["status"]) == ("dense layer", 4, 10, "failed")
    assert (relu["score"], relu["status"], relu["output_format"]) == (5, "passed", "md")
    assert "`src/net.py`" in dense["output"] and str(folder) not in Path("results.json").read_text()


@pytest.mark.slow
def test_a_rubric_of_a_reference_gives_it_all_points(workplace: Path, nn: Any) -> None:
    """It is printed, or written to a new file."""
    write(workplace, ref=GOOD)
    code, out, _ = nn("grade", "--new", "ref.py")
    assert code == 0 and nn("grade", "--new", "ref.py", "--rubric", "r.toml") == (0, "", "")
    assert Path("r.toml").read_text() == out
    assert nn("grade", "--new", "ref.py", "--rubric", "r.toml")[0] == 2
    (workplace / "hw").mkdir()
    write(workplace / "hw", ann=GOOD)
    assert "1 student: mean 20 of 20" in nn("grade", "hw", "--rubric", "r.toml")[1]


@pytest.mark.slow
@pytest.mark.parametrize(("source", "words"), [(WRONG, "Dense (failed)"), ("x = 1\n", "nothing to require")])
def test_a_reference_that_does_not_pass_is_refused(workplace: Path, nn: Any, source: str, words: str) -> None:
    """With the units that fail."""
    write(workplace, ref=source)
    code, out, err = nn("grade", "--new", "ref.py")
    assert (code, out) == (2, "") and words in err


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["hw"],
        ["hw", "--rubric", "nowhere.toml"],
        ["hw", "--rubric", "rubric.toml"],
        ["nowhere", "--rubric", "rubric.toml"],
        ["hw", "--new", "x.py"],
        ["hw", "--rubric", "rubric.toml", "--gradescope", "results.json"],
    ],
)
def test_bad_usage_is_one_sentence(folder: Path, nn: Any, args: list[str]) -> None:
    """Exit code 2; the folder has no submissions."""
    code, out, err = nn("grade", *args)
    assert code == 2 and out == "" and err.startswith("nn: ")


def test_cells_of_the_csv_are_not_formulas() -> None:
    """A spreadsheet shows names that begin like one as they are."""
    requirement = Requirement("dense", 10, ("layer",))
    checked = CheckedSubmission(Submission("=HYPERLINK(1)", problems=["@x"]), exceptions=["-1+1"])
    grade = Grade(checked, [RequirementGrade(requirement, reason="missing")], 10)
    (row,) = csv.DictReader(to_csv([grade], Rubric((requirement,))).splitlines())
    assert row["student"] == "'=HYPERLINK(1)" and row["exceptions"] == "'-1+1" and row["score"] == "0"
