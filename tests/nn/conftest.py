"""Fixtures shared by the tests of nn: a run that stopped."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def stopped_run(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped after its first epoch, and a picture."""
    from nnlaw.cli.main import run

    place = tmp_path_factory.mktemp("stopped")
    flags = ["--epochs", "2", "--stop-after", "1", "--batch-size", "100", "--layers", "dense:6 batchnorm dense:10"]
    assert run(["train", str(tiny_folder), *flags, "--run", str(place / "r"), "--json"]) == 0
    return place / "r"


@pytest.fixture
def damaged_run(stopped_run: Path, workplace: Path) -> Path:
    """A copy of the run in the current folder, to damage."""
    shutil.copytree(stopped_run, workplace / "r")
    return workplace / "r"
