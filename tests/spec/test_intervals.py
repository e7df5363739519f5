"""Intervals as text."""

import pytest

from nnlaw.spec.contracts.intervals import parse_interval


def test_each_end_is_included_or_not() -> None:
    """∞ is an end like any other; nan is in no interval."""
    half, all_above = parse_interval("[0, 1)"), parse_interval("(0, ∞)")
    assert [x in half for x in (-0.1, 0, 0.5, 1, float("nan"))] == [False, True, True, False, False]
    assert [x in all_above for x in (0, 1e-300, 1e300, float("inf"))] == [False, True, True, False]
    assert 1 in parse_interval("(0, 1]")


@pytest.mark.parametrize("text", ["0, 1", "[1, 0]", "[0, 0]", "[a, 1]", "[0; 1]"])
def test_other_text_is_refused(text: str) -> None:
    """By ValueError."""
    with pytest.raises(ValueError):
        parse_interval(text)
