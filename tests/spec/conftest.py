"""What holds of every diagnostic that any test of the kit brings about."""

from collections.abc import Iterator
from typing import Any

import pytest

from nnlaw.spec.violation import Inconclusive, Location, NotApplicable, Violation

RAISING = {
    "test_an_exception_in_an_audit_breaks_that_law": "is about that",
    "test_a_law_that_falls_over_by_itself_says_so": "is about that",
    "layer_cache_used_up": "its second backward pops from an empty list",
    "test_other_kinds_are_mended_too[optimizer]": "of the changes that are tried some do not run",
    "test_seeking_a_repair_leaves_the_case_as_it_was": "of the changes that are tried some do not run",
    "test_the_smallest_input_is_one_that_the_layer_may_get": "of the changes that are tried some do not run",
}
"""Tests in which what is judged raises under a law, so that this must end so, by part of their name, each with why."""
WORDS = ("law", "array", "actual", "expected", "cause", "replay")


def told_amiss(found: Violation) -> str:
    """What is no words, no index or no place in a diagnostic, or its whole where a law itself fell over."""
    if found.array == "the audit":
        return found.message
    wrong = [name for name in WORDS if not isinstance(getattr(found, name), str)]
    wrong += [name for name in ("law", "actual", "expected") if not getattr(found, name)]
    if not (found.index is None or all(type(i) is int and i >= 0 for i in found.index)):
        wrong.append("index")
    place = found.location
    if not isinstance(place, Location) or not isinstance(place.path, str) or not isinstance(place.method, str):
        wrong.append("where")
    return f"{', '.join(wrong)} of {vars(found)}" if wrong else ""


def told_why(self: Exception, *reason: str) -> None:
    """A reason is a sentence."""
    assert [type(part) for part in reason] == [str] and reason[0], reason


@pytest.fixture(autouse=True)
def every_diagnostic_is_told_in_full(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Words where words are due, an index that is one, and no law that ended in an exception of its own."""
    made: list[Violation] = []
    plainly: Any = Violation.__init__

    def noting(self: Violation, *args: Any, **fields: Any) -> None:
        plainly(self, *args, **fields)
        made.append(self)

    monkeypatch.setattr(Violation, "__init__", noting)
    for reason in (Inconclusive, NotApplicable):
        monkeypatch.setattr(reason, "__init__", told_why, raising=False)
    yield
    if not any(name in request.node.nodeid for name in RAISING):
        assert [text for text in map(told_amiss, made) if text] == []
