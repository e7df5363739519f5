"""Tests of spec.discovery.find: units in files that never used a decorator, and their reports."""

import contextlib
import io
from pathlib import Path

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import Report, UnitOutcome

CORPUS = Path(__file__).parents[2] / "fixtures" / "untouched"
def reports(path: Path) -> list[Report]:
    """The reports on the units of a file."""
    with contextlib.redirect_stdout(io.StringIO()):
        loaded = load(path)
        return [conformance(unit) for unit in find(loaded.module, loaded.names) if unit.is_unit]


def test_a_report_shows_what_was_compared() -> None:
    """The call, and every array with its shape."""
    (report,) = reports(CORPUS / "right" / "columns_batch_layer.py")
    assert "samples are columns" in report.calls and report.compared[0] == "x (5, 4)" and len(report.compared) == 3


def test_a_layer_whose_forward_takes_no_input_is_not_checked(tmp_path: Path) -> None:
    """It is named with the reason, not listed as nothing to check."""
    file = tmp_path / "bend.py"
    file.write_text("class Bend:\n    def forward(self):\n        return x ** 2\n"
                    "    def backward(self, dy):\n        return 2 * dy\n")  # fmt: skip
    (report,) = reports(file)
    assert (report.kind, report.outcome) == ("layer", UnitOutcome.NOT_CHECKED)


def test_a_slow_class_leaves_time_to_the_others(tmp_path: Path) -> None:
    """A class whose methods take long is not checked, with the reason; the next one is."""
    file = tmp_path / "slow.py"
    file.write_text(
        "import time\n\n\n"
        "class Slow:\n    def forward(self, x):\n        time.sleep(0.3)\n        return x\n"
        "    def backward(self, dy):\n        return dy\n\n\n"
        "class Twice:\n    def forward(self, x):\n        return 2 * x\n"
        "    def backward(self, dy):\n        return 2 * dy\n"
    )
    loaded = load(file)
    slow, twice = find(loaded.module, loaded.names, seconds=1.0)
    assert "took longer than" in slow.reason and not slow.readings and twice.readings
