"""Tests of spec/discovery/network_cases.py."""

from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import UnitOutcome

UNTOUCHED = Path(__file__).parents[3] / "fixtures" / "untouched"


@pytest.mark.parametrize(
    ("side", "outcome"), [("right", UnitOutcome.PASSED), ("wrong", UnitOutcome.FAILED)]
)
def test_inputs_leave_gradients_below_their_limit(side: str, outcome: UnitOutcome) -> None:
    """Code that clips its gradients is compared within its limit, also with a seed whose first inputs exceed it."""
    loaded = load(UNTOUCHED / side / "recurrent_char_lists.py")
    (unit,) = find(loaded.module, loaded.names)
    assert conformance(unit, seed=13).outcome is outcome
