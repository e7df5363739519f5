"""Malformed weights in a run folder: one sentence, exit code 2."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from nnlaw.cli.main import run

pytestmark = pytest.mark.usefixtures("hasty")


def tensors(dtype: str, shape: list[int], size: int, body: int | None = None) -> bytes:
    """A safetensors file with one tensor of `size` bytes by its header, and of `body` bytes in fact."""
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
def test_malformed_weights_are_refused(damaged_run: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    """Wrong sizes in the header, and types that NumPy lacks, are refused without allocating memory."""
    (damaged_run / "weights.safetensors").write_bytes(content)
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
    damaged_run: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], dict[str, Any]],
    words: str,
) -> None:
    """The message names the type, shape or layer that differs."""
    found = change(load_file(damaged_run / "weights.safetensors"))
    (damaged_run / "weights.safetensors").write_bytes(save(found))
    assert run(["predict", "r/curves.png", "--run", "r"]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.strip().splitlines()) == 1
