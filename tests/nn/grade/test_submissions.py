"""nn/grade/submissions.py: whose file is whose."""

import os
import zipfile
from pathlib import Path

import pytest

from nnlaw.nn.grade.submissions import Submission, submissions
from nnlaw.spec.violation import BadInput


def found(path: Path, **options: bool) -> dict[str, Submission]:
    """The submissions by student; their folders may be gone."""
    with submissions(path, **options) as rows:
        return {row.student: row for row in rows}


def write(folder: Path, *names: str) -> None:
    """Files with a line of code."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n", encoding="utf-8")


def test_folders_files_and_notebooks(tmp_path: Path) -> None:
    """Paths are relative to the student's folder; caches and hidden files are left out."""
    write(tmp_path, "ann/hw1.py", "ann/lib/util.py", "ann/__pycache__/x.py", "ann/.git/x.py", "bob.py", "cid.ipynb")
    rows = found(tmp_path)
    assert list(rows) == ["ann", "bob", "cid"]
    assert rows["ann"].files == ["hw1.py", "lib/util.py"] and rows["bob"].files == ["bob.py"]


def test_exports_of_moodle(tmp_path: Path) -> None:
    """With a folder per student, and without; files of one student belong together."""
    write(
        tmp_path, "Ann Lee_482913_assignsubmission_file_/hw3.py", "Bob Roe_77_assignsubmission_file_/a.py",
        "Cid Ek_5_assignsubmission_file_net.py", "Cid Ek_5_assignsubmission_file_loss.py",
        "Bob Roe_77_assignsubmission_onlinetext_/onlinetext.html",
    )  # fmt: skip
    rows = found(tmp_path)
    assert {name: row.id for name, row in rows.items()} == {"Ann Lee": "482913", "Bob Roe": "77", "Cid Ek": "5"}
    assert rows["Cid Ek"].files == ["loss.py", "net.py"] and rows["Bob Roe"].files == ["a.py"]


def test_exports_of_canvas(tmp_path: Path) -> None:
    """Late ones are marked, and zip files unpacked."""
    write(tmp_path, "leeann_LATE_4127_99120_hw3.py", "roebob_4128_99121_hw3-1.py")
    with zipfile.ZipFile(tmp_path / "ekcid_4129_99122_hw.zip", "w") as opened:
        opened.writestr("hw/net.py", "x = 1\n")
    rows = found(tmp_path)
    assert [(row.student, row.id, row.late) for row in rows.values()] == [
        ("ekcid", "4129", False), ("leeann", "4127", True), ("roebob", "4128", False),
    ]  # fmt: skip
    assert rows["ekcid"].files == ["hw/net.py"] and rows["roebob"].files == ["hw3-1.py"]


def test_students_of_one_name_are_two_rows(tmp_path: Path) -> None:
    """Their numbers differ."""
    write(tmp_path, "Ann Lee_1_assignsubmission_file_a.py", "Ann Lee_2_assignsubmission_file_a.py")
    with submissions(tmp_path) as rows:
        assert [(row.student, row.id) for row in rows] == [("Ann Lee", "1"), ("Ann Lee", "2")]


def test_an_export_may_be_a_zip_file(tmp_path: Path) -> None:
    """With or without a folder around the students."""
    for outer in ("", "export/"):
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as opened:
            opened.writestr(f"{outer}ann/hw.py", "x = 1\n")
            opened.writestr(f"{outer}bob.py", "x = 1\n")
        assert list(found(tmp_path / "all.zip")) == ["ann", "bob"]


def test_what_can_not_be_used_is_a_problem_of_its_student(tmp_path: Path) -> None:
    """Empty folders, other files, damaged archives, links and pipes each have a row, and nothing raises."""
    (tmp_path / "empty").mkdir()
    write(tmp_path, "report/essay.pdf", "essay.docx", "real/hw.py")
    (tmp_path / "damaged.zip").write_bytes(b"no zip")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/hw.py").symlink_to(tmp_path / "real/hw.py")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe/hw.py")
    os.mkfifo(tmp_path / "fifo.py")
    rows = found(tmp_path)
    assert {name: row.files for name, row in rows.items() if row.files} == {"real": ["hw.py"]}
    problems = {name: "; ".join(row.problems) for name, row in rows.items() if row.problems}
    assert problems["empty"] == "empty" and "essay.pdf" in problems["report"]
    assert "not a readable" in problems["damaged"]
    assert "link.py: a link" in problems["link"] and "not a regular file" in problems["linked"]
    assert "neither a file nor a folder" in problems["fifo"]
    assert "not a regular file" in problems["pipe"] and set(problems) == set(rows) - {"real"}


def test_archives_in_a_folder_are_unpacked_beside_its_files(tmp_path: Path) -> None:
    """The folder itself stays as it is."""
    write(tmp_path, "ann/hw.py")
    with zipfile.ZipFile(tmp_path / "ann/rest.zip", "w") as opened:
        opened.writestr("net.py", "x = 1\n")
    assert found(tmp_path)["ann"].files == ["hw.py", "rest/net.py"]
    assert sorted(each.name for each in (tmp_path / "ann").iterdir()) == ["hw.py", "rest.zip"]


def test_a_single_submission(tmp_path: Path) -> None:
    """A folder or a file of one student."""
    write(tmp_path, "submission/hw.py", "submission/more/net.py")
    assert found(tmp_path / "submission", single=True)["submission"].files == ["hw.py", "more/net.py"]
    assert found(tmp_path / "submission/hw.py", single=True)["hw"].files == ["hw.py"]


def test_entries_of_the_teacher_are_left_out(tmp_path: Path) -> None:
    """Such as the rubric."""
    write(tmp_path, "ann.py", "rubric.toml")
    with submissions(tmp_path, without={tmp_path / "rubric.toml"}) as rows:
        assert [row.student for row in rows] == ["ann"]


def test_no_submissions_are_refused(tmp_path: Path) -> None:
    """An empty folder, and a file that is not a zip file."""
    write(tmp_path / "other", "ann.py")
    (tmp_path / "none").mkdir()
    for path in (tmp_path / "none", tmp_path / "other/ann.py", tmp_path / "nowhere"):
        with pytest.raises(BadInput), submissions(path):
            pass
