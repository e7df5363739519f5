"""Ignore comments: the laws they name, the lines they cover, and what is refused."""

from pathlib import Path

import pytest

from nnlaw.spec.declared_exceptions import DeclaredException, checked_exception, ignore_comments, laws_defined_in
from nnlaw.spec.violation import BadInput, Location

SOURCE = '''"""A comment in a string does not count: # nnlaw: ignore[gradient] no"""
class First:  # nnlaw: ignore[gradient, shape] a class
    x = 1

    def forward(self, x):
        return x  # noqa: E1  # nnlaw: ignore[range] a line

    @property
    def rate(self): return 1  # nnlaw: ignore[finite] a one-liner

class Second: pass
# nnlaw: ignore[unchecked] the file
'''


def comments(folder: Path, source: str) -> list[DeclaredException]:
    """The exceptions in a file with this source."""
    (folder / "a[1].py").write_text(source, encoding="utf-8")
    return ignore_comments(str(folder / "a[1].py"))


def test_a_comment_covers_the_function_or_class_around_it(tmp_path: Path) -> None:
    """Outside of both it covers the file."""
    found = {row.law: (row.reason, row.first, row.last) for row in comments(tmp_path, SOURCE)}
    assert found == {
        "gradient": ("a class", 2, 9), "shape": ("a class", 2, 9), "range": ("a line", 5, 6),
        "finite": ("a one-liner", 8, 9), "unchecked": ("the file", 0, 0),
    }  # fmt: skip


def test_a_comment_covers_its_own_file_and_lines(tmp_path: Path) -> None:
    """Brackets in a file name are not a pattern."""
    row = next(row for row in comments(tmp_path, SOURCE) if row.law == "range")
    file = str(tmp_path / "a[1].py")
    assert row.covers([Location(path=file, line=6)]) and row.covers([Location(), Location(path=file, line=5)])
    for place in (Location(path=file, line=7), Location(path=str(tmp_path / "a1.py"), line=6), Location(path=file)):
        assert not row.covers([place])


@pytest.mark.parametrize(
    ("comment", "reason"),
    [("ignore[gradient]", "a.1..py:3: can't ignore gradient without a reason"),
     ("ignore[gradient] \u200b\u2060 -", "can't ignore gradient without a reason"),
     ("ignore[gradeint] why", "did you mean gradient"),
     ("ignore it", "name the laws"), ("ignore", "name the laws"), ("ignore[] why", "name the laws")],
)  # fmt: skip
def test_a_comment_needs_a_law_and_a_reason(tmp_path: Path, comment: str, reason: str) -> None:
    """Otherwise it is refused, with its line."""
    with pytest.raises(BadInput, match=reason):
        comments(tmp_path, f"\n\nx = 1  # nnlaw: {comment}\n")


def test_a_file_has_a_limited_number_of_ignores(tmp_path: Path) -> None:
    """A file can't make the search for comments slow."""
    with pytest.raises(BadInput, match="more than 200 ignores"):
        comments(tmp_path, "def f(): pass  # nnlaw: ignore[gradient] x\n" * 20_000)


@pytest.mark.parametrize("source", ["x = = 3  # nnlaw: ignore[gradient] why", "\0", "# -*- coding: nonsense -*-"])
def test_a_file_that_is_no_python_has_no_comments(tmp_path: Path, source: str) -> None:
    """Importing it reports what is wrong; neither does a missing file have any."""
    assert comments(tmp_path, source) == [] == ignore_comments(str(tmp_path / "missing.py"))


def test_a_pattern_matches_files_and_folders() -> None:
    """The folder itself, or a glob."""
    places = [Location(path="/work/old/sub/a.py", line=3)]
    for pattern, is_match in (("old", True), ("old/", True), ("*/a.py", True), ("ol", False), ("b.py", False)):
        assert checked_exception("gradient", "why", "here", f"/work/{pattern}").covers(places) is is_match, pattern


def test_laws_in_a_file_are_found_without_running_it(tmp_path: Path) -> None:
    """By the decorator, under any module name."""
    file = tmp_path / "laws.py"
    file.write_text(
        'raise 1\n@law("a", kind="layer")\ndef a(case): ...\n@nnlaw.law("b")\ndef b(case): ...\n@x\ndef c(): ...'
    )
    assert laws_defined_in(str(file)) == ["a", "b"]
