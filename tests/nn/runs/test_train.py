"""nn.runs.train: train from Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nnlaw import Violation, train
from nnlaw.cli.main import run
from nnlaw.nn.run_folder.folder import Run
from nnlaw.spec.violation import BadInput

WRONG = """
import numpy as np
from nnlaw import Layer, layer, obeys

@layer("wrong")
@obeys("N n -> N n")
class Wrong(Layer):
    examples = [{}]

    def forward(self, x, train=False):
        return 2 * x

    def backward(self, dy):
        return dy
"""


def test_it_trains_as_the_command_does(tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run folder is complete, the weights are those of `nn train`, and the network predicts."""
    trained = train(tiny_folder, folder=tmp_path / "python", epochs=2, layers="dense:8 relu dense:10")
    flags = ["--epochs", "2", "--layers", "dense:8 relu dense:10", "--run", str(tmp_path / "command"), "--json"]
    assert run(["train", str(tiny_folder), *flags]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert trained.summary["digests"] == summary["digests"] and trained.accuracy == summary["test_accuracy"]
    assert Run(tmp_path / "python").complete and [row["epoch"] for row in trained.epochs] == [1, 2]
    probabilities = trained.network.predict(np.zeros((3, 784), np.float32))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_a_law_that_fails_is_raised(tiny_folder: Path, tmp_path: Path) -> None:
    """In a strict training, a wrong layer raises the violation of its law."""
    (tmp_path / "wrong.py").write_text(WRONG)
    with pytest.raises(Violation) as caught:
        train(tiny_folder, folder=tmp_path / "run", strict=True, layers="dense:8 wrong dense:10",
              plugins=tmp_path / "wrong.py")  # fmt: skip
    assert caught.value.law == "gradient"


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    """A misspelled setting is refused with the near one."""
    with pytest.raises(BadInput, match="no setting called epoch; did you mean epochs"):
        train(folder=tmp_path / "run", epoch=1)
