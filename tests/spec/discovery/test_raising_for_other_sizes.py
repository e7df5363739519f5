"""A backward that raises for the usual input and runs for another size of it: the unit does not pass."""

from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.calls import indices
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import UnitOutcome

ENLARGE = """import numpy as np

class Enlarge:
    def forward(self, x):
        n, c, h, w = x.shape
        return x.repeat(2, axis=2).repeat(2, axis=3)

    def backward(self, dy):
        n, c, h, w = dy.shape
        return dy.reshape(n, c, {sides}).sum(axis=(3, 5))
"""


@pytest.mark.parametrize(
    ("sides", "outcome"),
    [("h // 2, 2, w // 2, 2", UnitOutcome.PASSED), ("w // 2, 2, h // 2, 2", UnitOutcome.PARTLY_CHECKED)],
)
def test_swapped_sides(tmp_path: Path, sides: str, outcome: UnitOutcome) -> None:
    """Right sides pass, swapped ones do not, though they agree where the image is square."""
    file = tmp_path / "mine.py"
    file.write_text(ENLARGE.replace("{sides}", sides), encoding="utf-8")
    (unit,) = find(load(file).module)
    assert conformance(unit).outcome is outcome


@pytest.mark.parametrize("size", [4, 7, 50])
def test_indices_repeat(size: int) -> None:
    """At least one comes twice, and as many as possible differ."""
    x = indices((5,), size, 0)
    assert len(set(x.tolist())) == 4 and x.max() < size
