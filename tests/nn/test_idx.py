"""IDX files: what is written is read, what is malformed is refused, and no file costs more than it may."""

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

from nnlaw.nn.data.idx import LARGEST, read_idx, write_idx
from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.violation import BadInput

Refusal = Callable[[Callable[[], object]], str]


def header(*sizes: int) -> bytes:
    """An IDX header for bytes in as many dimensions as sizes are given."""
    return struct.pack(f">{len(sizes) + 1}I", 0x800 + len(sizes), *sizes)


@given(
    array=arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, max_side=6)),
    zipped=st.booleans(),
)
@settings(deadline=None)
def test_idx_survives_the_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, zipped: bool) -> None:
    """What was written is read, bit for bit, whether or not it was gzipped, under a name that tells nothing."""
    path = tmp_path_factory.mktemp("idx") / "file"
    write_idx(path, array)
    assert path.read_bytes() == header(*array.shape) + array.tobytes()
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    back = read_idx(path, dims=array.ndim)
    assert back.dtype == np.uint8 and np.array_equal(back, array)


@given(noise=st.binary(max_size=64), zipped=st.booleans(), dims=st.sampled_from([1, 3]))
@settings(deadline=None)
def test_noise_is_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, zipped: bool, dims: int
) -> None:
    """Any bytes after a right magic number, or after the mark of a gzip, are read or refused in a sentence."""
    path = tmp_path_factory.mktemp("noise") / "file"
    path.write_bytes((b"\x1f\x8b" if zipped else bytes((0, 0, 8, dims))) + noise)
    try:
        read_idx(path, dims=dims)
    except BadInput as error:
        assert str(path) in str(error) and "expected" in str(error)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, refusal: Refusal) -> None:
    """Where a file can't be put in its place, a sentence says so and nothing is left behind."""
    (tmp_path / "taken").mkdir()
    words = refusal(lambda: write_idx(tmp_path / "taken", np.zeros(3, np.uint8)))
    assert "cannot be written" in words and [p.name for p in tmp_path.iterdir()] == ["taken"]
    assert "cannot be written" in refusal(lambda: write_idx(tmp_path / "absent" / "x", np.zeros(3, np.uint8)))


def test_lying_dimensions_take_no_memory(tmp_path: Path, refusal: Refusal) -> None:
    """A header may promise half a gigabyte: as long as the bytes aren't there, no room is made for them."""
    path = tmp_path / "x"
    path.write_bytes(header(2**17, 64, 64) + bytes(100))
    tracemalloc.start()
    words = refusal(lambda: read_idx(path, dims=3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "100 bytes of data, expected 536,870,912" in words and peak < 8 * 2**20


@pytest.mark.parametrize(("promised", "words"), [(6, "bytes trail"), (LARGEST, "bytes trail"), (2**32 - 1, "at most")])
def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path: Path, promised: int, words: str) -> None:
    """A small gzip of 2 GB of zeros is refused within 3 GB of address space, whatever its header promises."""
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(header(promised)) + gzip.compress(bytes(2**23), 1) * 256)
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


def test_an_absent_file_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    """Asked for by itself, a file that isn't there is named."""
    assert refusal(lambda: read_idx(tmp_path / "x", dims=3)).startswith(f"{tmp_path / 'x'}: no such file")
