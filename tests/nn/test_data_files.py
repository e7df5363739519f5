"""Data files: what is read, and what is refused in one sentence."""

import gzip
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nn.data.dataset import Dataset, load_folder, split
from nn.data.digits import built_in
from nn.data.idx import read_idx, write_idx
from nn.data.pictures import read_digit
from spec import BadInput

IMAGES, LABELS, TEST = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"


def header(*sizes: int, magic: int | None = None) -> bytes:
    """An IDX header."""
    return struct.pack(f">{len(sizes) + 1}I", 0x800 + len(sizes) if magic is None else magic, *sizes)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.booleans())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], zipped: bool) -> None:
    """Any array of bytes survives the file, gzipped or not."""
    path = tmp_path_factory.mktemp("idx") / "a"
    array = np.random.default_rng(0).integers(0, 256, sizes).astype(np.uint8)
    write_idx(path, array)
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert np.array_equal(read_idx(path, dims=len(sizes)), array)


def damaged(change: Callable[[bytes], bytes], name: str = IMAGES) -> Callable[[Path], None]:
    """A way to damage one file of a folder."""

    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return apply


def cut(data: bytes) -> bytes:
    """All but the last hundred bytes."""
    return data[:-100]


def zipped_noise(data: bytes) -> bytes:
    """A gzip with a stretch of noise in its middle."""
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)
    return bytes(packed)


FAULTS = {
    "missing": (lambda folder: (folder / IMAGES).unlink(), "is missing"),
    "empty": (damaged(lambda data: b""), "empty"),
    "a folder": (lambda folder: ((folder / IMAGES).unlink(), (folder / IMAGES).mkdir()), "cannot be read"),
    "wrong magic": (damaged(lambda data: header(600, 28, 28, magic=0x801) + data[16:]), "expected 0x00000803"),
    "labels for images": (damaged(lambda data: header(600) + bytes(600)), "expected 0x00000803"),
    "header cut": (damaged(lambda data: data[:9]), "header ends after 9"),
    "dimensions lie": (damaged(lambda data: header(601, 28, 28) + data[16:]), "expected 471,184"),
    "promises too much": (damaged(lambda data: header(2**31, 2**15, 2**15)), "at most"),
    "truncated": (damaged(cut), "expected 470,400"),
    "trailing": (damaged(lambda data: data + b"x"), "trail"),
    "no images": (damaged(lambda data: header(0, 28, 28)), "no images"),
    "counts differ": (damaged(lambda data: header(599) + data[8:-1], LABELS), "600 images"),
    "other size": (damaged(lambda data: header(400, 14, 14) + data[16 : 16 + 400 * 196], TEST), "counts"),
    "label out of range": (damaged(lambda data: data[:-1] + b"\x0a", LABELS), "label 599 is 10"),
    "cut gzip": (damaged(lambda data: cut(gzip.compress(data))), "cannot be read"),
    "noisy gzip": (damaged(zipped_noise), "cannot be read"),
    "gzip without a body": (damaged(lambda data: gzip.compress(data)[:12]), "cannot be read"),
}
FAULTS["other size"] = (
    lambda folder: (
        write_idx(folder / TEST, np.zeros((100, 14, 14), np.uint8)),
        None,
    ),
    "test images are 14×14",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_folder_is_one_sentence(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    """Every malformed folder is refused by `nn train` with one sentence that names it; no run folder is left."""
    from cli.main import run

    folder = tmp_path / "data"
    shutil.copytree(tiny_folder, folder)
    change, words = FAULTS[fault]
    change(folder)
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(folder)]) == 2
    err = capsys.readouterr().err.strip()
    assert words in err and str(folder) in err and len(err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("make", "words"), [(False, "does not exist"), (True, "is not a folder")])
def test_a_path_that_is_no_folder_is_refused(tmp_path: Path, make: bool, words: str) -> None:
    """An absent path and a file are told apart."""
    if make:
        (tmp_path / "x").write_text("")
    with pytest.raises(BadInput, match=words):
        load_folder(tmp_path / "x")


def test_a_gzip_bomb_is_refused_in_little_memory(tiny_folder: Path, tmp_path: Path) -> None:
    """A file of a few kilobytes that unpacks to 2 GB is refused under 3 GB of address space."""
    bomb = tmp_path / "data"
    shutil.copytree(tiny_folder, bomb)
    with gzip.open(bomb / IMAGES, "wb", compresslevel=1) as file:
        file.write(header(600, 28, 28))
        for _ in range(256):
            file.write(bytes(2**23))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "import sys; from pathlib import Path; from nn.data.dataset import load_folder; from spec import BadInput\n"
        "try: load_folder(Path(sys.argv[1]))\n"
        "except BadInput as error: print(error)\n"
    )
    import nn

    done = subprocess.run(
        [sys.executable, "-c", code, str(bomb)], capture_output=True, text=True, cwd=Path(nn.__file__).parent.parent
    )
    assert "trail" in done.stdout, done.stderr


def test_the_split_is_standardized_on_its_training_part(tiny_folder: Path) -> None:
    """Mean 0 and deviation 1 over the training rows; no row in both parts; the test set by the same numbers."""
    data = load_folder(tiny_folder)
    parts = split(data, 100, np.random.default_rng(0))
    assert abs(parts.x_train.mean()) < 1e-4 and abs(parts.x_train.std() - 1) < 1e-4
    assert not set(parts.train_rows) & set(parts.val_rows) and len(parts.val_rows) == 100
    assert parts.x_train.dtype == np.float32 and parts.y_train.dtype == np.int64
    expected = (data.test_images[0].reshape(-1) - parts.mean) / parts.deviation
    assert np.allclose(parts.x_test[0], expected, atol=1e-5)


def test_pictures_of_one_shade_cannot_be_standardized() -> None:
    """Equal pixels everywhere are refused."""
    flat = Dataset("flat", *(np.zeros(s, np.uint8) for s in ((9, 4, 4), 9, (9, 4, 4), 9)))  # type: ignore[arg-type]  # shapes of several lengths
    with pytest.raises(BadInput, match="all training pixels are 0"):
        split(flat, 0, np.random.default_rng(0))


def test_built_in_digits_come_from_their_seed() -> None:
    """The same seed draws the same digits, another one others, and no picture twice."""
    one, two, other = built_in(1, 60, 20), built_in(1, 60, 20), built_in(2, 60, 20)
    assert one.digests() == two.digests() != other.digests()
    assert one.synthetic and len({image.tobytes() for image in one.train_images}) == 60


def test_a_picture_is_normalized_like_mnist(tmp_path: Path) -> None:
    """Dark ink on white, large, off center and transparent becomes white on black in the middle of 28×28."""
    sheet = Image.new("RGBA", (200, 300), (255, 255, 255, 0))
    sheet.paste((0, 0, 0, 255), (20, 30, 60, 130))
    sheet.save(tmp_path / "one.png")
    digit = read_digit(tmp_path / "one.png")
    rows, columns = np.nonzero(digit > 127)
    assert digit.shape == (28, 28) and np.ptp(rows) + 1 == 20 and np.ptp(columns) + 1 == 8
    assert abs(rows.mean() - 13.5) <= 0.5 and abs(columns.mean() - 13.5) <= 0.5


def test_a_28_by_28_picture_on_black_is_taken_as_it_is(tmp_path: Path) -> None:
    """A real MNIST digit saved as a picture is read back bit for bit."""
    image = built_in(0, 10, 1).train_images[0]
    Image.fromarray(image).save(tmp_path / "a.png")
    assert np.array_equal(read_digit(tmp_path / "a.png"), image)


@pytest.mark.parametrize("content", [None, b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Absent, empty and damaged pictures get one sentence."""
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.png"):
        read_digit(tmp_path / "a.png")


def test_a_picture_far_too_large_is_refused(tmp_path: Path) -> None:
    """A picture of 64 million pixels is refused before it is unpacked; one without ink is not."""
    Image.new("1", (8000, 8000)).save(tmp_path / "big.png")
    with pytest.raises(BadInput, match="at most"):
        read_digit(tmp_path / "big.png")
    Image.new("L", (50, 40)).save(tmp_path / "blank.png")
    assert read_digit(tmp_path / "blank.png").max() == 0


def test_the_real_mnist_is_read(mnist: Path) -> None:
    """60,000 and 10,000 images, whose unpacked bytes are those that are known."""
    import hashlib

    data = load_folder(mnist)
    assert data.train_images.shape == (60000, 28, 28) and data.test_images.shape == (10000, 28, 28)
    file = hashlib.sha256(header(60000, 28, 28) + data.train_images.tobytes()).hexdigest()
    assert file == "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
