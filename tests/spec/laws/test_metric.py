"""Laws of metrics."""

from collections.abc import Callable
from typing import Any

from nnlaw.spec import MetricCase

Check = Callable[[Any, str], tuple[str, list[str]]]


def test_an_error_must_be_lowest_for_perfect_predictions(check: Check) -> None:
    """The accuracy under the name error fails."""

    def error(probabilities: Any, labels: Any) -> float:
        return float((probabilities.argmax(axis=1) == labels).mean())

    outcome, (message,) = check(MetricCase("mine", error, name="error"), "metric-known")
    assert outcome == "fail" and "error of perfect predictions is 1, expected at most 0." in message
