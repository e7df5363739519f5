"""Law settings: `admits` declares the values that a setting accepts."""

from collections.abc import Callable
from typing import Any

import pytest

from nnlaw.spec import BadInput, ScheduleCase, Violation, conformance
from nnlaw.spec.law import CATALOG


@pytest.mark.parametrize("admits", [{"floor": "0..1"}, {"floor": 1}, "[0, 1]", {"depth": "[0, 1]"}])
def test_an_invalid_admits_is_refused(admits: Any) -> None:
    """Not an interval, not a dict, or not the name of a setting."""
    with pytest.raises(BadInput, match="admits"):
        conformance(_schedule(lambda t, floor: floor, admits))


def _schedule(factor: Callable[[float, float], float], admits: Any) -> ScheduleCase:
    def made(t: float, *, floor: float = 0.5) -> float:
        return factor(t, floor)

    made.admits = admits  # type: ignore[attr-defined]  # as a registering decorator sets it
    return ScheduleCase("mine", made)


def _refusing_outside(error: Exception, high: float = 1.0) -> Callable[[float, float], float]:
    def factor(t: float, floor: float) -> float:
        if not 0 <= floor <= high:
            raise error
        return floor

    return factor


def _constant(t: float, floor: float) -> float:
    if not 0 <= floor <= 1:
        raise ValueError("floor")
    return 1.0


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (_refusing_outside(ValueError("floor is wrong"), 2.0), "is accepted, expected a ValueError"),
        (_refusing_outside(ValueError("floor is wrong"), 0.7), "expected to be accepted"),
        (_refusing_outside(ValueError("no")), "a message that names floor"),
        (_refusing_outside(TypeError("floor")), "refused by TypeError"),
        (_constant, "without effect"),
    ],
)
def test_a_wrong_admits_fails(factor: Callable[..., float], words: str) -> None:
    """Accepted outside, refused inside, refused without its name or by another error, or without effect."""
    case = _schedule(factor, {"floor": "[0, 1]"})
    with pytest.raises(Violation, match=words):
        CATALOG["schedule", "settings"].check(case)


def test_a_correct_admits_passes() -> None:
    """Accepted inside, refused outside by name, and with an effect."""
    CATALOG["schedule", "settings"].check(_schedule(_refusing_outside(ValueError("floor")), {"floor": "[0, 1]"}))
