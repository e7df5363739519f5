"""Loading a user's plugin file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nnlaw.nn.plugins.loader import load_plugin_file
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


def test_two_classes_of_a_file_need_two_names(tmp_path: Path) -> None:
    """The second would hide the first, which would then not be checked; a class may be defined again."""
    second = OPTIMIZER.format("mine").partition("\n\n")[2]
    (tmp_path / "two.py").write_text(OPTIMIZER.format("mine") + second.replace("Own", "Other"), encoding="utf-8")
    with pytest.raises(BadInput, match="Own and Other are registered under one name"):
        load_plugin_file(tmp_path / "two.py")
    (tmp_path / "one.py").write_text(OPTIMIZER.format("mine") + second, encoding="utf-8")
    assert len(load_plugin_file(tmp_path / "one.py")) == 1


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
