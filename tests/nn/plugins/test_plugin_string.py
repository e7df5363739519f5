"""Plugins with settings, such as adam:beta1=0.8."""

from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.training.build import build_model
from nnlaw.spec.violation import BadInput


@pytest.mark.parametrize("value", ["-" * 100_000 + "1", "(" * 100_000, "x" * 100_000])
def test_a_long_setting_is_refused_in_a_short_sentence(value: str) -> None:
    """Even one that Python's parser refuses."""
    with pytest.raises(BadInput, match=r"beta1 = '.*expected float") as caught:
        choose("optimizer", f"adam:beta1={value}")
    assert len(str(caught.value)) < 300


def test_settings_are_parsed_as_python_values() -> None:
    """Numbers, words, nan and inf."""
    assert choose("optimizer", "adam:beta1=0.5").kwargs == {"beta1": 0.5}
    assert choose("optimizer", "adam:beta1=inf").kwargs == {"beta1": np.inf}

HALF = """from nn import layer, loss, model, optimizer
from spec import obeys
@layer("half")
@obeys("N n -> N n")
class L:
    def forward(self, x): return x
@layer("function")
@obeys("N n -> N n")
def function(x): return x
@loss("half")
class C:
    def backward(self): 0
@optimizer("half")
class O: pass
@model("half")
class M:
    def __init__(self, n_in, n_out, rng): self.params = {}
    def predict(self, x): return x
@model("bare")
class B(M):
    def __init__(self, n_in, n_out, rng): pass
    def loss_and_grads(self, x, labels): 0
@model("late")
class Late:
    def __init__(self, n_in, n_out, rng, *, gain: float = 1.0):
        self.params = {}
        self.predict = self.loss_and_grads = lambda *arrays: gain
"""


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("layer", "half", "layer 'half' has no backward, expected forward and backward"),
        ("layer", "function", "layer 'function' is a function, expected a class with forward and backward"),
        ("loss", "half", "loss 'half' has no forward, expected forward and backward"),
        ("optimizer", "half", "optimizer 'half' has no step, expected step"),
        ("model", "bare", "model 'bare' has no params, expected a dict of arrays"),
        ("model", "half", "model 'half' has no loss_and_grads, expected loss_and_grads and predict"),
    ],
)
def test_a_missing_method_is_refused(tmp_path: Path, kind: str, name: str, words: str) -> None:
    """In one sentence, before training."""
    (tmp_path / "half.py").write_text(HALF, encoding="utf-8")
    load_plugin_file(tmp_path / "half.py")
    with pytest.raises(BadInput) as caught:
        if kind == "model":
            build_model(Settings(model=name), 4, 3)
        else:
            choose(kind, name).make()
    assert words in str(caught.value)


def test_methods_can_be_attributes_and_keyword_settings_can_be_positional(tmp_path: Path) -> None:
    """A method can be created by the constructor; a keyword-only setting can be given by position."""
    (tmp_path / "half.py").write_text(HALF, encoding="utf-8")
    load_plugin_file(tmp_path / "half.py")
    assert build_model(Settings(model="late:0.5"), 4, 3).predict() == 0.5
