"""Mutators are reproducible, change valid files of their format, and accept any bytes."""

import gzip
import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.stress.fuzzing.formats import FORMATS
from nnlaw.nn.stress.fuzzing.mutators import MUTATORS, mutate
from nnlaw.nn.stress.fuzzing.mutators_bytes import GENERIC


def valid_file(ending: str, folder: Path) -> bytes:
    """A valid file for each entry of the table."""
    if ending == ".npy":
        np.save(folder / "one.npy", np.zeros(120, np.uint8))
        return (folder / "one.npy").read_bytes()
    format = {
        "-ubyte": "idx", ".npz": "npz", ".gz": "idx-gz", ".png": "pictures", ".jpg": "pictures", ".toml": "settings",
        ".zip": "bundle",
    }.get(ending, "run")  # fmt: skip
    (folder / "made").mkdir()
    FORMATS[format].make(folder / "made", 0)
    return next(path for path in sorted((folder / "made").iterdir()) if path.name.endswith(ending)).read_bytes()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("ending", MUTATORS)
def test_mutators_change_files_of_their_format(ending: str, tmp_path: Path) -> None:
    """Each changes a valid file; bytes that are not of the format are damaged by a generic mutator."""
    content = valid_file(ending, tmp_path)
    for mutator in MUTATORS[ending]:
        rng = np.random.default_rng(5)
        with warnings.catch_warnings(action="ignore"):  # zipfile warns about duplicate names
            found = {attempt(mutator, content, rng) for _ in range(12)}
        assert len(found - {b"", content}) >= 1, mutator
    for i in range(30):
        assert isinstance(mutate(f"x{ending}", b"\x00", b"", np.random.default_rng(i)), bytes)


def attempt(mutator: Any, content: bytes, rng: np.random.Generator) -> bytes:
    """A damaged file; empty if the mutator raises."""
    try:
        return bytes(mutator(content, b"", rng))
    except (ValueError, LookupError):
        return b""


@pytest.mark.parametrize("mutator", GENERIC)
def test_generic_mutators_accept_any_bytes(mutator: Any) -> None:
    """Files of any length, also empty ones."""
    for size in (0, 1, 2, 7, 100):
        content = bytes(range(size))
        assert {len(mutator(content, content[::-1], np.random.default_rng(i))) >= 0 for i in range(20)} == {True}


def test_checksums_are_updated(tmp_path: Path) -> None:
    """A damaged member of a bundle matches the checksum in its index, and a damaged gzip can be unpacked."""
    bundle, rng = valid_file(".zip", tmp_path), np.random.default_rng(1)
    members = zipfile.ZipFile(io.BytesIO(MUTATORS[".zip"][0](bundle, b"", rng)))
    assert "sha256" in json.loads(members.read("bundle.json"))
    packed = gzip.compress(bytes((0, 0, 8, 1, 0, 0, 0, 2, 5, 5)))
    assert len(gzip.decompress(MUTATORS[".gz"][0](packed, b"", rng))) >= 8
