"""Malformed checkpoints."""

from pathlib import Path
from typing import Any

import pytest

from nnlaw.cli.main import run
from nnlaw.nn.run_folder.tree_file import pack, unpack

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize("change", [{"rows": ["one"]}, {"rows": [3]}, {"best": "one"}])
def test_a_checkpoint_with_malformed_epochs_is_refused(
    damaged_run: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    """By predict; nn runs still lists the other runs."""
    path = damaged_run / "checkpoint.safetensors"
    path.write_bytes(pack(unpack(path) | change))
    assert run(["predict", "r/curves.png", "--run", "r"]) == 2
    assert "its epochs are not tables" in capsys.readouterr().err
    assert run(["runs", "."]) == 0
    assert "its epochs are not tables" in capsys.readouterr().out
