"""Fixes are applied if each is the only one of its unit, and undone if the file does not pass then."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.fix import FixedFile, applicable_edits, apply_fixes
from nnlaw.nn.verify.supervisor import CheckOptions, TargetResult
from nnlaw.spec.fixes.edited_file import OriginalFile
from nnlaw.spec.violation import Edit, Suggestion, Violation

pytestmark = pytest.mark.slow
Fixed = Callable[..., FixedFile]
DENSE = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.mean(axis=0)
        return dy @ self.W.T
"""


@pytest.fixture
def checked(check_source: Callable[..., TargetResult], tmp_path: Path) -> tuple[OriginalFile, TargetResult]:
    """A file with one wrong layer as it was, and the result of its check."""
    result = check_source(DENSE + "# @layer: code as it is, without a registered unit\n")
    return OriginalFile.read(tmp_path / "mine.py"), result


def with_edits(result: TargetResult, *edits: Edit) -> TargetResult:
    """The result with another suggestion."""
    (report,) = result.reports
    violation = Violation.from_dict(report["violations"][0])
    changed = violation.with_fields(suggestion=Suggestion(edits)).to_dict()
    return replace(result, reports=[{**report, "violations": [changed]}])


def test_a_unique_fix_is_written_and_the_check_repeated(checked: Any, tmp_path: Path) -> None:
    """The file passes then."""
    original, result = checked
    fixed = apply_fixes(original, result, CheckOptions())
    assert [edit.after for edit in fixed.applied] == ["dy.sum(axis=0)"] and not fixed.reason
    assert fixed.result is not None and fixed.result.reports[0]["outcome"] == "passed"
    assert original.data.replace(b"mean", b"sum") == (tmp_path / "mine.py").read_bytes()


def test_all_edits_of_a_fix_are_made(check_source: Callable[..., TargetResult], tmp_path: Path) -> None:
    """Here the one that stores the input, which `backward` needs."""
    source = DENSE.replace("        self.x = x\n", "").replace("self.x.T", "dy.T").replace("dy.mean", "dy.sum")
    result = check_source(source + "# @layer: code as it is, without a registered unit\n")
    original = OriginalFile.read(tmp_path / "mine.py")
    assert "+        self.x = x\n" in original.diff(applicable_edits(result))
    fixed = apply_fixes(original, result, CheckOptions())
    assert fixed.result is not None and fixed.result.reports[0]["outcome"] == "passed" and len(fixed.applied) == 2
    assert DENSE.replace("dy.mean", "dy.sum") in (tmp_path / "mine.py").read_text()


def test_a_fix_whose_edits_can_not_all_be_made_is_left_out(checked: Any, tmp_path: Path) -> None:
    """None of its edits is made."""
    original, result = checked
    (edit,) = applicable_edits(result)
    other = with_edits(result, replace(edit, also=(replace(edit, path=str(tmp_path / "other.py")),)))
    fixed = apply_fixes(original, other, CheckOptions())
    assert not fixed.applied and fixed.reason
    assert (tmp_path / "mine.py").read_bytes() == original.data


def test_a_fix_that_does_not_help_is_undone(checked: Any, tmp_path: Path) -> None:
    """Here an edit that makes the gradient wrong in another way."""
    original, result = checked
    (edit,) = applicable_edits(result)
    fixed = apply_fixes(original, with_edits(result, replace(edit, after="dy.max(axis=0)")), CheckOptions())
    assert not fixed.applied and "gradient of Dense fails" in fixed.reason and "was restored" in fixed.reason
    assert (tmp_path / "mine.py").read_bytes() == original.data


def test_of_several_fixes_none_is_applied(checked: Any, tmp_path: Path) -> None:
    """Nor one in another file, or one for a file that has changed."""
    original, result = checked
    (edit,) = applicable_edits(result)
    cases = [
        (with_edits(result, edit, replace(edit, line=1)), "several fixes fit Dense"),
        (with_edits(result, replace(edit, path=str(tmp_path / "other.py"))), "other.py"),
    ]
    for other, reason in cases:
        fixed = apply_fixes(original, other, CheckOptions())
        assert not fixed.applied and reason in fixed.reason
    (tmp_path / "mine.py").write_bytes(original.data + b"\n")
    assert "has changed since" in apply_fixes(original, result, CheckOptions()).reason
    assert (tmp_path / "mine.py").read_bytes() == original.data + b"\n"
