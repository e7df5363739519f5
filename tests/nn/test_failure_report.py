"""A broken law is written down with everything as it stood before the step that broke it."""

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


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("strict", [True, False])
def test_the_signature_holds_what_stood_before_the_broken_step(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """Weights, layer state, optimizer and generators are those before the broken step, however late it comes."""
    layers = "dense:12 batchnorm relu dropout:0.2 dense:10"
    settings = Settings(data=str(tiny_folder), layers=layers, optimizer="momentum", epochs=3, strict=strict)
    broken, sound = prepare(settings), prepare(settings)
    sound.train(Run.create(tmp_path / "sound"), SilentReporter(), 1)
    for x, labels in islice(sound.batches(2), 7):
        sound.trainer.step(x, labels)
    expected = sound.trainer.take_snapshot()

    wait = expected.done
    norms = broken.trainer.flat.norms

    def at_last() -> Any:
        if broken.trainer.done == wait and broken.phase is Phase.STEP:
            monkeypatch.undo()
            raise Violation("finite", location=Location("here"), array="g", actual="nan", expected="a finite number")
        return norms()

    monkeypatch.setattr(broken.trainer.flat, "norms", at_last)
    run = Run.create(tmp_path / "broken")
    with pytest.raises(Violation, match="replay"):
        broken.train(run, SilentReporter())
    found = unpack(run.folder / "failure/before.safetensors")
    assert pack(found["trainer"]) == pack(snapshot_tree(expected))
    x, labels = next(islice(sound.batches(2), 7, None))
    assert np.array_equal(found["x"], x) and np.array_equal(found["labels"], labels)
    assert json.loads((run.folder / "failure/signature.json").read_text())["done"] == wait
