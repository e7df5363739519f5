"""A user's plugin file, and the settings that a line gives to a plugin."""

from pathlib import Path

import numpy as np
import pytest

from nn.choice import choose
from nn.plugin_file import load_file
from spec.violation import BadInput

OPTIMIZER = "from nn import optimizer\n\n@optimizer({!r})\nclass Own:\n    def step(self, w, g, lr): w -= lr * g\n"


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """A plugin of a/mine.py is known to stand there once b/mine.py is loaded, too."""
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(OPTIMIZER.format(f"in_{folder}"), encoding="utf-8")
        found += load_file(tmp_path / folder / "mine.py")
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
        load_file(tmp_path / "mine.py")
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
