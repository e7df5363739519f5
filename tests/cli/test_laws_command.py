"""nn laws: the table of laws, the page of a law, and JSON."""

import json
import re
from collections.abc import Iterator

import click
import pytest

from nnlaw.cli.main import run
from nnlaw.spec import CATALOG, law
from nnlaw.spec.law_docs import page

Capture = pytest.CaptureFixture[str]
COLOR = re.compile(r"\x1b\[(\d+;)*[39][0-7]m")  # of a foreground


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Output as on a terminal of 80 columns."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield


@pytest.fixture
def own_law() -> Iterator[str]:
    """The code of a law that a user registered, without a counterexample."""
    law("mine", kind="schedule", family="shape", statement="It is mine.")(lambda case: None)
    yield "mine"
    CATALOG.pop(("schedule", "mine"))


def ran(capsys: Capture, *args: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    code = run(["laws", *args])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_in_a_pipe_each_law_is_one_line(capsys: Capture) -> None:
    """With kind, code, family and the whole statement; --kind selects."""
    code, out, _ = ran(capsys, "--kind", "loss")
    rows = [row for (kind, _), row in CATALOG.items() if kind == "loss"]
    lines = out.splitlines()
    assert code == 0 and len(lines) == len(rows)
    for row in rows:
        (line,) = [line for line in lines if line.split()[1] == row.code]
        assert line.split()[0] == "loss" and line.split()[2] == row.family and line.endswith(row.statement)


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_the_table_fits(capsys: Capture) -> None:
    """No line is wider than the terminal, and no word is cut."""
    code, out, _ = ran(capsys)
    lines = click.unstyle(out).splitlines()
    assert code == 0 and max(map(len, lines)) <= 80
    words = set(re.findall(r"\w+", "\n".join(lines)))
    for row in CATALOG.values():
        assert set(re.findall(r"\w+", f"{row.code} {row.statement}")) <= words


def test_a_page_is_markdown_in_a_pipe(capsys: Capture) -> None:
    """The pages of every kind that has the code, as in docs/laws/; --kind selects one."""
    code, out, _ = ran(capsys, "stale-gradient")
    assert code == 0 and out == page(CATALOG["layer", "stale-gradient"])
    heads = [line for line in ran(capsys, "gradient")[1].splitlines() if line.startswith("# ")]
    assert heads == ["# gradient (layer)", "# gradient (loss)", "# gradient (model)"]
    assert ran(capsys, "gradient", "--kind", "loss")[1] == page(CATALOG["loss", "gradient"])


@pytest.mark.usefixtures("terminal")
def test_a_page_is_formatted_for_a_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """In color and without the marks of Markdown, no wider than the terminal; NO_COLOR leaves the color out."""
    colored = ran(capsys, "loss-mean", "--kind", "loss")[1]
    lines = click.unstyle(colored).splitlines()
    assert max(map(len, lines)) <= 80 and not [line for line in lines if line.startswith(("#", "```"))]
    assert COLOR.search(colored)
    monkeypatch.setenv("NO_COLOR", "1")
    without = ran(capsys, "loss-mean", "--kind", "loss")[1]
    assert not COLOR.search(without) and click.unstyle(without) == click.unstyle(colored)


def test_json_has_every_field(capsys: Capture) -> None:
    """All fields of all laws; for one law also what its counterexample shows."""
    fields = {"kind", "law", "family", "tier", "statement", "why", "checks", "depends_on", "references",
              "counterexample", "instead", "from"}  # fmt: skip
    rows = json.loads(ran(capsys, "--json")[1])
    assert len(rows) == len(CATALOG) and all(set(row) == fields for row in rows)
    assert all(row["references"] and row["checks"] for row in rows)
    (facts,) = json.loads(ran(capsys, "gradient", "--kind", "layer", "--json")[1])
    assert set(facts) == {*fields, "violations"} and facts["counterexample"].endswith("layer/gradient.py")
    (violation,) = facts["violations"]
    assert violation["law"] == "gradient" and violation["location"]["path"] == "fixtures/laws/layer/gradient.py"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["gradeint"], "no law is called 'gradeint'; did you mean gradient"),
        (["zzz", "--kind", "loss"], "no law of kind loss is called 'zzz'; nn laws lists all laws"),
        (["--kind", "x"], "unknown kind 'x'; choose from call, layer, loss"),
    ],
)
def test_an_unknown_law_is_refused(capsys: Capture, args: list[str], words: str) -> None:
    """Exit code 2, and similar names are suggested."""
    code, _, err = ran(capsys, *args)
    assert code == 2 and words in err


def test_a_users_law_has_a_page_without_an_example(capsys: Capture, own_law: str) -> None:
    """It is in the catalog like any other."""
    out = ran(capsys, own_law)[1]
    assert "It is mine." in out and "This law has no counterexample." in out
    (facts,) = json.loads(ran(capsys, own_law, "--json")[1])
    assert facts["violations"] == [] and facts["counterexample"] is None
