"""nn verify: output, JSON, CSV, exit codes, and the choice of files."""

import csv
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nnlaw.nn.plugins.registry import KINDS
from nnlaw.spec.law import laws_of

pytestmark = pytest.mark.slow

SCHEMA = json.loads((files("nnlaw.spec") / "report.schema.json").read_text(encoding="utf-8"))

LAYER = """from nn import layer
from spec import obeys
@layer("{name}")
@obeys("N ... -> N ...")
class Twice:
    def forward(self, x):
        return 2 * x
    def backward(self, dy):
        return {slope} * dy
"""
HANGS = """from nn import layer
from spec import obeys
@layer("slow")
@obeys("N ... -> N ...")
class Slow:
    def forward(self, x):
        while True: pass
    def backward(self, dy):
        return dy
"""


@pytest.fixture
def folder(workplace: Path) -> Path:
    """A correct file, a wrong one that prints, one with a syntax error, and one that is left out."""
    (workplace / "work").mkdir()
    (workplace / "work/ann.py").write_text(LAYER.format(name="double", slope=2))
    (workplace / "work/bob.py").write_text("class Run: print('<bob>\\x1b[2J')\n" + LAYER.format(name="twice", slope=1))
    (workplace / "work/eve.py").write_text("x = = 3\n")
    (workplace / "work/_notes.py").write_text("")
    return workplace / "work"


def test_a_failing_file_prints_its_diagnostic_and_a_summary(folder: Path, nn: Any) -> None:
    """The diagnostic has an excerpt and the law's page; skipped laws are one line; exit code 1."""
    code, out, err = nn("verify", "work/bob.py")
    assert code == 1 and err == ""
    assert re.search(r"^work/bob\.py:10(:\d+)?: gradient: dx of twice\.backward is wrong$", out, re.M)
    assert "10 |         return 1 * dy\n" in out and "\n   dx[0, " in out and "\n   suggested fix: " in out
    assert "\n   more: nn laws gradient\n" in out and "smallest failing input" not in out
    assert "\nwork/bob.py: twice failed 1 of " in out and " laws skipped: they depend on gradient\n" in out
    assert out.endswith("\n\nwork/bob.py: 0 of 1 unit passed, 1 failed (twice)\n")


def test_output_of_the_code_is_shown_without_control_characters(folder: Path, nn: Any) -> None:
    """It is shown between two marks, each line with a mark of its own."""
    out = nn("verify", "work/bob.py")[1]
    assert out.startswith("--- output of work/bob.py ---\n| <bob>\\x1b[2J\n---\n\n")


def test_a_passing_file_is_two_lines(folder: Path, nn: Any) -> None:
    """One for the class, with the number of laws, and the summary; exit code 0."""
    code, out, _ = nn("verify", "work/ann.py")
    first, blank, last = out.splitlines()
    assert (code, blank) == (0, "") and first.startswith("work/ann.py: double passed (") and first.endswith(" laws)")
    assert last == "work/ann.py: 1 unit passed (double)"
    assert nn("verify", "work/ann.py", "--law", "gradient")[1].startswith("work/ann.py: double passed (1 law)\n")


def test_verbose_shows_every_law_and_the_smallest_input(folder: Path, nn: Any) -> None:
    """Also laws that are n.a., with the reason."""
    out = nn("verify", "work/bob.py", "-v")[1]
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in out.splitlines() if line.startswith("   ")}
    assert rows["gradient"] == ["fail"] and rows["shape"] == ["pass"] and rows["domain"][0] == "n.a."
    assert rows["stale-gradient"][0] == "skipped" and rows["stale-gradient"][1].startswith("depends on gradient")
    assert "smallest failing input: x = [[0.0, 0.0, 0.0, 0.0]]" in out


def test_quiet_shows_the_summary_alone(folder: Path, nn: Any) -> None:
    """Exit codes stay; --quiet and --verbose exclude each other."""
    assert nn("verify", "work/bob.py", "-q") == (1, "work/bob.py: 0 of 1 unit passed, 1 failed (twice)\n", "")
    assert nn("verify", "work/bob.py", "-q", "-v")[0] == 2


def test_a_folder_is_checked_file_by_file(folder: Path, nn: Any) -> None:
    """The form is the same as for one file; an error wins over a failure in the exit code."""
    code, out, _ = nn("verify", "work", "--jobs", "1")
    assert code == 2 and out.startswith("work/ann.py: double passed (")
    assert "gradient: dx of twice.backward is wrong" in out
    assert "\n\nerror: " in out and "work/eve.py:1: invalid syntax\n" in out
    assert out.endswith("\n3 files, 2 classes: 1 passed, 1 failed; 1 file could not be checked\n")


def test_a_timeout_is_an_error_with_its_line(workplace: Path, nn: Any) -> None:
    """The message begins with file and line."""
    Path("slow.py").write_text(HANGS)
    code, out, _ = nn("verify", "slow.py", "--timeout", "1")
    assert code == 2 and out == (
        "error: slow.py:7: layer slow: timed out after 1 s\n\nslow.py: 0 of 1 unit passed, 1 error (slow)\n"
    )


def test_csv_has_one_row_per_file(folder: Path, nn: Any) -> None:
    """Outcome, units, number of passed laws, failed laws, and the first diagnostic."""
    assert nn("verify", "work", "--jobs", "1", "--csv", "t.csv")[0] == 2
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert list(rows[0]) == ["file", "outcome", "units", "passed", "failed", "diagnostic", "exceptions", "not checked"]
    assert [row["outcome"] for row in rows] == ["passed", "failed", "error"]
    assert [row["units"] for row in rows] == ["layer:double", "layer:twice", "file:eve"]
    assert int(rows[0]["passed"]) > int(rows[1]["passed"]) > 5 and rows[1]["failed"] == "gradient"
    assert rows[0]["diagnostic"] == "" and "; likely cause: " in rows[1]["diagnostic"]
    assert "work/eve.py:1: invalid syntax" in rows[2]["diagnostic"]


def test_json_has_units_and_a_summary(folder: Path, nn: Any) -> None:
    """Standard output holds nothing else; what the code printed goes to standard error."""
    code, out, err = nn("verify", "work", "--json", "--jobs", "1")
    found = json.loads(out)
    assert code == 2 and "<bob>\\x1b[2J" in err and set(found) == set(SCHEMA["properties"])
    Draft202012Validator(SCHEMA).validate(found)
    assert found["summary"] == {
        "files": 3, "files_not_loaded": 1, "files_with_nothing_to_check": 0, "exceptions": 0,
        "units": 2, "passed": 1, "failed": 1, "partly checked": 0, "not checked": 0,
        "error": 0,
    }  # fmt: skip
    unit = found["units"][1]
    assert (unit["file"], unit["name"], unit["kind"], unit["outcome"]) == ("work/bob.py", "twice", "layer", "failed")
    assert {"law", "outcome", "reason", "depends_on"} <= set(unit["laws"][0])
    (violation,) = unit["violations"]
    expected = {"law", "location", "array", "index", "actual", "expected", "message", "cause", "input"}
    assert expected <= set(violation) and violation["input"] == {"x": [[0.0] * 4]}


def test_junit_is_refused_with_what_to_use_instead(folder: Path, nn: Any) -> None:
    """The option of version 0.1 is hidden; exit code 2."""
    code, out, err = nn("verify", "work/ann.py", "--junit", "t.xml")
    assert (code, out) == (2, "") and "pytest --nn-plugin FILE --junitxml OUT" in err and not Path("t.xml").exists()
    assert "--junit" not in nn("verify", "--help")[1]


def test_files_that_are_not_the_users_own_are_left_out_and_listed(folder: Path, nn: Any) -> None:
    """Files in run folders, virtual environments and hidden folders are not run."""
    for place in ("runs/r/plugins", "runs/s", "venv/lib", ".old", "__pycache__"):
        (folder / place).mkdir(parents=True)
        (folder / place / "x.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")
    marks = [f"runs/{which}/{name}" for which in "rs" for name in ("config.toml", "record.json")]
    for mark in ("venv/pyvenv.cfg", *marks):
        (folder / mark).touch()
    _, out, err = nn("verify", "work", "--jobs", "1")
    assert "\n3 files, " in out and not Path("ran").exists()
    left_out = "1 hidden folder (work/.old), 1 virtual environment (work/venv), 2 run folders (work/runs/r, ...)"
    assert f"work: left out: {left_out}\n" in err
    code, _, err = nn("verify", "work/runs")
    assert code == 2 and "no Python files in this folder (left out: 2 run folders (work/runs/r, ...))" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nowhere/mine.py"], "no such file"),
        (["empty"], "no Python files in this folder"),
        (["relux"], "did you mean relu"),
        (["no.such.module"], "no such file, folder, module or built-in plugin"),
        (["work/ann.py", "--law", "gradeint"], "did you mean gradient"),
        (["work/ann.py", "--law", "zzz"], "nn laws lists all laws"),
        (["work/ann.py", "--csv", "nowhere/t.csv"], "cannot be written"),
        (["work/ann.py", "--timeout", "0"], "0.1"),
        (["text.txt"], "expected a Python file"),
    ],
)
def test_bad_usage_is_one_sentence(folder: Path, nn: Any, args: list[str], words: str) -> None:
    """Exit code 2, and no traceback."""
    (folder.parent / "empty").mkdir()
    (folder.parent / "text.txt").write_text("")
    code, out, err = nn("verify", *args)
    assert code == 2 and words in out + err and "Traceback" not in out + err


def test_names_and_modules_are_found(workplace: Path, nn: Any) -> None:
    """A built-in name, one with settings, and a module in the current folder."""
    (workplace / "mylayers.py").write_text(LAYER.format(name="twice", slope=2))
    code, out, _ = nn("verify", "relu", "dense", "dropout:rate=0.2", "mylayers", "--jobs", "1")
    assert code == 0 and out.startswith("layer relu passed (") and "\nmylayers: twice passed (" in out
    assert out.endswith("\n4 classes: 4 passed\n")


def test_all_built_in_plugins_pass(workplace: Path, nn: Any) -> None:
    """Without an argument, each has a line."""
    code, out, _ = nn("verify", "--jobs", "1")
    assert "layer dense passed" in out and "model network passed" in out and "failed" not in out and "error:" not in out
    assert code == (0 if all(any(laws_of(kind)) for kind in KINDS) else 2)
    assert " units: " in out.splitlines()[-1]
