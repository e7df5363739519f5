"""A bug in nn is reported as such, and apart from a user's error; a traceback is shown only on request."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.training.build
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.errors import is_internal, user_code_line
from nnlaw.nn.verify.check_unit import check_unit
from nnlaw.spec import Unit

PLUGIN = """from nn import Layer, layer
from spec import obeys


@layer("falling")
@obeys("N n -> N n")
class Falling(Layer):
    def forward(self, x):
        return {result}

    def backward(self, dy):
        return dy
"""


def test_an_internal_error_is_reported_with_its_place(monkeypatch: pytest.MonkeyPatch, nn: Any) -> None:
    """One line with the place and how to report it; with NN_TRACEBACK, the traceback comes first."""
    monkeypatch.setattr("nnlaw.cli.verify.check_targets", None)
    code, _, err = nn("verify", "relu")
    assert code == 2 and err.startswith("nn: internal error") and "TypeError at verify.py:" in err
    assert "please report it" in err and err.count("\n") == 1
    monkeypatch.setenv("NN_TRACEBACK", "1")
    code, _, err = nn("verify", "relu")
    assert code == 2 and err.startswith("Traceback (most recent call last):")


def test_an_error_of_a_plugin_names_its_line(workplace: Path, tiny_folder: Path, nn: Any) -> None:
    """The line that its author wrote, not one of nn or of NumPy."""
    Path("mine.py").write_text(PLUGIN.format(result="self.nothing"))
    code, _, err = nn("train", str(tiny_folder), "--plugin", "mine.py", "--layers", "dense:8 falling dense:10")
    assert code == 2 and "mine.py:9: AttributeError: " in err and "internal error" not in err


def test_a_full_disk_is_not_an_internal_error(monkeypatch: pytest.MonkeyPatch, nn: Any) -> None:
    """Missing space, rights or files are reported as such."""

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nnlaw.cli.verify.check_targets", full)
    code, _, err = nn("verify", "relu")
    assert code == 2 and "No space left" in err and "internal error" not in err


def test_a_bug_in_a_check_is_not_the_units_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report names an internal error."""
    monkeypatch.setattr("nnlaw.nn.verify.check_unit.conformance", None)
    report = check_unit(Unit("layer", "mine", object), [], 0)
    assert report.outcome == "error" and "internal error" in report.reason


def test_a_bug_in_the_built_in_model_is_not_an_error_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TypeError inside our own network is raised unchanged."""
    monkeypatch.setattr("nnlaw.nn.network.convert_to_float32", None)
    with pytest.raises(TypeError) as caught:
        nnlaw.nn.training.build.build_model(Settings(), 784, 10)
    assert caught.traceback[-1].path.name == "network.py"


def test_an_error_inside_a_library_belongs_to_its_caller() -> None:
    """Here this file; KeyboardInterrupt is never an internal error."""
    with pytest.raises(ValueError, match="shape") as caught:
        np.zeros(3).reshape(2)
    assert "test_internal_errors.py" in user_code_line(caught.value) and not is_internal(caught.value)
    assert not is_internal(KeyboardInterrupt())
