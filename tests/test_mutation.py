"""The page on mutation testing: every survivor has a reason, and every reason a survivor."""

import tomllib
from pathlib import Path
from typing import Any

import mutant_page
from mutant_page import Row

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"


def page(part: str, rows: list[Any], reasons: list[dict[str, str]]) -> Any:
    """One part of the page for these mutants. In spec, the file b.py has 40 mutants."""
    return mutant_page.page(part, rows, {"shares": [0.02], "note": "", "reason": reasons}, {"spec/b.py": 40})


def test_scores_count_all_mutants_and_those_of_the_mathematics() -> None:
    """A killed sum and a surviving message that mutmut does not generate: 50% of all, 100% of both other scores."""
    rows = [Row("nn/a.py", 1, "x + y", "x - y", "mathematics", "gradient"),
            Row("nn/a.py", 2, "raise E('x')", "raise E('X')", "message", "survived", own=False)]
    text, _, missing, unused = page("nn", rows, [])
    assert "| nn/a.py | 2 | 1 | 50.0% | 1 | 1 | 100.0% | 1 | 1 | 100.0% |" in text and "`gradient` 1" in text
    assert not missing and not unused


def test_a_survivor_needs_a_reason_and_a_reason_a_survivor() -> None:
    """A survivor without a reason is listed in the table and returned; an unused reason is returned."""
    row = Row("a.py", 1, "x >= 0", "x > 0", "mathematics", "survived")
    _, table, missing, _ = page("nn", [row], [])
    assert missing == [row] and table == ["nn\ta.py\t1\tx >= 0\tx > 0\tno reason yet\t"]
    why = {"file": "a", "was": ">=", "sort": "equivalent", "why": "a kink"}
    _, (line,), missing, unused = page("nn", [row], [why, why | {"was": "<="}])
    assert line.endswith("equivalent\ta kink") and not missing and len(unused) == 1


def test_a_failed_import_counts_as_killed_and_is_listed_separately() -> None:
    """Of four mutants of 40, one is not imported, one breaks a test file, one is killed, and one survives."""
    results = ("raised NameError", "not collected tests/x.py", "tests/x.py::y", "survived")
    rows = [Row("spec/b.py", i, "", "", "mathematics", who, f"day {i % 2}") for i, who in enumerate(results)]
    text, *_ = page("spec", rows, [])
    assert "| spec | 40 | 4 | 3 | 2 | 75.0% | 30.1% to 95.4% | 50.0% | 3 (75.0%) |" in text
    assert "Measured on day 0 (2), day 1 (2)." in text


def test_a_survivor_may_be_killed_later() -> None:
    """The first result counts for the score. A mutant killed later needs no reason."""
    later = ("tests/x.py::new", "survived", mutant_page.REMOVED)
    rows = [Row("spec/b.py", i, "1", "2", "mathematics", "survived", "", then) for i, then in enumerate(later)]
    text, table, missing, _ = page("spec", rows, [])
    assert "| spec | 40 | 3 | 0 | 0 | 0.0% | 0.0% to 56.1% | 0.0% | 1 (33.3%) |" in text
    assert table[0].endswith("killed later\ttests/x.py::new") and missing == [rows[1]]
    assert "1 killed by tests written later; no reason yet 1, removed 1." in text


def test_a_message_of_spec_that_survives_needs_a_reason() -> None:
    """Only error messages of nn have a default reason."""
    rows = {part: [Row(f"{part}/b.py", 1, "raise E", "raise F", "message", "survived")] for part in ("nn", "spec")}
    assert [page(part, rows[part], [])[2] for part in rows] == [[], rows["spec"]]


def test_one_part_of_the_page_is_replaced() -> None:
    """The other part does not change; a new part is appended."""
    whole = mutant_page.with_part(mutant_page.with_part("", "## one\n\nwas\n"), "## two\n\nkept\n")
    text = mutant_page.with_part(whole, "## one\n\nis\n")
    assert text == whole.replace("was", "is") and text.endswith("## one\n\nis\n\n## two\n\nkept\n")


def test_the_survivors_of_one_part_are_replaced() -> None:
    """The lines of the other part do not change."""
    whole = mutant_page.with_survivors(mutant_page.with_survivors("", "spec", ["spec\tb"]), "nn", ["nn\ta"])
    assert whole.splitlines()[2:] == ["nn\ta", "spec\tb"]
    assert mutant_page.with_survivors(whole, "nn", ["nn\tc"]).splitlines()[2:] == ["nn\tc", "spec\tb"]


def test_the_settings_list_existing_files() -> None:
    """Each mutated file of nn exists, and each reason has a known sort and an explanation."""
    settings = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
                for name in ("mutants", "mutants_spec")}  # fmt: skip
    assert all((ROOT / file).is_file() for file in settings["mutants"]["nn"])
    sorts = ("equivalent", "declared", "unspecified", "message", "missed")
    rows = [row for part in settings.values() for row in part.get("reason", [])]
    assert all(row["sort"] in sorts and row["why"] for row in rows)


def test_no_survivor_is_left_without_a_reason() -> None:
    """Neither on the page nor in its table."""
    text = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
    table = (ROOT / "docs" / "data" / "mutation-survivors.tsv").read_text(encoding="utf-8")
    assert "no reason yet" not in text + table and "| **all** |" in text
