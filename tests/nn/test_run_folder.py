"""A run folder whose files are not what a run writes: one sentence, exit code 2, and nobody waits for ever."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from nnlaw.cli.main import run
from nnlaw.nn.run_folder.tree_file import pack, unpack

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture(scope="module")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped after its first epoch, beside a picture."""
    place = tmp_path_factory.mktemp("trained")
    flags = ["--epochs", "2", "--stop-after", "1", "--batch-size", "100", "--layers", "dense:6 batchnorm dense:10"]
    assert run(["train", str(tiny_folder), *flags, "--run", str(place / "r"), "--json"]) == 0
    return place / "r"


@pytest.fixture
def folder(trained: Path, workplace: Path) -> Path:
    """A copy of it to damage."""
    shutil.copytree(trained, workplace / "r")
    return workplace / "r"


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence that a command ends in, exit code 2, which names no line of code."""
    capsys.readouterr()
    assert run(list(args)) == 2
    sentence = capsys.readouterr().err.strip()
    assert len(sentence.splitlines()) == 1 and ".py:" not in sentence
    assert "expected" in sentence or "is not a run folder" in sentence
    return sentence


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
@pytest.mark.parametrize("name", ["weights.safetensors", "checkpoint.safetensors", "record.json", "config.toml"])
def test_what_is_no_file_is_not_waited_for(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, make: Callable[[Path], None]
) -> None:
    """A pipe or a folder under the name of a file is told by predicting and resuming."""
    (folder / name).unlink()
    make(folder / name)
    assert name in refused(capsys, "predict", "r/curves.png", "--run", "r")
    if name != "weights.safetensors":  # resuming writes it anew
        assert name in refused(capsys, "train", "--resume", "r")


def test_a_signature_that_is_no_file_is_not_waited_for(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same holds for a failure that is to be replayed."""
    (workplace / "failure").mkdir()
    os.mkfifo(workplace / "failure" / "signature.json")
    assert "signature.json: not a file" in refused(capsys, "replay", "failure")


def tensors(dtype: str, shape: list[int], size: int, body: int | None = None) -> bytes:
    """A safetensors file with one tensor whose header promises `size` bytes, and has `body`."""
    head = json.dumps({"0:dense.W": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(size if body is None else body)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * 100,
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"{",
        tensors("BF16", [2, 2], 8),
        tensors("F8_E4M3", [2, 2], 4),
        tensors("F33", [2, 2], 16),
        tensors("F32", [2, 2], 12),
        tensors("F32", [2**40], 2**42, 4),
        tensors("F32", [2**62, 2**62], 16),
    ],
    ids=["empty", "noise", "endless", "cut", "bfloat16", "float8", "unknown", "lying", "promising", "overflowing"],
)
def test_weights_that_lie_are_refused(folder: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    """Headers that promise what is not there, and types that NumPy has not, are told, and take no memory."""
    (folder / "weights.safetensors").write_bytes(content)
    assert run(["predict", "r/curves.png", "--run", "r"]) == 2
    assert "r/weights.safetensors: not a readable safetensors file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: {name: array.astype(np.float64) for name, array in w.items()}, "is float64, expected float32"),
        (lambda w: {name: array.reshape(1, -1) for name, array in w.items()}, "has shape (1, "),
        (lambda w: {**w, "9:dense.W": np.zeros((2, 2), np.float32)}, "9:dense.W is unknown in this architecture"),
        (lambda w: {"0:dense.W": w["0:dense.W"]}, "is missing in this architecture"),
    ],
)
def test_weights_of_another_network_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], dict[str, Any]], words: str
) -> None:
    """Other types, shapes and layers are named."""
    found = change(load_file(folder / "weights.safetensors"))
    (folder / "weights.safetensors").write_bytes(save(found))
    assert run(["predict", "r/curves.png", "--run", "r"]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("change", [{"rows": ["one"]}, {"rows": [3]}, {"best": "one"}])
def test_a_checkpoint_of_other_rows_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    """Epochs that are no rows of figures are told, and listing the runs goes on."""
    path = folder / "checkpoint.safetensors"
    path.write_bytes(pack(unpack(path) | change))
    assert run(["predict", "r/curves.png", "--run", "r"]) == 2
    assert "its epochs are not tables" in capsys.readouterr().err
    assert run(["runs", "."]) == 0
    assert "its epochs are not tables" in capsys.readouterr().out
