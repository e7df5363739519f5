"""Files of fixtures/attacks: each has a wrong layer and tries to get another outcome, or to end the check of others."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.supervisor import CheckOptions, check_target, check_targets
from nnlaw.spec.subjects import sandbox

FIXTURES = Path(__file__).parents[3] / "fixtures"  # of the checkout: an installed package has a part of them

pytestmark = pytest.mark.slow

ATTACKS = sorted((FIXTURES / "attacks").glob("*.py"))
TIMEOUT = 4.0
NEIGHBOR = """
import numpy as np
from nn import layer
from spec import obeys
@layer("good")
@obeys("N ... -> N ...")
class Good:
    def forward(self, x):
        self.x = x
        return np.abs(x)
    def backward(self, dy):
        return dy * np.sign(self.x)
"""


def texts(value: Any) -> list[str]:
    """Every text of a report."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


ROWS = [(attack, "on") for attack in ATTACKS] + [(attack, "off") for attack in ATTACKS[::4]]


@pytest.mark.parametrize(("attack", "switch"), ROWS, ids=[f"{attack.stem}-{switch}" for attack, switch in ROWS])
def test_a_wrong_layer_never_passes(
    attack: Path, switch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails or is an error, in time, with a reason of sane length, with a sandbox as without one."""
    monkeypatch.setenv(sandbox.SWITCH, switch)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    file = shutil.copy(attack, tmp_path)
    began = time.monotonic()
    result = check_target({"file": str(file)}, CheckOptions(timeout=TIMEOUT))
    (report,) = result.reports
    assert report["outcome"] in ("failed", "error") and not report["internal"]
    assert report["outcome"] == "failed" or report["reason"]
    assert max(map(len, texts(report))) < 11_000 and len(result.printed) < 21_000
    assert time.monotonic() - began < 60
    assert not list(tmp_path.glob("nn-verify-*"))


def test_other_files_are_checked_all_the_same(tmp_path: Path) -> None:
    """Beside the attacks, a right layer passes; each file has one report."""
    (tmp_path / "neighbor.py").write_text(NEIGHBOR)
    files = [shutil.copy(attack, tmp_path) for attack in ATTACKS[::5]]
    targets = [{"file": str(file)} for file in (*files, tmp_path / "neighbor.py")]
    results = list(check_targets(targets, CheckOptions(timeout=TIMEOUT), jobs=2))
    assert [len(result.reports) for result in results] == [1] * len(targets)
    assert [report["outcome"] for report in results[-1].reports] == ["passed"]
