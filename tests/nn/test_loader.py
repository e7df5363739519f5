"""A user's plugin file, and the settings that a line gives to a plugin."""

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


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """A plugin of a/mine.py is known to stand there once b/mine.py is loaded, too."""
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
def test_what_to_write_above_a_class_is_told_whatever_its_methods_are(tmp_path: Path, body: str, words: str) -> None:
    """Also functions of NumPy, which have no lines, and sometimes no signature."""
    (tmp_path / "mine.py").write_text(f"import numpy as np\nclass L:\n    {body}\n", encoding="utf-8")
    with pytest.raises(BadInput) as told:
        load_plugin_file(tmp_path / "mine.py")
    assert words in str(told.value)


@pytest.mark.parametrize("value", ["-" * 100_000 + "1", "(" * 100_000, "x" * 100_000])
def test_a_setting_however_long_is_refused_in_a_short_sentence(value: str) -> None:
    """One that Python's parser gives up on, too."""
    with pytest.raises(BadInput, match=r"beta1 = '.*expected float") as told:
        choose("optimizer", f"adam:beta1={value}")
    assert len(str(told.value)) < 300


def test_settings_are_read_as_they_were() -> None:
    """Numbers, words, and what only float knows."""
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
def test_what_lacks_a_method_of_its_protocol_is_refused(tmp_path: Path, kind: str, name: str, words: str) -> None:
    """In one sentence, before anything is trained."""
    (tmp_path / "half.py").write_text(HALF, encoding="utf-8")
    load_plugin_file(tmp_path / "half.py")
    with pytest.raises(BadInput) as told:
        if kind == "model":
            build_model(Settings(model=name), 4, 3)
        else:
            choose(kind, name).make()
    assert words in str(told.value)


def test_methods_may_be_made_by_the_constructor_and_settings_be_named_by_place(tmp_path: Path) -> None:
    """A protocol is satisfied by shape; a setting that takes a keyword in Python takes its place in a line."""
    (tmp_path / "half.py").write_text(HALF, encoding="utf-8")
    load_plugin_file(tmp_path / "half.py")
    assert build_model(Settings(model="late:0.5"), 4, 3).predict() == 0.5


@pytest.mark.parametrize(("make", "words"), [(lambda p: None, "no such file"), (Path.mkdir, "not a file")])
def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    """Absent, or a folder."""
    make(tmp_path / "mine.py")
    with pytest.raises(BadInput, match=words):
        load_plugin_file(tmp_path / "mine.py")


def test_our_own_refusal_on_import_is_told_as_it_is(tmp_path: Path) -> None:
    """With file and line, without the name of its class."""
    (tmp_path / "mine.py").write_text("from nn import layer\n@layer('a')\nclass A: pass\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"mine\.py:2: layer 'a' has no contract"):
        load_plugin_file(tmp_path / "mine.py")
