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


def page(made: Any, rows: list[Any], reasons: list[dict[str, str]]) -> Any:
    """The page on these mutants of nn, and none of spec."""
    return made.page({"nn": rows, "spec": []}, {"share": 0.02, "reason": reasons})


def test_scores_count_all_mutants_and_those_of_the_mathematics(made: Any) -> None:
    """A killed sum and a message that survives: half of all, all of the mathematics."""
    rows = [made.Row("a.py", 1, "x + y", "x - y", "mathematics", "gradient"),
            made.Row("a.py", 2, "raise E('x')", "raise E('X')", "message", "held")]
    text, missing, idle = page(made, rows, [])
    assert "| a.py | 2 | 1 | 50.0% | 1 | 1 | 100.0% |" in text and "`gradient` 1" in text
    assert not missing and not idle


def test_a_survivor_needs_a_reason_and_a_reason_a_survivor(made: Any) -> None:
    """What has none is told, on the page and to the caller; so is a reason that is out of date."""
    row = made.Row("a.py", 1, "x >= 0", "x > 0", "mathematics", "held")
    text, missing, _ = page(made, [row], [])
    assert missing == [row] and "no reason yet" in text
    why = {"file": "a", "was": ">=", "sort": "equivalent", "why": "a kink"}
    text, missing, idle = page(made, [row], [why, why | {"was": "<="}])
    assert "equivalent: a kink" in text and not missing and len(idle) == 1


def test_the_settings_name_files_that_are_there() -> None:
    """Each file of nn that is mutated exists, and each reason is a sort and a sentence."""
    settings = tomllib.loads((FOLDER / "mutants.toml").read_text(encoding="utf-8"))
    assert all((ROOT / file).is_file() for file in settings["nn"])
    assert all(row["sort"] in ("equivalent", "claim", "free", "refusal", "message", "unreachable", "miss")
               and row["why"] for row in settings["reason"])  # fmt: skip


def test_no_survivor_is_left_without_a_reason() -> None:
    """The page as it was written last."""
    text = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
    assert "no reason yet" not in text and "| **all** |" in text
