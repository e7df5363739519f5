"""nn/data/idx.py: a round trip, refusal of malformed files, and limits on memory."""

import gzip
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnlaw.nn.data.idx import MAX_BYTES, read_idx, write_idx
from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.violation import BadInput

Refusal = Callable[[Callable[[], object]], str]


def header(*sizes: int) -> bytes:
    """An IDX header for bytes in as many dimensions as there are sizes."""
    return struct.pack(f">{len(sizes) + 1}I", 0x800 + len(sizes), *sizes)


@pytest.mark.slow
@given(
    array=arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, max_side=6)),
    gzipped=st.booleans(),
)
@settings(deadline=None)
def test_idx_survives_a_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, gzipped: bool) -> None:
    """An array is read back bit for bit, gzipped or not, under any file name."""
    path = tmp_path_factory.mktemp("idx") / "file"
    write_idx(path, array)
    assert path.read_bytes() == header(*array.shape) + array.tobytes()
    if gzipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    back = read_idx(path, dims=array.ndim)
    assert back.dtype == np.uint8 and np.array_equal(back, array)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"<!DOCTYPE html><html>", "a web page"), (header(2, 2, 2)[:4][::-1] + b"x" * 20, "little-endian")],
)
def test_what_is_in_place_of_the_file_is_named(
    tmp_path: Path, refusal: Refusal, content: bytes, expected: str
) -> None:
    """A page that a server sent, and a header in the other byte order."""
    (tmp_path / "file").write_bytes(gzip.compress(content))
    assert expected in refusal(lambda: read_idx(tmp_path / "file", dims=3))


@given(noise=st.binary(max_size=64), gzipped=st.booleans(), dims=st.sampled_from([1, 3]))
@settings(deadline=None)
def test_noise_raises_only_bad_input(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, gzipped: bool, dims: int
) -> None:
    """Any bytes after a valid magic number, or after that of gzip, are read or refused with BadInput."""
    path = tmp_path_factory.mktemp("noise") / "file"
    path.write_bytes((b"\x1f\x8b" if gzipped else bytes((0, 0, 8, dims))) + noise)
    try:
        read_idx(path, dims=dims)
    except BadInput as error:
        assert str(path) in str(error) and "expected" in str(error)


def test_a_file_is_written_atomically(tmp_path: Path, refusal: Refusal) -> None:
    """If the file cannot be written, BadInput is raised and no temporary file is left."""
    (tmp_path / "taken").mkdir()
    words = refusal(lambda: write_idx(tmp_path / "taken", np.zeros(3, np.uint8)))
    assert "cannot be written" in words and [p.name for p in tmp_path.iterdir()] == ["taken"]
    assert "cannot be written" in refusal(lambda: write_idx(tmp_path / "absent" / "x", np.zeros(3, np.uint8)))


def test_wrong_dimensions_need_no_memory(tmp_path: Path, refusal: Refusal) -> None:
    """A header may state half a gigabyte: no memory is allocated before the bytes are there."""
    path = tmp_path / "x"
    path.write_bytes(header(2**17, 64, 64) + bytes(100))
    tracemalloc.start()
    words = refusal(lambda: read_idx(path, dims=3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "100 bytes of data, expected 536,870,912" in words and peak < 8 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize(("stated", "words"), [(6, "more than"), (MAX_BYTES, "more than"), (2**32 - 1, "at most")])
def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path: Path, stated: int, words: str) -> None:
    """A small gzip of 2 GB of zeros is refused within 3 GB of address space, for any size in its header."""
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(header(stated)) + gzip.compress(bytes(2**23), 1) * 256)
    assert bomb.stat().st_size < 10 * 2**20
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from pathlib import Path\n"
        "from nnlaw.nn.data.idx import read_idx\n"
        "from nnlaw.spec.violation import BadInput\n"
        "try: read_idx(Path(sys.argv[1]), dims=1)\n"
        "except BadInput as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bomb)], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert words in done.stdout and not done.stderr


def test_a_missing_file_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    """The message names a missing file."""
    assert refusal(lambda: read_idx(tmp_path / "x", dims=3)).startswith(f"{tmp_path / 'x'}: no such file")
