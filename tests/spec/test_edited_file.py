"""Edits change their characters in the file and nothing else, or the file stays as it is."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nnlaw.spec.fixes.edited_file import OriginalFile
from nnlaw.spec.violation import BadInput, Edit


def edit(line: int, column: int, before: str, after: str) -> Edit:
    """An edit within one line."""
    return Edit("", line, column, line, column + len(before), before, after)


def rewritten(file: Path, *edits: Edit) -> bytes:
    """The bytes of the file after the edits are written."""
    original = OriginalFile.read(file)
    original.write(original.edited(edits))
    return file.read_bytes()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a = 1\r\nb = 2\r\n", b"a = 1\r\nb = 3\r\n"),
        (b"a = 1\rb = 2", b"a = 1\rb = 3"),
        (b"\xef\xbb\xbfa = 1\nb = 2\n", b"\xef\xbb\xbfa = 1\nb = 3\n"),
        (b"# -*- coding: latin-1 -*-\nb = 2 # \xe9", b"# -*- coding: latin-1 -*-\nb = 3 # \xe9"),
        (b"a = '\x0c'\nb = 2\t\n", b"a = '\x0c'\nb = 3\t\n"),
    ],
    ids=["crlf", "cr", "byte order mark", "latin-1", "form feed"],
)  # fmt: skip
def test_line_ends_and_encoding_are_kept(before: bytes, after: bytes, tmp_path: Path) -> None:
    """Every other byte of the file is as before."""
    (tmp_path / "net.py").write_bytes(before)
    assert rewritten(tmp_path / "net.py", edit(2, 5, "2", "3")) == after


def test_several_edits_and_several_lines(tmp_path: Path) -> None:
    """Edits have the places of the original; an edit over two lines has the line ends of the file."""
    (tmp_path / "net.py").write_bytes(b"f(a,\r\n  b)\r\nc = d = e\r\n")
    edits = [Edit("", 1, 1, 2, 5, "f(a,\n  b)", "g(a)\nh"), edit(3, 1, "c", "cc"), edit(3, 9, "e", "1")]
    assert rewritten(tmp_path / "net.py", *edits) == b"g(a)\r\nh\r\ncc = d = 1\r\n"


def test_mode_bits_and_links_are_kept(tmp_path: Path) -> None:
    """A symbolic link stays one, and nothing else is left in the folder."""
    (tmp_path / "net.py").write_text("a = 1\n")
    (tmp_path / "net.py").chmod(0o751)
    (tmp_path / "link.py").symlink_to("net.py")
    rewritten(tmp_path / "link.py", edit(1, 5, "1", "2"))
    assert (tmp_path / "link.py").is_symlink() and (tmp_path / "net.py").read_text() == "a = 2\n"
    assert (tmp_path / "net.py").stat().st_mode & 0o777 == 0o751
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.py", "net.py"]


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    """It is not written, and nothing is left beside it."""
    (tmp_path / "net.py").write_text("a = 1\n")
    original = OriginalFile.read(tmp_path / "net.py")
    (tmp_path / "net.py").write_text("a = 1 \n")
    with pytest.raises(BadInput, match="has changed since it was checked"):
        original.write(original.edited([edit(1, 5, "1", "2")]))
    assert (tmp_path / "net.py").read_text() == "a = 1 \n" and len(list(tmp_path.iterdir())) == 1


def test_an_edit_of_another_text_is_refused(tmp_path: Path) -> None:
    """The text at the place of the edit must be the one that it replaces, and the line must exist."""
    (tmp_path / "net.py").write_text("a = 1\n")
    original = OriginalFile.read(tmp_path / "net.py")
    for wrong in (edit(1, 5, "2", "3"), edit(7, 1, "a", "b"), replace(edit(1, 5, "1", "2"), end_line=9)):
        with pytest.raises(BadInput, match="the suggested fix can't be made"):
            original.edited([wrong])
    with pytest.raises(BadInput, match="the suggested fix can't be made"):  # not in the encoding of the file
        OriginalFile(original.path, b"# coding: ascii\na = 1\n").edited([edit(2, 5, "1", "é")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write to every file")
def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    """Although its folder would allow to replace it."""
    (tmp_path / "net.py").write_text("a = 1\n")
    (tmp_path / "net.py").chmod(0o444)
    with pytest.raises(BadInput, match="is read-only"):
        rewritten(tmp_path / "net.py", edit(1, 5, "1", "2"))


def test_a_diff_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a unified diff, also without a newline at the end."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text("a = 1\nb = 2")
    found = OriginalFile.read(Path("net.py")).diff([edit(2, 5, "2", "3")])
    end = "\\ No newline at end of file\n"
    assert found == f"--- net.py\n+++ net.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n{end}+b = 3\n{end}"
    assert Path("net.py").read_text() == "a = 1\nb = 2"


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["a = 1"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "a = 'é'"], "outputs": []},
        {"cell_type": "code", "source": "b = 2\nc = 3\n", "outputs": []},
    ],
    "metadata": {"name": "é"},
}


@pytest.mark.parametrize("form", [{"indent": 1, "ensure_ascii": False}, {"indent": "\t"}, {}], ids=["1", "tab", "flat"])
def test_a_notebook_is_edited_in_its_cells(form: Any, tmp_path: Path) -> None:
    """Lines count through the code cells; the form of the JSON stays."""
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps(NOTEBOOK, **form) + "\n", encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    after = rewritten(file, edit(2, 5, "'é'", '"ä"'), edit(4, 5, "3", "4")).decode()
    cells = json.loads(after)["cells"]
    assert cells[1]["source"] == ["%matplotlib inline\n", 'a = "ä"'] and cells[2]["source"] == "b = 2\nc = 4\n"
    assert len(after.splitlines()) == len(before.splitlines()) and after.endswith("}\n")
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert len(changed) == (1 if not form else 2)


def test_a_line_is_inserted_in_a_cell(tmp_path: Path) -> None:
    """And with the edit that needs it, at its own place; the first line of a cell, too."""
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    needed = edit(1, 1, "", "x = 1\n")
    rewritten(file, replace(edit(2, 5, "'é'", "x"), also=(needed,)))
    assert json.loads(file.read_text())["cells"][1]["source"] == ["x = 1\n", "%matplotlib inline\n", "a = x"]


def test_the_diff_of_a_notebook_names_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the lines of the cell, not those of the JSON."""
    monkeypatch.chdir(tmp_path)
    Path("net.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    found = OriginalFile.read(Path("net.ipynb")).diff([edit(4, 5, "3", "4")])
    assert found.startswith("--- net.ipynb: cell 2\n") and "\n-c = 3\n+c = 4\n" in found
