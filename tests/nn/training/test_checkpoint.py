"""Malformed checkpoints."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from nnlaw.cli.main import run
from nnlaw.nn.run_folder.tree_file import pack, unpack

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture(scope="module")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped after its first epoch, and a picture."""
    place = tmp_path_factory.mktemp("trained")
    flags = ["--epochs", "2", "--stop-after", "1", "--batch-size", "100", "--layers", "dense:6 batchnorm dense:10"]
    assert run(["train", str(tiny_folder), *flags, "--run", str(place / "r"), "--json"]) == 0
    return place / "r"


@pytest.fixture
def folder(trained: Path, workplace: Path) -> Path:
    """A copy of the run to damage."""
    shutil.copytree(trained, workplace / "r")
    return workplace / "r"


@pytest.mark.parametrize("change", [{"rows": ["one"]}, {"rows": [3]}, {"best": "one"}])
def test_a_checkpoint_with_malformed_epochs_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    """By predict; nn runs still lists the other runs."""
    path = folder / "checkpoint.safetensors"
    path.write_bytes(pack(unpack(path) | change))
    assert run(["predict", "r/curves.png", "--run", "r"]) == 2
    assert "its epochs are not tables" in capsys.readouterr().err
    assert run(["runs", "."]) == 0
    assert "its epochs are not tables" in capsys.readouterr().out
