"""The page of mutants: every survivor has a reason, and every reason a survivor."""

import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that writes the page."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("mutant_page")
    for name in ("mutant", "mutant_page"):
        sys.modules.pop(name, None)


def page(made: Any, rows: list[Any], reasons: list[dict[str, str]], spec: list[Any] | None = None) -> Any:
    """The page on these mutants of nn and of spec, whose one file b.py has 40."""
    found = {"nn": rows, "spec": spec or [made.Row("spec/b.py", 1, "1", "2", "mathematics", "tests/x.py::y")]}
    return made.page(found, {"shares": [0.02], "note": "", "reason": reasons}, {"spec/b.py": 40})


def test_scores_count_all_mutants_and_those_of_the_mathematics(made: Any) -> None:
    """A killed sum and a message that survives: half of all, all of the mathematics."""
    rows = [made.Row("nn/a.py", 1, "x + y", "x - y", "mathematics", "gradient"),
            made.Row("nn/a.py", 2, "raise E('x')", "raise E('X')", "message", "held")]
    text, missing, idle = page(made, rows, [])
    assert "| nn/a.py | 2 | 1 | 50.0% | 1 | 1 | 100.0% |" in text and "`gradient` 1" in text
    assert not missing and not idle


def test_a_survivor_needs_a_reason_and_a_reason_a_survivor(made: Any) -> None:
    """What has none is told, on the page and to the caller; so is a reason that is out of date."""
    row = made.Row("a.py", 1, "x >= 0", "x > 0", "mathematics", "held")
    text, missing, _ = page(made, [row], [])
    assert missing == [row] and "no reason yet" in text
    why = {"file": "a", "was": ">=", "sort": "equivalent", "why": "a kink"}
    text, missing, idle = page(made, [row], [why, why | {"was": "<="}])
    assert "equivalent: a kink" in text and not missing and len(idle) == 1


def test_a_broken_import_counts_as_killed_and_is_told_apart(made: Any) -> None:
    """Of four mutants of 40 one is not imported, a file of tests not collected, one seen, and one not seen."""
    verdicts = ("raised NameError", "not collected tests/x.py", "tests/x.py::y", "held")
    rows = [made.Row("spec/b.py", i, "", "", "mathematics", who, f"day {i % 2}") for i, who in enumerate(verdicts)]
    text, _, _ = page(made, [], [], rows)
    assert "| spec | 40 | 4 | 3 | 2 | 75.0% | 30.1% to 95.4% | 50.0% |" in text
    assert "Measured on day 0 (2), day 1 (2)." in text


def test_a_message_of_spec_that_survives_needs_a_reason(made: Any) -> None:
    """Only the words of refusals of nn need none of their own."""
    rows = [made.Row(f"{folder}/b.py", 1, "raise E", "raise F", "message", "held") for folder in ("nn", "spec")]
    assert page(made, rows[:1], [], rows[1:])[1] == rows[1:]


def test_the_settings_name_files_that_are_there() -> None:
    """Each file of nn that is mutated exists, and each reason is a sort and a sentence."""
    settings = tomllib.loads((FOLDER / "mutants.toml").read_text(encoding="utf-8"))
    assert all((ROOT / file).is_file() for file in settings["nn"])
    assert all(row["sort"] in ("equivalent", "claim", "free", "refusal", "message", "unreachable", "miss", "seen since",
                               "unjudged")
               and row["why"] for row in settings["reason"])  # fmt: skip


def test_no_survivor_is_left_without_a_reason() -> None:
    """The page as it was written last."""
    text = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
    assert "no reason yet" not in text and "| **all** |" in text
