"""nn grade on a class of 40 in mixed forms: everyone has a row, and the score that is known beforehand."""

import csv
from pathlib import Path
from typing import Any

import pytest
from class_folder import RUBRIC, make_class

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def test_a_class_of_forty(workplace: Path, nn: Any) -> None:
    """Hangs, notebooks, copies, forgeries, archives and empty submissions don't disturb the others."""
    (workplace / "hw").mkdir()
    expected = make_class(workplace / "hw")
    Path("rubric.toml").write_text(RUBRIC, encoding="utf-8")
    args = ["hw", "--rubric", "rubric.toml", "--csv", "grades.csv", "--feedback", "feedback", "--hints", "none"]
    code, out, err = nn("grade", *args, "--timeout", "20")
    rows = list(csv.DictReader(Path("grades.csv").read_text(encoding="utf-8").splitlines()))
    assert code == 0 and "Traceback" not in out + err and len(expected) == 40
    assert [row["student"] for row in rows] == sorted(expected)
    assert {row["student"]: float(row["score"]) for row in rows} == expected
    by_student = {row["student"]: row for row in rows}
    assert by_student["copy0"]["copies"] == "copy1, copy2, good0" and not by_student["bug0"]["copies"]
    assert {row["late"] for row in rows} == {"", "yes"} and by_student["bug5"]["late"] == "yes"
    assert out.startswith("Layers by hand\n")
    assert Path("feedback/good0.md").read_text(encoding="utf-8").startswith("# Layers by hand: good0: 40 of 40\n")
    assert len(list(Path("feedback").iterdir())) == 40 and not list(workplace.rglob("outside.py"))
    assert out.splitlines()[-1].startswith("40 students: ")
