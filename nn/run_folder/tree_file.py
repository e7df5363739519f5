"""Store a tree of dicts, lists, numbers and arrays as one safetensors file, bit for bit and without pickle.

The arrays are the tensors of the file; the rest is one line of JSON in its header, with `{"$array": name}` in place of
an array and `{"$scalar": name}` in place of a NumPy number. The line begins with its own SHA-256 and contains that of
the arrays, so a file with one changed bit is refused. It is a single entry of the metadata because safetensors writes
several in any order.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.spec.arrays import Array, digest
from nnlaw.spec.violation import BadInput

KEY = "tree"


def pack(tree: Any) -> bytes:
    """The file as bytes. Raises BadInput if the tree has anything but arrays, numbers, text, lists and dicts."""
    arrays: dict[str, Array] = {}
    encoded = _encoded(tree, "", arrays)
    try:
        text = json.dumps({"arrays": digest(arrays), "tree": encoded})
        return save(arrays, {KEY: f"{_sum(text)} {text}"})
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"state to save: {error}, expected arrays of plain numbers") from error


def unpack(path: Path) -> Any:
    """The tree in a file written by `pack`. Raises BadInput if it is damaged or another file."""
    arrays = read_arrays(path)
    tree, recorded = _tree(path)
    if digest(arrays) != recorded:
        raise BadInput(f"{path}: damaged: its arrays differ from the written ones")
    return _decoded(tree, arrays, path)


def read_tree_header(path: Path) -> Any:
    """The tree without its arrays, which stay `{"$array": name}`. Raises BadInput if it is damaged or another file."""
    return _tree(path)[0]


def _tree(path: Path) -> tuple[Any, str]:
    """The tree, and the recorded digest of its arrays."""
    try:
        with safe_open(path, framework="numpy") as file:
            found = file.metadata() or {}
        recorded, _, text = found[KEY].partition(" ")
        if _sum(text) != recorded:
            raise ValueError("damaged: its tree differs from the written one")
        line = json.loads(text)
        return line["tree"], line["arrays"]
    except (OSError, SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise BadInput(f"{path}: not a file that nn packed: {error}") from error


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encoded(value: Any, path: str, arrays: dict[str, Array]) -> Any:
    if value is None or isinstance(value, str) or type(value) in (bool, int, float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        arrays[path] = np.array(value, order="C")
        return {"$array" if isinstance(value, np.ndarray) else "$scalar": path}
    if isinstance(value, list | tuple):
        return [_encoded(item, f"{path}/{i}", arrays) for i, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _encoded(item, f"{path}/{key}" if path else key, arrays) for key, item in value.items()}
    raise BadInput(f"state to save: {path} is a {type(value).__name__}, expected arrays and numbers by name")


def _decoded(value: Any, arrays: dict[str, Array], path: Path) -> Any:
    if isinstance(value, list):
        return [_decoded(item, arrays, path) for item in value]
    if not isinstance(value, dict):
        return value
    for mark in ("$array", "$scalar"):
        if set(value) == {mark}:
            if value[mark] not in arrays:
                raise BadInput(f"{path}: array {value[mark]!r} is missing")
            return np.array(arrays[value[mark]]) if mark == "$array" else arrays[value[mark]][()]
    return {key: _decoded(item, arrays, path) for key, item in value.items()}
