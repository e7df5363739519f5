"""Loading a user's plugin file, and parsing the settings of a plugin."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.training.build import build_model
from nnlaw.spec.violation import BadInput

OPTIMIZER = "from nn import optimizer\n\n@optimizer({!r})\nclass Own:\n    def step(self, w, g, lr): w -= lr * g\n"


def test_files_with_the_same_name_are_different_modules(tmp_path: Path) -> None:
    """A plugin of a/mine.py keeps its file after b/mine.py is loaded."""
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(OPTIMIZER.format(f"in_{folder}"), encoding="utf-8")
        found += load_plugin_file(tmp_path / folder / "mine.py")
    assert [Path(plugin.file) for plugin in found] == [tmp_path / "a/mine.py", tmp_path / "b/mine.py"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("forward = staticmethod(np.tanh)\n    backward = staticmethod(np.tanh)", "L has forward and backward"),
        ("forward = staticmethod(type)\n    backward = staticmethod(np.tanh)", "L has forward and backward"),
        ("def forward(self, x): 1\n    def backward(self, dy): 1", "L (line 3) has forward and backward"),
    ],
)
def test_the_missing_decorator_is_suggested_for_any_methods(tmp_path: Path, body: str, words: str) -> None:
    """Methods can be functions of NumPy, which have no line and sometimes no signature."""
    (tmp_path / "mine.py").write_text(f"import numpy as np\nclass L:\n    {body}\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_plugin_file(tmp_path / "mine.py")
    assert words in str(caught.value)


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


@pytest.mark.parametrize(("make", "words"), [(lambda p: None, "no such file"), (Path.mkdir, "not a file")])
def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    """The message names which one it is."""
    make(tmp_path / "mine.py")
    with pytest.raises(BadInput, match=words):
        load_plugin_file(tmp_path / "mine.py")


def test_a_bad_input_on_import_is_reported_unchanged(tmp_path: Path) -> None:
    """With file and line, without the name of the exception class."""
    (tmp_path / "mine.py").write_text("from nn import layer\n@layer('a')\nclass A: pass\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"mine\.py:2: layer 'a' has no contract"):
        load_plugin_file(tmp_path / "mine.py")
