"""The cache folder: it saves time, and never costs anything else."""

import os
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.data.synthetic.cache import kept

ARRAYS = {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.arange(5, dtype=np.uint8)}
SHAPES = {name: array.shape for name, array in ARRAYS.items()}


class Maker:
    """Makes the arrays, and counts how often."""

    times = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.times += 1
        return ARRAYS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nnlaw"


def same(found: dict[str, np.ndarray]) -> bool:
    """Whether these are the arrays."""
    return all(np.array_equal(found[name], array) for name, array in ARRAYS.items())


def test_what_was_made_is_kept(home: Path) -> None:
    """It is made once, read the second time, and no other file is left in the folder."""
    make = Maker()
    assert same(kept("x", SHAPES, make)) and same(kept("x", SHAPES, make)) and make.times == 1
    assert [path.name for path in home.iterdir()] == ["x.npz"]


def test_a_damaged_file_is_made_again(home: Path) -> None:
    """Wherever a byte is wrong or the file ends, the right arrays come back."""
    kept("x", SHAPES, Maker())
    whole = (home / "x.npz").read_bytes()
    for i in range(len(whole)):
        (home / "x.npz").write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        assert same(kept("x", SHAPES, Maker())), i
    for i in range(0, len(whole), 7):
        (home / "x.npz").write_bytes(whole[:i])
        make = Maker()
        assert same(kept("x", SHAPES, make)) and make.times == 1
        assert (home / "x.npz").read_bytes() == whole


def test_arrays_of_another_shape_are_made_again(home: Path) -> None:
    """A sound file that holds something else is not believed."""
    kept("x", SHAPES, Maker())
    a, b = ARRAYS["a"], ARRAYS["b"]
    for other in ({"a": a[:2], "b": b}, {"a": a}, {"a": a * 1.0, "b": b * 1.0}):
        np.savez(home / "x.npz", **other)
        make = Maker()
        assert same(kept("x", SHAPES, make)) and make.times == 1


def test_a_folder_that_cannot_be_written_is_no_fault(home: Path) -> None:
    """A file where the folder should be, and a folder where the file should be, only mean that nothing is kept."""
    home.parent.mkdir()
    home.write_text("in the way")
    assert same(kept("x", SHAPES, Maker())) and home.read_text() == "in the way"
    home.unlink()
    (home / "x.npz").mkdir(parents=True)
    assert same(kept("x", SHAPES, Maker())) and [path.name for path in home.iterdir()] == ["x.npz"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(home: Path) -> None:
    """A pipe in the place of the file is replaced."""
    home.mkdir(parents=True)
    os.mkfifo(home / "x.npz")
    assert same(kept("x", SHAPES, Maker())) and (home / "x.npz").is_file()
