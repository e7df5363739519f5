"""The page of mutants: every survivor has a reason, and every reason a survivor."""

import tomllib
from pathlib import Path
from typing import Any

import mutant_page
from mutant_page import Row

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"


def page(part: str, rows: list[Any], reasons: list[dict[str, str]]) -> Any:
    """That part of the page on these mutants; of spec, whose one file b.py has 40."""
    return mutant_page.page(part, rows, {"shares": [0.02], "note": "", "reason": reasons}, {"spec/b.py": 40})


def test_scores_count_all_mutants_and_those_of_the_mathematics() -> None:
    """A killed sum and a message that survives, which mutmut would not make: half of all, all of both the others."""
    rows = [Row("nn/a.py", 1, "x + y", "x - y", "mathematics", "gradient"),
            Row("nn/a.py", 2, "raise E('x')", "raise E('X')", "message", "held", own=False)]
    text, missing, idle = page("nn", rows, [])
    assert "| nn/a.py | 2 | 1 | 50.0% | 1 | 1 | 100.0% | 1 | 1 | 100.0% |" in text and "`gradient` 1" in text
    assert not missing and not idle


def test_a_survivor_needs_a_reason_and_a_reason_a_survivor() -> None:
    """What has none is told, on the page and to the caller; so is a reason that is out of date."""
    row = Row("a.py", 1, "x >= 0", "x > 0", "mathematics", "held")
    text, missing, _ = page("nn", [row], [])
    assert missing == [row] and "no reason yet" in text
    why = {"file": "a", "was": ">=", "sort": "equivalent", "why": "a kink"}
    text, missing, idle = page("nn", [row], [why, why | {"was": "<="}])
    assert "equivalent: a kink" in text and not missing and len(idle) == 1


def test_a_broken_import_counts_as_killed_and_is_told_apart() -> None:
    """Of four mutants of 40 one is not imported, a file of tests not collected, one seen, and one not seen."""
    verdicts = ("raised NameError", "not collected tests/x.py", "tests/x.py::y", "held")
    rows = [Row("spec/b.py", i, "", "", "mathematics", who, f"day {i % 2}") for i, who in enumerate(verdicts)]
    text, _, _ = page("spec", rows, [])
    assert "| spec | 40 | 4 | 3 | 2 | 75.0% | 30.1% to 95.4% | 50.0% | 3 (75.0%) |" in text
    assert "Measured on day 0 (2), day 1 (2)." in text


def test_what_survived_may_be_seen_since() -> None:
    """The first verdict is the score; a later one takes the mutant from the survivors, and needs no reason."""
    later = ("tests/x.py::new", "held", mutant_page.GONE)
    rows = [Row("spec/b.py", i, "1", "2", "mathematics", "held", "", then) for i, then in enumerate(later)]
    text, missing, _ = page("spec", rows, [])
    assert "| spec | 40 | 3 | 0 | 0 | 0.0% | 0.0% to 56.1% | 0.0% | 1 (33.3%) |" in text
    assert "`tests/x.py::new`" in text and missing == [rows[1]] and "gone 1" in text


def test_a_message_of_spec_that_survives_needs_a_reason() -> None:
    """Only the words of refusals of nn need none of their own."""
    rows = {part: [Row(f"{part}/b.py", 1, "raise E", "raise F", "message", "held")] for part in ("nn", "spec")}
    assert [page(part, rows[part], [])[1] for part in rows] == [[], rows["spec"]]


def test_one_part_of_the_page_is_written_anew() -> None:
    """The other stays as it is, and a part that is not there yet comes last."""
    whole = mutant_page.with_part(mutant_page.with_part("", "## one\n\nwas\n"), "## two\n\nkept\n")
    text = mutant_page.with_part(whole, "## one\n\nis\n")
    assert text == whole.replace("was", "is") and text.endswith("## one\n\nis\n\n## two\n\nkept\n")


def test_the_settings_name_files_that_are_there() -> None:
    """Each file of nn that is mutated exists, and each reason is a sort and a sentence."""
    settings = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
                for name in ("mutants", "mutants_spec")}  # fmt: skip
    assert all((ROOT / file).is_file() for file in settings["mutants"]["nn"])
    sorts = ("equivalent", "claim", "free", "refusal", "message", "unreachable", "miss")
    rows = [row for told in settings.values() for row in told.get("reason", [])]
    assert all(row["sort"] in sorts and row["why"] for row in rows)


def test_no_survivor_is_left_without_a_reason() -> None:
    """The page as it was written last."""
    text = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
    assert "no reason yet" not in text and "| **all** |" in text
