"""A mistake of nn names itself and is told apart from a user's; a traceback is shown only where it is asked for."""

from pathlib import Path

import numpy as np
import pytest

import nnlaw.nn.training.build
from nnlaw.cli.main import run
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.errors import is_internal, line_of_user
from nnlaw.nn.verify.targets import check_unit
from nnlaw.nn.verify.worker import main as worker
from nnlaw.spec import Unit

PLUGIN = """from nn import Layer, layer
from spec import obeys


@layer("falling")
@obeys("N n -> N n")
class Falling(Layer):
    def forward(self, x):
        return {answer}

    def backward(self, dy):
        return dy
"""


def test_an_error_of_ours_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, with its place and how to report it; with NN_TRACEBACK the traceback comes before it."""
    monkeypatch.setattr("nnlaw.nn.verify.supervisor.check_targets", None)
    assert run(["verify", "relu"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("nn: internal error, a mistake in nn and not in what it was given: TypeError at verify.py:")
    assert "please report it" in said and said.count("\n") == 1
    monkeypatch.setenv("NN_TRACEBACK", "1")
    assert run(["verify", "relu"]) == 2
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):")


def test_an_error_of_a_plugin_is_told_with_its_line(
    workplace: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What its author wrote, not what of ours or NumPy's called it."""
    Path("mine.py").write_text(PLUGIN.format(answer="self.nothing"))
    flags = ["--plugin", "mine.py", "--layers", "dense:8 falling dense:10"]
    assert run(["train", str(tiny_folder), *flags]) == 2
    said = capsys.readouterr().err
    assert "mine.py:9: AttributeError: " in said and "internal error" not in said


def test_want_of_room_or_rights_is_no_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told as what it is."""

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nnlaw.nn.verify.supervisor.check_targets", full)
    assert run(["verify", "relu"]) == 2
    said = capsys.readouterr().err
    assert "No space left" in said and "internal error" not in said


def test_a_judging_that_breaks_by_itself_does_not_accuse_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report names an internal error, in the worker too, where the plugins are being found."""
    monkeypatch.setattr("nnlaw.nn.verify.targets.conformance", None)
    report = check_unit(Unit("layer", "mine", object), [], 0)
    assert report.outcome == "error" and "internal error, a mistake in nn" in report.reason


def test_a_worker_that_breaks_by_itself_says_so(monkeypatch: pytest.MonkeyPatch, workplace: Path) -> None:
    """In its journal, instead of blaming the import."""
    monkeypatch.setattr("nnlaw.nn.verify.targets.built_in_units", None)
    monkeypatch.setattr("nnlaw.nn.verify.worker._limit_memory", lambda: None)
    monkeypatch.setattr("nnlaw.nn.verify.worker._note_exits", lambda journal: None)
    monkeypatch.setattr("nnlaw.nn.verify.worker.faulthandler.enable", lambda file: None)
    Path("request").write_text('{"target": {"kind": "metric"}, "laws": [], "seed": 0, "skip": 0}')
    worker("journal", "request")
    assert "metric: internal error" in Path("journal").read_text()


def test_a_built_in_model_that_breaks_is_not_blamed_on_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TypeError within our own network goes on as it is."""
    monkeypatch.setattr("nnlaw.nn.network.in_float32", None)
    with pytest.raises(TypeError) as caught:
        nnlaw.nn.training.build.build_model(Settings(), 784, 10)
    assert caught.traceback[-1].path.name == "network.py"


def test_a_library_is_called_by_somebody() -> None:
    """An error within NumPy belongs to whoever called it, here these tests; KeyboardInterrupt is nobody's error."""
    with pytest.raises(ValueError, match="shape") as caught:
        np.zeros(3).reshape(2)
    assert "test_internal_errors.py" in line_of_user(caught.value) and not is_internal(caught.value)
    assert not is_internal(KeyboardInterrupt())
