"""Read and write named arrays as safetensors files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from nnlaw.nn.core.regular_file import regular_file
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput


def array_bytes(arrays: dict[str, Array], epoch: int | None = None) -> bytes:
    """The content of a safetensors file, with the epoch after which the arrays were saved. Numbers have shape ()."""
    metadata = None if epoch is None else {"epoch": str(epoch)}
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file. Raises BadInput if it can't be read, or NumPy lacks one of its types."""
    try:
        return load_file(regular_file(path))
    except BadInput:
        raise
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not a readable safetensors file: {error}") from error


def read_epoch(path: Path) -> str:
    """The epoch that a safetensors file records, else "unknown". Raises BadInput if it can't be read."""
    try:
        with safe_open(regular_file(path), framework="numpy") as file:
            return str((file.metadata() or {}).get("epoch", "unknown"))
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path}: not a readable safetensors file: {error}") from error
