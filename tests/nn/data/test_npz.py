"""nn/data/npz.py: reading .npz files as Keras writes them, and refusal of malformed ones."""

import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlaw.cli.main import run
from nnlaw.nn.data.dataset_info import DESCRIPTION_FILE, FASHION_LABELS
from nnlaw.nn.data.load import dataset_name, load, load_npz
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.violation import BadInput

Refusal = Callable[[Callable[[], object]], str]
RNG = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    "x_train": RNG.integers(0, 256, (6, 5, 4), np.uint8),
    "y_train": RNG.integers(0, 10, 6, np.uint8),
    "x_test": RNG.integers(0, 256, (4, 5, 4), np.uint8),
    "y_test": RNG.integers(0, 10, 4, np.uint8),
}


def npy(array: Any) -> bytes:
    """An array as the bytes of an .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def saved(path: Path, how: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    """An .npz file of the four arrays; `members` replace some of them, or remove them if empty."""
    with zipfile.ZipFile(path, "w", how) as file:
        for name, content in ({name: npy(array) for name, array in ARRAYS.items()} | members).items():
            if content:
                file.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_is_read_bit_for_bit(tmp_path: Path, save: Callable[..., None]) -> None:
    """Compressed or not, in both memory orders, labels of any width and byte order, beside other arrays."""
    odd = {
        "y_train": ARRAYS["y_train"].astype(">i8"),
        "x_test": np.asfortranarray(ARRAYS["x_test"]),
        "more": np.array([None]),
    }
    save(tmp_path / "a.npz", **ARRAYS | odd)
    data = load(tmp_path / "a.npz")
    arrays = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    for name, array in zip(ARRAYS, arrays, strict=True):
        assert array.dtype == np.uint8 and np.array_equal(array, ARRAYS[name])
    assert data.name == dataset_name(tmp_path / "a.npz") == "MNIST" and data.source == str(tmp_path / "a.npz")


def test_an_npz_is_recognized_as_a_folder_is(tmp_path: Path) -> None:
    """Fashion-MNIST by its labels, other data by the dataset.toml beside the file."""
    train, test = (np.array(start) for start in FASHION_LABELS)
    images = np.resize(ARRAYS["x_train"], (10, 5, 4))
    path = saved(tmp_path / "a.npz", y_train=npy(train), y_test=npy(test), x_train=npy(images), x_test=npy(images))
    assert load(path).name == dataset_name(path) == "Fashion-MNIST"
    (tmp_path / DESCRIPTION_FILE).write_text('name = "Mine"')
    assert load(path).name == dataset_name(path) == "Mine"


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_an_npz_is_trained_on(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`nn train x.npz` works; training resumes, and its bundle is reproduced, also after the file has moved."""
    data = generate_digits(3, 300, 60)
    arrays = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    np.savez(workplace / "x.npz", **dict(zip(ARRAYS, arrays, strict=True)))
    assert run(["train", "x.npz", "--epochs", "2", "--stop-after", "1", "--batch-size", "100", "--run", "r"]) == 0
    assert "Loading MNIST dataset" in capsys.readouterr().out
    assert run(["train", "--resume", "r"]) == 0
    assert run(["bundle", "r"]) == 0 and run(["reproduce", "r.zip"]) == 0
    (workplace / "x.npz").rename(workplace / "y.npz")
    assert run(["reproduce", "r.zip"]) == 2
    assert "give its path with --data" in capsys.readouterr().err
    assert run(["reproduce", "r.zip", "--data", "y.npz"]) == 0


def with_header(text: str, body: bytes = b"", version: int = 1) -> bytes:
    """An .npy file with this header."""
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + size + text.encode() + body


def shaped(shape: str, descr: str = "'|u1'") -> bytes:
    """An .npy file with this shape and type, and ten bytes of data."""
    return with_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n", bytes(10))


FAULTS: dict[str, tuple[dict[str, bytes], str]] = {
    "one missing": ({"y_test": b""}, "y_test is missing, expected an .npz file with x_train"),
    "pickled": ({"y_train": npy(np.array([1, None]))}, "y_train is object of shape (2,), expected numbers"),
    "text": ({"y_train": npy(np.array(list("123456")))}, "y_train is <U1 of shape (6,), expected numbers"),
    "structured": ({"y_train": shaped("(6,)", "[('a', '<i4')]")}, "expected numbers"),
    "float labels": ({"y_train": npy(np.zeros(6))}, "y_train is float64 of shape (6,), expected integers"),
    "one-hot labels": ({"y_test": npy(np.eye(4, dtype=int))}, "y_test is int64 of shape (4, 4), expected integers"),
    "float images": ({"x_train": npy(np.zeros((6, 5, 4)))}, "x_train is float64 of shape (6, 5, 4), expected uint8"),
    "flat images": ({"x_test": npy(np.zeros((4, 20), np.uint8))}, "x_test is uint8 of shape (4, 20), expected"),
    "fewer labels": ({"y_train": npy(np.zeros(5, int))}, "x_train: 6 images, but y_train has 5 labels"),
    "label ten": ({"y_train": npy(np.array([0, 1, 10, 3, 4, 5]))}, "y_train: label 2 is 10, expected 0 to 9"),
    "label below 0": ({"y_test": npy(np.array([0, 1, 2, -1]))}, "y_test: label 3 is -1, expected 0 to 9"),
    "huge label": ({"y_test": npy(np.array([0, 1, 2, 2**64 - 1], np.uint64))}, "label 3 is 18446744073709551615"),
    "other size": ({"x_test": npy(np.zeros((4, 3, 3), np.uint8))}, "test images are 3×3 pixels, expected 5×4"),
    "no images": ({"x_train": npy(np.zeros((0, 5, 4), np.uint8))}, "every dimension at least 1"),
    "not an array": ({"x_train": b"nothing"}, "x_train has no valid"),
    "unknown version": ({"x_train": b"\x93NUMPY\x09\x09" + bytes(200)}, "x_train has no valid"),
    "header cut": ({"x_train": npy(ARRAYS["x_train"])[:40]}, "x_train has no valid"),
    "header of nonsense": ({"x_train": with_header("{" * 200)}, "x_train has no valid"),
    "header far too long": ({"x_train": with_header(" " * 50_000)}, "x_train has no valid"),
    "header of gigabytes": ({"x_train": b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(200)}, "x_train has no valid"),
    "negative side": ({"x_train": shaped("(-1, 5, 4)")}, "x_train"),
    "side of text": ({"x_train": shaped("('a',)")}, "x_train has no valid"),
    "truncated": ({"x_train": npy(ARRAYS["x_train"])[:-1]}, "x_train: 119 bytes of data, expected 120"),
    "trailing": ({"x_train": npy(ARRAYS["x_train"]) + b"x"}, "x_train: more than 120 bytes of data"),
    "too much": ({"x_train": shaped("(2000000, 28, 28)")}, "x_train: its header states 1,568,000,000 bytes, expected"),
    "far too much": ({"x_train": shaped(f"({2**62}, {2**62}, 2)")}, "expected at most"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_npz_is_refused_in_one_sentence(
    workplace: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    """`nn train` names the array, what was found and what was expected, with exit code 2 and no traceback."""
    members, words = FAULTS[fault]
    saved(workplace / "a.npz", **members)
    assert run(["train", "a.npz"]) == 2
    sentence = capsys.readouterr().err.strip()
    assert sentence.startswith("nn: a.npz: ") and words in sentence and "expected" in sentence
    assert "\n" not in sentence and len(sentence) < 400 and not (workplace / "runs").exists()


def test_an_unreadable_archive_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    """A missing file, a folder, and an invalid, truncated, corrupt or encrypted zip are refused."""
    path = tmp_path / "a.npz"
    assert "no such file" in refusal(lambda: load(path))
    path.mkdir()
    assert "no such file" in refusal(lambda: load(path))
    path.rmdir()
    path.write_bytes(b"nothing")
    assert "cannot be read: File is not a zip file" in refusal(lambda: load(path))
    whole = saved(path).read_bytes()
    path.write_bytes(whole[:-30])
    assert "cannot be read" in refusal(lambda: load(path))
    path.write_bytes(whole.replace(ARRAYS["x_train"].tobytes(), bytes(120)))
    assert "x_train cannot be read: Bad CRC-32" in refusal(lambda: load(path))
    saved(path, zipfile.ZIP_BZIP2)
    assert "compressed by a method that NumPy does not use" in refusal(lambda: load(path))
    encrypted = bytearray(whole)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := encrypted.find(mark, place + 1)) >= 0:
            encrypted[place + flags] |= 1
    path.write_bytes(encrypted)
    assert "encrypted" in refusal(lambda: load(path))


@given(place=st.integers(0, 900), noise=st.binary(min_size=1, max_size=8))
def test_noise_raises_only_bad_input(tmp_path_factory: pytest.TempPathFactory, place: int, noise: bytes) -> None:
    """A file with overwritten bytes is read or refused with BadInput."""
    path = saved(tmp_path_factory.mktemp("noise") / "a.npz", zipfile.ZIP_DEFLATED)
    whole = bytearray(path.read_bytes())
    place = place * len(whole) // 901
    whole[place : place + len(noise)] = noise
    path.write_bytes(whole)
    try:
        load_npz(path)
    except BadInput as error:
        assert str(path) in str(error) and "expected" in str(error)


def bomb(path: Path, stated: int) -> None:
    """An .npz of three megabytes whose y_train unpacks to 3 GB."""
    pack = zlib.compressobj(1, wbits=-15)
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({stated},)}}\n"
    start = pack.compress(with_header(text)) + pack.flush(zlib.Z_FULL_FLUSH)
    zeros = pack.compress(bytes(2**23)) + pack.flush(zlib.Z_FULL_FLUSH)
    packed = start + zeros * 384
    with zipfile.ZipFile(saved(path, y_train=b""), "a") as file:
        file.writestr("y_train.npy", packed)
    whole = bytearray(path.read_bytes())
    for mark, method, size in ((b"PK\x03\x04", 8, 22), (b"PK\x01\x02", 10, 24)):
        place = whole.rfind(mark)  # the last member is this one
        whole[place + method : place + method + 2] = (8).to_bytes(2, "little")
        whole[place + size : place + size + 4] = (384 * 2**23).to_bytes(4, "little")
    path.write_bytes(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("stated", "words"), [(6, "more than 6 bytes of data"), (2**40, "expected at most")])
def test_a_zip_bomb_is_refused_in_little_memory(tmp_path: Path, stated: int, words: str) -> None:
    """A small .npz that unpacks to 3 GB is refused within 2 GB of address space, for any size in its header."""
    bomb(tmp_path / "a.npz", stated)
    assert (tmp_path / "a.npz").stat().st_size < 20 * 2**20
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from pathlib import Path\n"
        "from nnlaw.nn.data.load import load\n"
        "from nnlaw.spec.violation import BadInput\n"
        "try: load(Path(sys.argv[1]))\n"
        "except BadInput as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.npz")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert words in done.stdout and not done.stderr
