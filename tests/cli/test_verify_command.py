"""nn verify, nn new: what they print and write, and how they end."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nnlaw.cli.main import run
from nnlaw.nn.plugins.registry import KINDS
from nnlaw.nn.verify.supervisor import check_target
from nnlaw.nn.verify.targets import check_unit, units_in_file
from nnlaw.spec.law import laws_of

RIGHT = """from nn import layer
from spec import obeys
@layer("{name}")
@obeys("N ... -> N ...")
class Twice:
    def forward(self, x):
        return 2 * x
    def backward(self, dy):
        return {slope} * dy
"""


@pytest.fixture
def folder(workplace: Path) -> Path:
    """Three submissions and what is none."""
    (workplace / "work").mkdir()
    (workplace / "work/ann.py").write_text(RIGHT.format(name="double", slope=2))
    (workplace / "work/bob.py").write_text("print('<bob>\\x01')\n" + RIGHT.format(name="twice", slope=1))
    (workplace / "work/eve.py").write_text("x = = 3\n")
    (workplace / "work/_notes.py").write_text("")
    return workplace / "work"


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    code = run(list(args))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_one_file_shows_every_law_and_the_diagnostic(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With place, cause and smallest input; what it printed is shown apart; exit code 1."""
    code, out, _ = ran(capsys, "verify", "work/bob.py")
    assert code == 1 and "layer twice: failed" in out and "--- work/bob.py printed ---\n<bob>" in out
    assert "skipped         depends on gradient" in out
    assert "bob.py:10: gradient: dx of twice.backward is wrong" in out and "dx[0, " in out and "likely cause: " in out
    assert "smallest x that shows it: [[0.0, 0.0, 0.0, 0.0]]" in out and "1 plugin: 1 failed;" in out
    assert ran(capsys, "verify", "work/ann.py")[0] == 0
    assert ran(capsys, "verify", "work/ann.py", "--law", "gradient")[0] == 0


def test_a_folder_becomes_a_table_with_a_row_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the same in CSV and JUnit; 2 wins over 1; hidden files are left out."""
    code, out, _ = ran(capsys, "verify", "work", "--jobs", "1", "--csv", "t.csv", "--junit", "t.xml")
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("work/") and ".py " in line}
    assert code == 2 and list(rows) == ["work/ann.py", "work/bob.py", "work/eve.py"]
    assert "passed" in rows["work/ann.py"] and rows["work/bob.py"].endswith("gradient")
    assert "eve.py:1: invalid syntax" in rows["work/eve.py"] and "3 plugins: 1 passed, 1 failed, 1 error" in out
    table = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert [row["outcome"] for row in table] == ["passed", "failed", "error"] and table[1]["failed"] == "gradient"
    assert "likely cause" in table[1]["diagnostic"] and table[0]["diagnostic"] == ""
    suites = list(ElementTree.parse("t.xml").getroot())
    assert [(s.get("failures"), s.get("errors")) for s in suites] == [("0", "0"), ("1", "0"), ("0", "1")]
    assert int(suites[1].get("skipped", "0")) >= 2 and int(suites[0].get("tests", "0")) >= 9


def test_files_that_are_not_the_users_own_are_left_out_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies in run folders, virtual environments and hidden folders is not run; where nothing is left, it says."""
    for place in ("runs/r/plugins", "runs/s", "venv/lib", ".old", "__pycache__"):
        (folder / place).mkdir(parents=True)
        (folder / place / "x.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")
    marks = [f"runs/{which}/{name}" for which in "rs" for name in ("config.toml", "record.json")]
    for mark in ("venv/pyvenv.cfg", *marks):
        (folder / mark).touch()
    _, out, err = ran(capsys, "verify", "work", "--jobs", "1")
    assert "3 plugins" in out and not Path("ran").exists()
    left = "1 hidden folder (work/.old), 1 virtual environment (work/venv), 2 run folders (work/runs/r, ...)"
    assert f"work: left out: {left}\n" in err
    code, _, err = ran(capsys, "verify", "work/runs")
    assert code == 2 and "no Python files in this folder (left out: 2 run folders (work/runs/r, ...))" in err


def test_json_is_the_documented_form(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output and nothing else on it; what the plugin printed goes to standard error."""
    code, out, err = ran(capsys, "verify", "work/bob.py", "--json")
    (plugin,) = json.loads(out)["plugins"]
    assert code == 1 and "<bob>" in err and plugin["file"] == "work/bob.py"
    assert (plugin["name"], plugin["kind"], plugin["outcome"]) == ("twice", "layer", "failed")
    assert {"law", "outcome", "reason", "depends_on"} == set(plugin["laws"][0])
    (violation,) = plugin["violations"]
    wanted = {"law", "location", "array", "index", "actual", "expected", "message", "cause", "input"}
    assert wanted <= set(violation) and violation["input"] == {"x": [[0.0] * 4]}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nowhere/mine.py"], "no such file"),
        (["empty"], "no Python files in this folder"),
        (["relux"], "nearest: relu"),
        (["no.such.module"], "no such file, folder, module or built-in plugin"),
        (["work/ann.py", "--law", "gradeint"], "nearest: gradient"),
        (["work/ann.py", "--law", "zzz"], "nn laws lists them"),
        (["work/ann.py", "--csv", "nowhere/t.csv"], "cannot be written"),
        (["work/ann.py", "--timeout", "0"], "0.1"),
        (["text.txt"], "expected a Python file"),
    ],
)
def test_bad_usage_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """And exit code 2."""
    (folder.parent / "empty").mkdir()
    (folder.parent / "text.txt").write_text("")
    code, out, err = ran(capsys, "verify", *args)
    assert code == 2 and words in out + err and "Traceback" not in out + err


def test_names_and_modules_are_found(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A built-in name, one with settings, a module in the current folder."""
    (workplace / "mylayers.py").write_text(RIGHT.format(name="twice", slope=2))
    code, out, _ = ran(capsys, "verify", "relu", "dense", "dropout:rate=0.2", "mylayers", "--jobs", "1")
    assert code == 0 and "4 plugins: 4 passed" in out


def test_all_the_built_in_plugins_are_judged(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an argument; a row each, and none is broken."""
    code, out, _ = ran(capsys, "verify", "--jobs", "1")
    assert "layer dense" in out and "model network" in out and "failed" not in out and " error" not in out
    assert code == (0 if all(any(laws_of(kind)) for kind in KINDS) else 2)


def test_every_skeleton_holds(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every kind, by every law there is."""
    for kind in KINDS:
        assert ran(capsys, "new", kind, f"my-{kind}") == (0, f"my_{kind}.py\nNext: nn verify my_{kind}.py\n", "")
    source = "".join(Path(f"my_{kind}.py").read_text() for kind in KINDS)
    Path("all.py").write_text(source)
    found = {report["kind"]: report for report in check_target({"file": "all.py"}).reports}
    assert set(found) == set(KINDS)
    for kind, report in found.items():
        assert report["outcome"] == ("passed" if any(laws_of(kind)) else "inconclusive"), report


def test_a_skeleton_never_overwrites(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And goes where it is told to."""
    assert ran(capsys, "new", "layer", "swish", "--output", "a.py")[0] == 0
    before = Path("a.py").read_text()
    assert 'nn verify a.py' in before and '@layer("swish")' in before
    code, _, err = ran(capsys, "new", "loss", "other", "--output", "a.py")
    assert code == 2 and "a.py exists" in err and Path("a.py").read_text() == before


@pytest.mark.parametrize(
    ("kind", "name", "own"),
    [
        ("layer", "swish", True), ("layer", "silu", True), ("layer", "mish", False), ("loss", "hinge", False),
        ("optimizer", "heavy_ball", True), ("initializer", "glorot_uniform", True), ("schedule", "linear", True),
        ("metric", "error", False), ("model", "mlp", True),
    ],
)  # fmt: skip
def test_a_standard_name_is_told_of_where_the_skeleton_computes_something_else(
    workplace: Path, capsys: pytest.CaptureFixture[str], kind: str, name: str, own: bool
) -> None:
    """It says so exactly where the name is not kept; every other law holds even so."""
    said = ran(capsys, "new", kind, name, "--output", "a.py")[1]
    assert ("law definition" in said) is not own
    (record,) = units_in_file(Path("a.py"))
    broken = {found.law for found in check_unit(record, [], 0).violations}
    assert bool(broken) is not own and broken <= {"definition", "metric-known"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["lair", "x"], "no kind of plugin is called 'lair'"),
        (["layer", "2x"], "can't name a plugin"),
        (["layer", "class"], "can't name a plugin"),
        (["layer", "../x"], "can't name a plugin"),
        (["layer", "relu"], "is built in"),
        (["layer", "x", "--output", "nowhere/x.py"], "cannot be written"),
    ],
)
def test_new_refuses_what_can_be_no_plugin(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """In one sentence; nothing is written."""
    code, _, err = ran(capsys, "new", *args)
    assert code == 2 and words in err and not list(workplace.iterdir())
