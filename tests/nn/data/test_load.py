"""nn/data/load.py and layout.py: folders of four IDX files, under any spelling, and refusal of malformed ones."""

import gzip
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.load import load_folder

Refusal = Callable[[Callable[[], object]], str]
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
UNPACKED = {
    "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def header(*sizes: int) -> bytes:
    """An IDX header for bytes in as many dimensions as there are sizes."""
    return struct.pack(f">{len(sizes) + 1}I", 0x800 + len(sizes), *sizes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six training and four test images of 5×4 pixels, in IDX files without gzip."""
    rng = np.random.default_rng(0)
    made = tmp_path / "data"
    made.mkdir()
    for images, labels, count in ((IMAGES, LABELS, 6), (TEST_IMAGES, TEST_LABELS, 4)):
        write_idx(made / images, rng.integers(0, 256, (count, 5, 4), np.uint8))
        write_idx(made / labels, rng.integers(0, 10, count, np.uint8))
    return made


def edit(change: Callable[[bytes], bytes], name: str = IMAGES) -> Callable[[Path], None]:
    """A fault: changed bytes in one file of the folder."""
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes())) and None


def overwritten(data: bytes, start: int, noise: bytes) -> bytes:
    """A gzip with some compressed bytes overwritten."""
    packed = bytearray(gzip.compress(data))
    packed[start : start + len(noise)] = noise
    return bytes(packed)


def wrong_checksum(data: bytes) -> bytes:
    """A gzip with a wrong checksum."""
    packed = bytearray(gzip.compress(data))
    packed[-8] ^= 1
    return bytes(packed)


def replace_by(make: Callable[[Path], object], name: str = IMAGES) -> Callable[[Path], None]:
    """A fault: something other than a file in its place."""

    def apply(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return apply


def smaller_tests(folder: Path) -> None:
    """A fault: test images of 3×3 pixels."""
    write_idx(folder / TEST_IMAGES, np.zeros((4, 3, 3), np.uint8))


FAULTS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "one missing": (lambda f: (f / LABELS).unlink(), "", f"{LABELS} is missing"),
    "two missing": (
        lambda f: [(f / name).unlink() for name in (IMAGES, TEST_LABELS)] and None,
        "",
        f"{IMAGES}, {TEST_LABELS} are missing",
    ),
    "empty": (edit(lambda d: b""), IMAGES, "empty"),
    "empty in gzip": (edit(lambda d: gzip.compress(b"")), IMAGES, "empty"),
    "a folder": (replace_by(Path.mkdir), IMAGES, "cannot be read: not a file"),
    "a pipe": (replace_by(os.mkfifo), IMAGES, "cannot be read: not a file"),
    "a pipe for labels": (replace_by(os.mkfifo, LABELS), LABELS, "cannot be read: not a file"),
    "wrong magic": (edit(lambda d: b"\x89PNG" + d[4:]), IMAGES, "magic number 0x89504e47, expected 0x00000803"),
    "magic of labels": (edit(lambda d: b"\0\0\x08\1" + d[4:]), IMAGES, "0x00000801, expected 0x00000803"),
    "labels for images": (edit(lambda d: header(6) + bytes(6)), IMAGES, "0x00000801, expected 0x00000803"),
    "images for labels": (edit(lambda d: header(6, 1, 1), LABELS), LABELS, "0x00000803, expected 0x00000801"),
    "magic cut": (edit(lambda d: d[:3]), IMAGES, "header ends after 3 bytes, expected 16"),
    "header cut": (edit(lambda d: d[:15]), IMAGES, "header ends after 15 bytes, expected 16"),
    "no images": (edit(lambda d: header(0, 5, 4)), IMAGES, "no images: its dimensions are 0×5×4"),
    "no labels": (edit(lambda d: header(0), LABELS), LABELS, "no labels"),
    "too much": (edit(lambda d: header(2**20, 28, 28)), IMAGES, "states 822,083,584 bytes, expected at most"),
    "beyond 64 bits": (edit(lambda d: header(2**31, 2**15, 2**18)), IMAGES, "expected at most"),
    "truncated": (edit(lambda d: d[:-1]), IMAGES, "119 bytes of data, expected 120"),
    "truncated by half": (edit(lambda d: d[:76]), IMAGES, "60 bytes of data, expected 120"),
    "wrong dimensions": (edit(lambda d: header(7, 5, 4) + d[16:]), IMAGES, "120 bytes of data, expected 140"),
    "trailing": (edit(lambda d: d + b"x"), IMAGES, "more than 120 bytes of data"),
    "trailing in gzip": (edit(lambda d: gzip.compress(d + b"x")), IMAGES, "more than 120 bytes of data"),
    "trailing after gzip": (edit(lambda d: gzip.compress(d) + b"x"), IMAGES, "cannot be read"),
    "a bomb": (edit(lambda d: gzip.compress(d) + gzip.compress(bytes(2**23), 1) * 200), IMAGES, "more than 120 bytes"),
    "cut gzip": (edit(lambda d: gzip.compress(d)[:-20]), IMAGES, "cannot be read"),
    "gzip without a body": (edit(lambda d: gzip.compress(d)[:12]), IMAGES, "cannot be read"),
    "cut checksum": (edit(lambda d: gzip.compress(d)[:-2]), IMAGES, "cannot be read"),
    "wrong checksum": (edit(wrong_checksum), IMAGES, "cannot be read: CRC check failed"),
    "noisy gzip": (edit(lambda d: overwritten(d, 10, b"\xff" * 20)), IMAGES, "cannot be read"),
    "gzip with a hole": (edit(lambda d: overwritten(d, 60, bytes(40))), IMAGES, "cannot be read"),
    "fewer labels": (edit(lambda d: header(5) + d[8:-1], LABELS), IMAGES, f"6 images, but {LABELS} has 5 labels"),
    "more labels": (edit(lambda d: header(5) + d[8:] + b"\1", TEST_LABELS), TEST_IMAGES, "4 images, but"),
    "other size": (smaller_tests, "", "test images are 3×3 pixels, expected 5×4"),
    "label ten": (edit(lambda d: d[:-2] + b"\x0a\x0b", LABELS), LABELS, "label 4 is 10, expected 0 to 9"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_folder_is_refused_in_one_sentence(
    folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    """`nn train` names the file, what was found and what was expected, with exit code 2 and no run folder."""
    apply, name, words = FAULTS[fault]
    apply(folder)
    assert run(["train", str(folder)]) == 2
    sentence = capsys.readouterr().err.strip()
    assert sentence.startswith(f"nn: {folder / name}: ") and words in sentence
    assert "\n" not in sentence and "expected" in sentence
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", "does not exist, expected a folder with the four MNIST files; download them with: nn fetch"),
        (IMAGES, "is not a folder"),
        ("x" * 300, "does not exist"),
        ("far\0off", "does not exist"),
    ],
)
def test_a_path_that_is_not_a_folder_is_refused(folder: Path, refusal: Refusal, name: str, words: str) -> None:
    """A path that does not exist, is a file, or cannot be a path is refused."""
    assert words in refusal(lambda: load_folder(folder / name))


def test_an_unreadable_folder_is_refused(
    folder: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message contains the system's reason."""

    def forbidden(path: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", forbidden)
    assert f"{folder}: Permission denied" in refusal(lambda: load_folder(folder))


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_each_spelling_of_the_file_names_is_found(folder: Path, tmp_path: Path, dot: str, end: str) -> None:
    """Dots instead of dashes, and gzip, make no difference to the arrays."""
    original, other = load_folder(folder), tmp_path / "other"
    other.mkdir()
    for name in (IMAGES, LABELS, TEST_IMAGES, TEST_LABELS):
        data = (folder / name).read_bytes()
        (other / (name.replace("-idx", f"{dot}idx") + end)).write_bytes(gzip.compress(data) if end else data)
    data = load_folder(other)
    assert data.digests() == original.digests() and data.source == str(other)
    assert data.n_classes == 10 and not data.synthetic and data.train_images.shape == (6, 5, 4)


@pytest.mark.slow
def test_the_real_mnist_has_the_published_digests(mnist: Path) -> None:
    """The unpacked bytes of all four files have the expected SHA-256."""
    data = load_folder(mnist)
    assert data.train_images.shape == (60000, 28, 28) and data.test_images.shape == (10000, 28, 28)
    assert data.name == "MNIST"
    for name, expected in UNPACKED.items():
        array = getattr(data, name)
        assert hashlib.sha256(header(*array.shape) + array.tobytes()).hexdigest() == expected, name
    assert data.digests()["train_images"] == hashlib.sha256(data.train_images.tobytes()).hexdigest()
