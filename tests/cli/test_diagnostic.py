"""The diagnostic on a terminal: excerpt, carets, rounding, wrapping, and colors."""

import io
import itertools
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nnlaw.cli.output.console import console
from nnlaw.cli.output.diagnostic import Diagnostic
from nnlaw.cli.output.streams import clean
from nnlaw.spec.violation import Edit, Location, Suggestion, Violation

SOURCE = """class Softmax:
    def backward(self, dy):
        return self.p * (dy - (dy * self.p).sum(axis=0, keepdims=True))
"""
FIX = Edit("layers.py", 3, 49, 3, 55, "axis=0", "axis=1")
OTHER = Edit("layers.py", 2, 9, 2, 17, "backward", "forward")


@pytest.fixture
def violation(workplace: Path) -> Violation:
    """A wrong gradient in layers.py."""
    Path("layers.py").write_text(SOURCE, encoding="utf-8")
    return Violation(
        "gradient",
        location=Location("Softmax", "backward", str(workplace / "layers.py"), 2),
        array="dx",
        index=(0, 1),
        actual="-0.0119733",
        expected="0.116455",
        reference="finite differences",
        cause="the sum runs over axis 0 (the batch); softmax normalizes over axis 1",
        suggestion=Suggestion((FIX,)),
        input={"x": [[0.0, 1.0]]},
    )


def shown(violation: Violation, width: int = 100, **settings: Any) -> list[str]:
    """The lines at a width."""
    out = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    out.print(Diagnostic(violation, **settings))
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined]  # it is a StringIO


def test_the_whole_diagnostic(violation: Violation) -> None:
    """Location of the fix, excerpt, carets, rounded numbers, cause, fix, and the page of the law."""
    assert shown(violation) == [
        "layers.py:3:49: gradient: dx of Softmax.backward is wrong",
        "   |",
        " 3 |         return self.p * (dy - (dy * self.p).sum(axis=0, keepdims=True))",
        "   |                                                 ^^^^^^",
        "   dx[0, 1] = -0.01197, finite differences give 0.1165",
        "   likely cause: the sum runs over axis 0 (the batch); softmax normalizes over axis 1",
        "   suggested fix: axis=0 -> axis=1",
        "   more: nn laws gradient",
    ]


def test_it_is_the_same_after_json(violation: Violation) -> None:
    """All that is printed is in the fields."""
    assert shown(Violation.from_dict(violation.to_dict())) == shown(violation)


def test_without_a_located_fix_the_def_line_is_shown(violation: Violation) -> None:
    """Without carets; several fixes are listed with their lines, and an edit without column has no caret."""
    assert shown(violation.with_fields(suggestion=None))[:3] == [
        "layers.py:2: gradient: dx of Softmax.backward is wrong",
        "   |",
        " 2 |     def backward(self, dy):",
    ]
    lines = shown(violation.with_fields(suggestion=Suggestion((FIX, OTHER))))
    assert lines[0].startswith("layers.py:2: ") and not any("^" in line for line in lines)
    assert lines[5] == "   suggested fix: line 3: axis=0 -> axis=1, or line 2: backward -> forward"
    edit = Edit("layers.py", 3, 0, 3, 0, "axis=0", "axis=1")
    lines = shown(violation.with_fields(suggestion=Suggestion((edit,))))
    assert lines[0].startswith("layers.py:3: ") and "return" in lines[2] and not any("^" in line for line in lines)


def test_without_a_source_there_is_no_excerpt(violation: Violation) -> None:
    """The file is gone, has fewer lines, is not text, or is not a regular file."""
    whole = shown(violation)
    without = [whole[0], *whole[4:]]
    for content in (None, b"one line\n", b"# coding: nonsense\n\n\n", b"\xff\n\n\xff\n"):
        Path("layers.py").unlink(missing_ok=True)
        if content is not None:
            Path("layers.py").write_bytes(content)
        assert shown(violation) == without
    edit = Edit("/dev/zero", 3, 1, 3, 2, "a", "b")
    assert len(shown(violation.with_fields(suggestion=Suggestion((edit,))))) == len(without)


def test_the_smallest_input_is_shown_on_request(violation: Violation) -> None:
    """With `verbose`."""
    assert "   smallest failing input: x = [[0.0, 1.0]]" in shown(violation, verbose=True)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_nothing_is_wider_than_the_terminal(violation: Violation, width: int) -> None:
    """Text breaks between words; the excerpt is cut with an ellipsis, and the carets stay below the expression."""
    lines = shown(violation, width)
    assert max(map(len, lines)) <= width
    code, carets = next((a, b) for a, b in itertools.pairwise(lines) if "^" in b)
    start = carets.index("^")
    assert code[start : start + 6] == "axis=0" and carets.count("^") == 6
    text = " ".join(line.strip() for line in lines)
    assert "softmax normalizes over axis 1" in text and "dx of Softmax.backward is wrong" in text


def test_tabs_and_wide_characters_keep_the_carets_in_place(violation: Violation) -> None:
    """A tab is shown as four spaces, and a wide character takes two columns."""
    Path("layers.py").write_text("\tx = '語'; y = 1\n", encoding="utf-8")
    edit = Edit("layers.py", 1, 11, 1, 12, "y", "z")
    lines = shown(violation.with_fields(suggestion=Suggestion((edit,))))
    assert lines[2:4] == [" 1 |     x = '語'; y = 1", "   |               ^"]


def test_numbers_that_differ_little_are_shown_in_full(violation: Violation) -> None:
    """Rounding never makes them equal; other texts stay."""
    near = violation.with_fields(actual="1.0000001", expected="1.0000002")
    assert "   dx[0, 1] = 1.0000001, finite differences give 1.0000002" in shown(near)
    text = violation.with_fields(actual="nan for input 0.123456", expected="12345678")
    assert "   dx[0, 1] = nan for input 0.123456, finite differences give 12345678" in shown(text)


def test_control_characters_of_user_files_are_escaped(violation: Violation) -> None:
    """In texts and in the excerpt."""
    Path("layers.py").write_text("\n\nx = '\x1b[31m'  # \u202e\n", encoding="utf-8")
    lines = shown(violation.with_fields(cause="raised \x1b[2J\nand more", suggestion=None).at(line=3))
    assert " 3 | x = '\\x1b[31m'  # \\u202e" in lines and "   likely cause: raised \\x1b[2J and more" in lines
    assert clean("a\tb\nc\x07\udc80") == "a    b\nc\\x07\\udc80"


def test_a_law_without_a_page_is_not_linked(violation: Violation) -> None:
    """A law of the user's own file."""
    assert not any("nn laws" in line for line in shown(violation.with_fields(law="mine")))


def test_color_is_for_terminals(
    violation: Violation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe has no color; FORCE_COLOR turns it on, NO_COLOR off, and COLUMNS sets the width."""
    monkeypatch.setenv("TERM", "xterm")
    console().print(Diagnostic(violation))
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    console(stderr=True).print(Diagnostic(violation))
    assert "\x1b[1;31mgradient\x1b[0m" in capsys.readouterr().err
    monkeypatch.setenv("NO_COLOR", "1")
    console().print(Diagnostic(violation))
    assert "\x1b[1;31m" not in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "44")
    assert console().width == 44
