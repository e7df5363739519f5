"""nn verify: declared exceptions, ignores, own laws, files without units, and the exit codes that follow."""

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SCHEMA = json.loads((files("nnlaw.spec") / "report.schema.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.slow

RIGHT, WRONG = "dy * np.sign(self.x)", "dy * self.x"
REASON = "as in the lecture"
INLINE = f"  # nnlaw: ignore[gradient] {REASON}"
LAW = """
from nnlaw import law
@law("{code}", kind="layer", family="numerics", statement="It fails.")
def fails(case):
    from nnlaw.spec import Violation
    raise Violation("{code}", array="output", actual="here", expected="elsewhere")
"""


def layer(file: str, backward: str, extra: str = "pass") -> None:
    """Write y = |x|, whose backward returns `backward`."""
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(
        "import numpy as np\nfrom nn import layer\nfrom spec import obeys\n"
        f'@layer("absolute")\n@obeys("N ... -> N ...")\nclass Absolute:\n    {extra}\n'
        "    def forward(self, x):\n        self.x = x\n        return np.abs(x)\n"
        f"    def backward(self, dy):\n        return {backward}\n"
    )


def declare(how: str, backward: str) -> None:
    """Write s/a.py with a declared exception of the law gradient."""
    extra = f"expected = {{'gradient': '{REASON}'}}" if how == "expected" else "pass"
    layer("s/a.py", backward + INLINE if how == "inline" else backward, extra)
    if how == "project":
        ignore = f'{{ law = "gradient", path = "s/*.py", reason = "{REASON}" }}'
        Path("pyproject.toml").write_text(f"[tool.nnlaw]\nignores = [{ignore}]\n")


@pytest.mark.parametrize("how", ["expected", "inline", "project"])
def test_a_declared_exception_is_shown_and_counted(how: str, workplace: Path, nn: Any) -> None:
    """In the table, the summary, CSV and JSON; --no-exceptions ignores it."""
    declare(how, WRONG)
    code, out, _ = nn("verify", "s/a.py", "--csv", "t.csv")
    source = {"expected": "expected", "inline": "s/a.py:12", "project": "pyproject.toml (s/*.py)"}[how]
    assert code == 0 and f"\n   declared exception: gradient: {REASON} ({source})\n" in out
    assert "laws, 1 declared exception)\n" in out and out.endswith("1 unit passed (absolute); 1 declared exception\n")
    (row,) = csv.DictReader(Path("t.csv").read_text().splitlines())
    assert (row["outcome"], row["failed"], row["exceptions"]) == ("passed", "", f"gradient: {REASON}")
    found = json.loads(nn("verify", "s/a.py", "--json")[1])
    Draft202012Validator(SCHEMA).validate(found)
    assert found["summary"]["exceptions"] == 1 and not found["unneeded_ignores"]
    (law,) = [law for law in found["units"][0]["laws"] if law["law"] == "gradient"]
    assert law["outcome"] == "fail" and law["exception"] == {"law": "gradient", "reason": REASON, "source": source}
    code, out, _ = nn("verify", "s/a.py", "--no-exceptions")
    assert code == 1 and "exception" not in out


@pytest.mark.parametrize("how", ["inline", "project"])
def test_an_unneeded_ignore_of_correct_code_is_reported(how: str, workplace: Path, nn: Any) -> None:
    """The code passes; unless the law is not among those that are checked."""
    declare(how, RIGHT)
    code, out, _ = nn("verify", "s")
    assert code == 0 and ": the ignore of gradient is not needed; remove it\n" in out and "exception" not in out
    assert len(json.loads(nn("verify", "s", "--json")[1])["unneeded_ignores"]) == 1
    assert "not needed" not in nn("verify", "s", "--law", "shape")[1]
    assert "not needed" not in nn("verify", "s", "--no-exceptions")[1]


def test_an_ignore_covers_nothing_else(workplace: Path, nn: Any) -> None:
    """Neither another law, nor another function, nor another file."""
    for file, backward, extra in (
        ("s/a.py", f"{WRONG}  # nnlaw: ignore[range] {REASON}", "pass"),
        ("s/b.py", WRONG, f"def other(self): return 1{INLINE}"),
    ):
        layer(file, backward, extra)
        code, out, _ = nn("verify", file)
        assert code == 1 and "not needed; remove it" in out and "gradient: dx of absolute.backward is wrong" in out
    declare("project", WRONG)
    layer("t/a.py", WRONG)
    assert nn("verify", "t/a.py")[0] == 1


def test_an_ignore_without_a_reason_is_refused(workplace: Path, nn: Any) -> None:
    """Its file is an error; in pyproject.toml the command ends."""
    layer("s/a.py", f"{WRONG}  # nnlaw: ignore[gradient]")
    layer("s/b.py", RIGHT)
    code, out, _ = nn("verify", "s")
    assert code == 2 and "error: s/a.py:12: can't ignore gradient without a reason" in out
    assert "s/b.py: absolute passed" in out
    Path("pyproject.toml").write_text('[tool.nnlaw]\nignores = [{ law = "gradient", path = "*" }]')
    code, _, err = nn("verify", "s/b.py")
    assert code == 2 and "pyproject.toml (*): can't ignore gradient without a reason" in err


def test_a_project_beside_what_is_checked_does_not_count(workplace: Path, nn: Any, monkeypatch: Any) -> None:
    """Only that of the current folder or above."""
    layer("s/a.py", WRONG)
    ignore = f'{{ law = "gradient", path = "*", reason = "{REASON}" }}'
    Path("s/pyproject.toml").write_text(f"[tool.nnlaw]\nignores = [{ignore}]\n")
    assert nn("verify", "s")[0] == 1
    Path("s/sub").mkdir()
    monkeypatch.chdir("s/sub")
    assert nn("verify", "../a.py")[0] == 0


def test_an_ignore_of_the_project_applies_to_the_file_that_is_checked(workplace: Path, nn: Any) -> None:
    """Not to one that only reports to be defined in another file."""
    declare("project", RIGHT)
    layer("t/a.py", WRONG)
    with Path("t/a.py").open("a") as file:
        moved = f"co_filename={str(workplace / 's/a.py')!r}"
        file.write(f"Absolute.backward.__code__ = Absolute.backward.__code__.replace({moved})\n")
    code, out, _ = nn("verify", "t/a.py")
    assert code == 1 and "exception" not in out


def test_project_settings_name_paths_seed_and_timeout(workplace: Path, nn: Any) -> None:
    """They are the defaults; what can't be used is refused."""
    layer("s/a.py", RIGHT)
    layer("loops.py", "0")
    Path("loops.py").write_text(Path("loops.py").read_text().replace("return np.abs(x)", "while True: pass"))
    Path("pyproject.toml").write_text('[tool.nnlaw]\npaths = ["s", "loops.py"]\nseed = 3\ntimeout = 5\n')
    code, out, _ = nn("verify")
    assert code == 2 and "timed out after 5 s" in out and "2 files, 2 classes: 1 passed, 1 error" in out
    for line, reason in (
        ("sed = 3", "unknown key 'sed'"), ("seed = -1", "seed = -1"), ("timeout = nan", "timeout = nan"),
        ("paths = 3", "paths = 3"), ("ignores = [1]", "ignores: 1"), ("seed = = 3", "can't be read"),
    ):  # fmt: skip
        Path("pyproject.toml").write_text(f"[tool.nnlaw]\n{line}\n")
        code, out, err = nn("verify", "s")
        assert (code, out) == (2, "") and reason in err, line


def test_a_law_in_a_checked_file_is_not_run(workplace: Path, nn: Any) -> None:
    """One line reports that. With --laws it is run, and so is one of another file."""
    layer("s/a.py", RIGHT)
    with Path("s/a.py").open("a") as file:
        file.write(LAW.format(code="own-of-a"))
    code, out, _ = nn("verify", "s/a.py")
    assert code == 0 and out.startswith("s/a.py: its own own-of-a is not run; add --laws s/a.py\n")
    assert json.loads(nn("verify", "s/a.py", "--json")[1])["laws_not_run"] == [{"file": "s/a.py", "laws": ["own-of-a"]}]
    Path("ours.py").write_text(LAW.format(code="our-own"))
    code, out, _ = nn("verify", "s/a.py", "--laws", "ours.py", "--law", "our-own")
    assert code == 1 and "our-own: output is here, expected elsewhere" in out
    code, out, _ = nn("verify", "s/a.py", "--laws", "s/a.py", "--law", "own-of-a")
    assert code == 1 and "not run" not in out and "nn laws own-of-a" not in out  # it has no page
    Path("ours.py").write_text("x = 1\n")
    for file, reason in (("ours.py", "no law is defined"), ("missing.py", "no such file")):
        code, _, err = nn("verify", "s/a.py", "--laws", file)
        assert code == 2 and reason in err


def test_a_file_with_nothing_to_check(workplace: Path, nn: Any) -> None:
    """Exit code 2 if it is named; in a folder it is listed, unless the folder has nothing else."""
    Path("s").mkdir()
    Path("s/plot.py").write_text("x = 1\n")
    code, out, _ = nn("verify", "s/plot.py")
    assert code == 2 and out.startswith("not checked: s/plot.py: ") and out.endswith("\ns/plot.py: nothing to check\n")
    assert nn("verify", "s")[0] == 2
    layer("s/a.py", RIGHT)
    code, out, _ = nn("verify", "s", "--csv", "t.csv")
    assert code == 0 and "\nnothing to check in 1 file: s/plot.py\n2 files, 1 class: 1 passed\n" in out
    rows = csv.DictReader(Path("t.csv").read_text().splitlines())
    assert [row["outcome"] for row in rows] == ["passed", "not checked"]
    assert nn("verify", "s", "s/plot.py")[0] == 2
    assert nn("verify", "s/plot.py", "--allow-unchecked")[0] == 0
    Path("s/plot.py").write_text("x = 1  # nnlaw: ignore[unchecked] it draws curves\n")
    code, out, _ = nn("verify", "s/plot.py")
    assert code == 0 and "declared exception: unchecked: it draws curves (s/plot.py:1)" in out


def metric(file: str, comment: str = "") -> None:
    """Write a metric whose definition is inconclusive: it has a setting that an accuracy does not have."""
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(
        'from nn import metric\n@metric("accuracy")\n'
        f"def share(p, y, *, top=2):{comment}\n"
        "    return float((p.argsort(axis=1)[:, -top:] == y[:, None]).any(1).mean())\n"
    )


def test_what_is_partly_checked_is_exit_code_2(workplace: Path, nn: Any) -> None:
    """Unless it is allowed, or ignored with a reason; beside a law that fails, too."""
    metric("s/a.py")
    code, out, _ = nn("verify", "s/a.py")
    assert code == 2 and out.startswith("partly checked: s/a.py: accuracy: definition: settings that "), out
    assert out.endswith("\ns/a.py: 0 of 1 unit passed, 1 partly checked (accuracy)\n")
    assert nn("verify", "s/a.py", "--law", "definition")[1].startswith("not checked: s/a.py: accuracy: definition: ")
    assert nn("verify", "s/a.py", "--allow-unchecked")[0] == 0
    layer("s/b.py", WRONG)
    assert nn("verify", "s")[0] == 2 and nn("verify", "s", "--allow-unchecked")[0] == 1
    for law in ("definition", "unchecked"):
        metric("s/a.py", f"  # nnlaw: ignore[{law}] a share of the best two")
        code, out, _ = nn("verify", "s/a.py")
        assert code == 0 and f"declared exception: {law}: a share of the best two (s/a.py:3)" in out
        assert out.startswith("partly checked: ") and nn("verify", "s/a.py", "--no-exceptions")[0] == 2
