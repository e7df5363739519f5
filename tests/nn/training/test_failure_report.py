"""A failure report has everything needed to repeat the failed step."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers what is built in
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.training.checkpoint import snapshot_tree
from nnlaw.nn.training.phase import Phase
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import Location, Violation


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("strict", [True, False])
def test_a_failure_report_has_the_state_before_the_failed_step(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """Weights, layer state, optimizer and generators are those from before the failed step, even if it comes late."""
    layers = "dense:12 batchnorm relu dropout:0.2 dense:10"
    settings = Settings(data=str(tiny_folder), layers=layers, optimizer="momentum", epochs=3, strict=strict)
    failing, passing = prepare(settings), prepare(settings)
    passing.train(Run.create(tmp_path / "passing"), SilentReporter(), 1)
    for x, labels in islice(passing.batches(2), 7):
        passing.trainer.step(x, labels)
    expected = passing.trainer.take_snapshot()

    wait = expected.done
    norms = failing.trainer.flat.norms

    def fail() -> Any:
        if failing.trainer.done == wait and failing.phase is Phase.STEP:
            monkeypatch.undo()
            raise Violation("finite", location=Location("here"), array="g", actual="nan", expected="a finite number")
        return norms()

    monkeypatch.setattr(failing.trainer.flat, "norms", fail)
    run = Run.create(tmp_path / "failing")
    with pytest.raises(Violation, match="replay"):
        failing.train(run, SilentReporter())
    found = unpack(run.folder / "failure/before.safetensors")
    assert pack(found["trainer"]) == pack(snapshot_tree(expected))
    x, labels = next(islice(passing.batches(2), 7, None))
    assert np.array_equal(found["x"], x) and np.array_equal(found["labels"], labels)
    assert json.loads((run.folder / "failure/signature.json").read_text())["done"] == wait
