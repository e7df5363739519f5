"""A small trained run, and a registry that is as it was."""

from pathlib import Path

import pytest

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.training.session import prepare


@pytest.fixture(scope="module")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two epochs on 600 digits."""
    run = Run.create(tmp_path_factory.mktemp("trained") / "run")
    prepare(Settings(data=str(tiny_folder), epochs=2, lr=0.05)).train(run, SilentReporter())
    return run
