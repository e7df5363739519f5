"""The first command of the README: `nn train --strict` without data."""

from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.load import load
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.training.session import prepare


@pytest.mark.slow
def test_the_first_run_reaches_95_percent_and_reads_real_digits(mnist: Path, tmp_path: Path) -> None:
    """The default recipe on the built-in digits; the test set of MNIST is read as well as by version 0.1."""
    session = prepare(Settings())
    summary = session.train(Run.create(tmp_path / "run"), SilentReporter())
    assert summary is not None and summary["test_accuracy"] > 0.95
    real, parts = load(mnist), session.split
    x = (real.test_images.reshape(10_000, -1).astype(np.float32) - np.float32(parts.mean)) / np.float32(parts.deviation)
    assert (session.model.predict(x).argmax(axis=1) == real.test_labels).mean() > 0.89
