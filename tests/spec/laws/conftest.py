"""A helper for the tests of laws."""

from collections.abc import Callable
from typing import Any

import pytest

from nnlaw.spec import conformance


@pytest.fixture
def check() -> Callable[[Any, str], tuple[str, list[str]]]:
    """A function that checks one law: its outcome, and the messages of all violations."""

    def outcome(case: Any, law: str) -> tuple[str, list[str]]:
        report = conformance(case, [law])
        (found,) = [row.outcome for row in report.results if row.law == law]
        return found, [violation.message for violation in report.violations]

    return outcome
