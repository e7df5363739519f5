"""Checks on every diagnostic that a test of spec produces."""

from collections.abc import Iterator
from typing import Any

import pytest

from nnlaw.spec.violation import Inconclusive, Location, NotApplicable, Violation

RAISING = {
    "test_an_exception_in_an_audit_fails_that_law": "is about that",
    "test_an_exception_in_a_law_is_reported_as_such": "is about that",
    "test_a_condition_that_is_always_true": "some of the edits that are tried raise",
    "test_a_number_is_not_mistaken_for_the_learning_rate": "some of the edits that are tried raise",
    "test_forged_conversations_never_pass": "replies of any form",
    "test_files_give_the_same[True": "some of the edits that are tried raise",
    "layer_cache_used_up": "its second backward pops from an empty list",
    "test_other_kinds_get_fixes_too[optimizer]": "some of the edits that are tried raise",
    "test_the_search_for_a_fix_keeps_the_case_unchanged": "some of the edits that are tried raise",
    "shapes_of_a_": "the gradient raises for every batch",
    "test_a_missing_transpose_is_a_violation": "the gradient raises for every batch",
    "test_likely_places": "some of the edits that are tried raise",
    "test_the_smallest_input_is_inside_the_domain": "some of the edits that are tried raise",
}
"""Tests in which a law raises an exception, by part of their name, each with the reason."""
TEXTS = ("law", "array", "actual", "expected", "cause", "replay")


def problems(found: Violation) -> str:
    """The fields that are not text, an index or a location; the message if a law itself raised."""
    if found.expected == "no exception":  # raised in an audit: by the checked code, or by the law itself
        return found.message
    wrong = [name for name in TEXTS if not isinstance(getattr(found, name), str)]
    wrong += [name for name in ("law", "actual", "expected") if not getattr(found, name)]
    if found.cause and not found.cause_code:
        wrong.append("cause_code")
    if not (found.index is None or all(type(i) is int and i >= 0 for i in found.index)):
        wrong.append("index")
    place = found.location
    if not isinstance(place, Location) or not isinstance(place.path, str) or not isinstance(place.method, str):
        wrong.append("location")
    return f"{', '.join(wrong)} of {vars(found)}" if wrong else ""


def check_reason(self: Exception, *reason: str) -> None:
    """A reason is one sentence."""
    assert [type(part) for part in reason] == [str] and reason[0], reason


@pytest.fixture(autouse=True)
def every_diagnostic_is_complete(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Text, indices and locations of the right type, and no law that raised an exception of its own."""
    made: list[Violation] = []
    original: Any = Violation.__init__

    def recording(self: Violation, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        made.append(self)

    monkeypatch.setattr(Violation, "__init__", recording)
    for reason in (Inconclusive, NotApplicable):
        monkeypatch.setattr(reason, "__init__", check_reason, raising=False)
    yield
    if not any(name in request.node.nodeid for name in RAISING):
        assert [text for text in map(problems, made) if text] == []
