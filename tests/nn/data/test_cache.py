"""nn/data/synthetic/cache.py: arrays are kept, and a broken cache is only slower."""

import os
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.data.synthetic.cache import cached

ARRAYS = {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.arange(5, dtype=np.uint8)}
SHAPES = {name: array.shape for name, array in ARRAYS.items()}


class Compute:
    """Returns the arrays, and counts its calls."""

    calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return ARRAYS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nnlaw"


def are_equal(found: dict[str, np.ndarray]) -> bool:
    """Whether the arrays are the expected ones."""
    return all(np.array_equal(found[name], array) for name, array in ARRAYS.items())


def test_computed_arrays_are_kept(home: Path) -> None:
    """They are computed once and read the second time, and no other file is left in the folder."""
    compute = Compute()
    assert are_equal(cached("x", SHAPES, compute)) and are_equal(cached("x", SHAPES, compute)) and compute.calls == 1
    assert [path.name for path in home.iterdir()] == ["x.npz"]


@pytest.mark.slow
def test_a_damaged_file_is_recomputed(home: Path) -> None:
    """With any byte changed, or the file truncated anywhere, the correct arrays are returned."""
    cached("x", SHAPES, Compute())
    whole = (home / "x.npz").read_bytes()
    for i in range(len(whole)):
        (home / "x.npz").write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        assert are_equal(cached("x", SHAPES, Compute())), i
    for i in range(0, len(whole), 7):
        (home / "x.npz").write_bytes(whole[:i])
        compute = Compute()
        assert are_equal(cached("x", SHAPES, compute)) and compute.calls == 1
        assert (home / "x.npz").read_bytes() == whole


def test_arrays_of_another_shape_are_recomputed(home: Path) -> None:
    """A valid file with other arrays is not used."""
    cached("x", SHAPES, Compute())
    a, b = ARRAYS["a"], ARRAYS["b"]
    for other in ({"a": a[:2], "b": b}, {"a": a}, {"a": a * 1.0, "b": b * 1.0}):
        np.savez(home / "x.npz", **other)
        compute = Compute()
        assert are_equal(cached("x", SHAPES, compute)) and compute.calls == 1


def test_without_a_writable_folder_nothing_is_kept(home: Path) -> None:
    """A file where the folder should be, and a folder where the file should be, only mean that nothing is cached."""
    home.parent.mkdir()
    home.write_text("in the way")
    assert are_equal(cached("x", SHAPES, Compute())) and home.read_text() == "in the way"
    home.unlink()
    (home / "x.npz").mkdir(parents=True)
    assert are_equal(cached("x", SHAPES, Compute())) and [path.name for path in home.iterdir()] == ["x.npz"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_replaced(home: Path) -> None:
    """A pipe in place of the file is replaced without reading from it."""
    home.mkdir(parents=True)
    os.mkfifo(home / "x.npz")
    assert are_equal(cached("x", SHAPES, Compute())) and (home / "x.npz").is_file()
