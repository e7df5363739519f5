"""The data package by itself: every refusal by its words, every promise by its numbers."""

import gzip
import hashlib
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import nn
from nn.data.dataset import Dataset, load_folder, split
from nn.data.digits import built_in
from nn.data.idx import LARGEST, read_idx, write_idx
from nn.data.pictures import MOST, read_digit
from spec.violation import BadInput

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
UNPACKED = {
    "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def header(*sizes: int) -> bytes:
    """An IDX header for bytes in as many dimensions as sizes are given."""
    return struct.pack(f">{len(sizes) + 1}I", 0x800 + len(sizes), *sizes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six training and four test pictures of 5×4 pixels, in plain IDX files."""
    rng = np.random.default_rng(0)
    for images, labels, count in ((IMAGES, LABELS, 6), (TEST_IMAGES, TEST_LABELS, 4)):
        write_idx(tmp_path / images, rng.integers(0, 256, (count, 5, 4), np.uint8))
        write_idx(tmp_path / labels, rng.integers(0, 10, count, np.uint8))
    return tmp_path


def refusal(call: Callable[[], object]) -> str:
    """The one sentence with which a call refuses its input."""
    with pytest.raises(BadInput) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and "expected" in sentence
    return sentence


def flat(images: list[int], train: int = 9) -> Dataset:
    """A data set of 2×2 pictures whose shades repeat those given."""
    pixels = np.resize(np.array(images, np.uint8), (train, 2, 2))
    labels = np.zeros(train, np.uint8)
    return Dataset("flat", pixels, labels, pixels, labels)


# IDX files


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


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where a file can't be put in its place, a sentence says so and nothing is left behind."""
    (tmp_path / "taken").mkdir()
    words = refusal(lambda: write_idx(tmp_path / "taken", np.zeros(3, np.uint8)))
    assert "cannot be written" in words and [p.name for p in tmp_path.iterdir()] == ["taken"]
    assert "cannot be written" in refusal(lambda: write_idx(tmp_path / "absent" / "x", np.zeros(3, np.uint8)))


def test_lying_dimensions_take_no_memory(tmp_path: Path) -> None:
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
    """A small gzip of 600 MB of zeros is refused within 3 GB of address space, whatever its header promises."""
    bomb = tmp_path / "bomb"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(header(promised))
        for _ in range(75):
            file.write(bytes(2**23))
    assert bomb.stat().st_size < 4 * 2**20
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from pathlib import Path\n"
        "from nn.data.idx import read_idx\n"
        "from spec.violation import BadInput\n"
        "try: read_idx(Path(sys.argv[1]), dims=1)\n"
        "except BadInput as error: print(error)\n"
    )
    root = Path(nn.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code, str(bomb)], capture_output=True, text=True, cwd=root)
    assert words in done.stdout and not done.stderr


# Folders


def edit(change: Callable[[bytes], bytes], name: str = IMAGES) -> Callable[[Path], None]:
    """A fault: the bytes of one file of the folder, changed."""
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes())) and None


def noisy(data: bytes) -> bytes:
    """A gzip whose compressed bytes are overwritten by ones."""
    packed = bytearray(gzip.compress(data))
    packed[10:30] = b"\xff" * 20
    return bytes(packed)


def wrong_checksum(data: bytes) -> bytes:
    """A gzip whose checksum is another file's."""
    packed = bytearray(gzip.compress(data))
    packed[-8] ^= 1
    return bytes(packed)


def replace_by(make: Callable[[Path], object], name: str = IMAGES) -> Callable[[Path], None]:
    """A fault: something that is no file under the name of one."""

    def apply(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return apply


def smaller_tests(folder: Path) -> None:
    """A fault: test pictures of 3×3 pixels."""
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
    "a folder": (replace_by(Path.mkdir), IMAGES, "not a file"),
    "a pipe": (replace_by(os.mkfifo), IMAGES, "not a file"),
    "wrong magic": (edit(lambda d: b"\x89PNG" + d[4:]), IMAGES, "magic number 0x89504e47, expected 0x00000803"),
    "labels for images": (edit(lambda d: header(6) + bytes(6)), IMAGES, "0x00000801, expected 0x00000803"),
    "images for labels": (edit(lambda d: header(6, 1, 1), LABELS), LABELS, "0x00000803, expected 0x00000801"),
    "magic cut": (edit(lambda d: d[:3]), IMAGES, "header ends after 3 bytes, expected 16"),
    "header cut": (edit(lambda d: d[:15]), IMAGES, "header ends after 15 bytes, expected 16"),
    "no images": (edit(lambda d: header(0, 5, 4)), IMAGES, "no images: its dimensions are 0×5×4"),
    "no labels": (edit(lambda d: header(0), LABELS), LABELS, "no labels"),
    "too much": (edit(lambda d: header(2**20, 28, 28)), IMAGES, "promises 822,083,584 bytes, expected at most"),
    "truncated": (edit(lambda d: d[:-1]), IMAGES, "119 bytes of data, expected 120"),
    "dimensions lie": (edit(lambda d: header(7, 5, 4) + d[16:]), IMAGES, "120 bytes of data, expected 140"),
    "trailing": (edit(lambda d: d + b"x"), IMAGES, "bytes trail after the 120"),
    "trailing in gzip": (edit(lambda d: gzip.compress(d + b"x")), IMAGES, "bytes trail after the 120"),
    "trailing after gzip": (edit(lambda d: gzip.compress(d) + b"x"), IMAGES, "cannot be read"),
    "cut gzip": (edit(lambda d: gzip.compress(d)[:-20]), IMAGES, "cannot be read"),
    "cut checksum": (edit(lambda d: gzip.compress(d)[:-2]), IMAGES, "cannot be read"),
    "wrong checksum": (edit(wrong_checksum), IMAGES, "cannot be read: CRC check failed"),
    "noisy gzip": (edit(noisy), IMAGES, "cannot be read"),
    "fewer labels": (edit(lambda d: header(5) + d[8:-1], LABELS), IMAGES, f"6 images, but {LABELS} has 5 labels"),
    "more labels": (edit(lambda d: header(5) + d[8:] + b"\1", TEST_LABELS), TEST_IMAGES, "4 images, but"),
    "other size": (smaller_tests, "", "test images are 3×3 pixels, expected 5×4"),
    "label ten": (edit(lambda d: d[:-2] + b"\x0a\x0b", LABELS), LABELS, "label 4 is 10, expected 0 to 9"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_folder_is_refused_in_one_sentence(folder: Path, fault: str) -> None:
    """Each fault is told by the file it is in, what was found there and what was expected."""
    apply, name, words = FAULTS[fault]
    apply(folder)
    sentence = refusal(lambda: load_folder(folder))
    assert sentence.startswith(f"{folder / name}: ") and words in sentence


@pytest.mark.parametrize(
    ("name", "words"), [("absent", "does not exist"), (IMAGES, "is not a folder"), ("x" * 300, "does not exist")]
)
def test_a_path_that_is_no_folder_is_refused(folder: Path, name: str, words: str) -> None:
    """A path that leads nowhere, to a file, or is no path at all is told apart from a folder."""
    assert words in refusal(lambda: load_folder(folder / name))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    """Asked for by itself, a file that isn't there is named."""
    assert refusal(lambda: read_idx(tmp_path / "x", dims=3)).startswith(f"{tmp_path / 'x'}: no such file")


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_a_folder_is_found_under_each_of_its_names(folder: Path, tmp_path: Path, dot: str, end: str) -> None:
    """Dots for dashes and gzip for plain make no difference to what is read."""
    plain, other = load_folder(folder), tmp_path / "other"
    other.mkdir()
    for name in (IMAGES, LABELS, TEST_IMAGES, TEST_LABELS):
        data = (folder / name).read_bytes()
        (other / (name.replace("-idx", f"{dot}idx") + end)).write_bytes(gzip.compress(data) if end else data)
    data = load_folder(other)
    assert data.digests() == plain.digests() and data.source == str(other)
    assert data.n_classes == 10 and not data.synthetic and data.train_images.shape == (6, 5, 4)


def test_the_real_mnist_has_its_known_digests(mnist: Path) -> None:
    """All four files hold, unpacked, the bytes whose SHA-256 the design states."""
    data = load_folder(mnist)
    for name, expected in UNPACKED.items():
        array = getattr(data, name)
        assert hashlib.sha256(header(*array.shape) + array.tobytes()).hexdigest() == expected, name
    assert data.digests()["train_images"] == hashlib.sha256(data.train_images.tobytes()).hexdigest()


# The split


@given(validation=st.integers(0, 59), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=30)
def test_a_split_shares_no_row_and_loses_none(validation: int, seed: int) -> None:
    """Training and validation rows together are all rows, once each, in order, and hold the rows they name."""
    data = flat([0, 50, 200, 255, 7, 9, 13], 60)
    parts = split(data, validation, np.random.default_rng(seed))
    assert len(parts.val_rows) == validation == len(parts.x_val) == len(parts.y_val)
    assert np.array_equal(np.sort(np.concatenate([parts.train_rows, parts.val_rows])), np.arange(60))
    assert np.all(np.diff(parts.train_rows) > 0) and np.all(np.diff(parts.val_rows) > 0)
    pixels = data.train_images.reshape(60, 4).astype(np.float64)
    assert np.isclose(parts.mean, pixels[parts.train_rows].mean(), rtol=1e-12)
    assert np.isclose(parts.deviation, pixels[parts.train_rows].std(), rtol=1e-12)
    for x, rows in ((parts.x_train, parts.train_rows), (parts.x_val, parts.val_rows)):
        assert np.allclose(x, (pixels[rows] - parts.mean) / parts.deviation, atol=1e-5)


def test_a_split_is_standardized_and_typed() -> None:
    """Mean 0 and deviation 1 over the training rows, float32 pictures, int64 labels, the source kept."""
    data = built_in(0, 300, 20)
    parts = split(data, 60, np.random.default_rng(1))
    assert abs(parts.x_train.mean(dtype=np.float64)) < 1e-5 and abs(parts.x_train.std(dtype=np.float64) - 1) < 1e-5
    assert {x.dtype for x in (parts.x_train, parts.x_val, parts.x_test)} == {np.dtype(np.float32)}
    assert {y.dtype for y in (parts.y_train, parts.y_val, parts.y_test, parts.train_rows)} == {np.dtype(np.int64)}
    assert parts.images is data and parts.x_test.shape == (20, 784)
    assert np.array_equal(parts.y_train, data.train_labels[parts.train_rows])


def test_without_validation_every_row_is_trained_on() -> None:
    """Nothing held out leaves the training rows as they are."""
    parts = split(flat([1, 2, 3]), 0, np.random.default_rng(0))
    assert np.array_equal(parts.train_rows, np.arange(9)) and parts.x_val.shape == (0, 4)


@pytest.mark.parametrize(("validation", "words"), [(-1, "0 or more"), (9, "nothing to train on"), (10, "of 9")])
def test_a_split_that_cannot_be_is_refused(validation: int, words: str) -> None:
    """Less than nothing, all rows, or more than there are can't be held out."""
    assert words in refusal(lambda: split(flat([1, 2]), validation, np.random.default_rng(0)))


def test_one_shade_cannot_be_standardized() -> None:
    """Where all pixels are equal there is no deviation to divide by."""
    assert "all training pixels are 7" in refusal(lambda: split(flat([7]), 0, np.random.default_rng(0)))


def test_a_split_takes_little_more_than_its_result() -> None:
    """Standardizing happens in place: beside inputs and outputs there is no second float copy."""
    data = flat(list(range(251)), 2_000_000)
    tracemalloc.start()
    parts = split(data, 0, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    kept = sum(a.nbytes for a in vars(parts).values() if isinstance(a, np.ndarray))
    assert peak < 1.5 * kept


# Built-in digits


def test_built_in_digits_come_from_their_seed_alone() -> None:
    """One seed draws one data set, another seed another, and the data set says that it is synthetic."""
    one, two, other = built_in(5, 80, 20), built_in(5, 80, 20), built_in(6, 80, 20)
    assert one.digests() == two.digests() and one.digests() != other.digests()
    assert one.synthetic and one.name == "built-in synthetic digits" and "seed 5" in one.source
    assert one.train_images.shape == (80, 28, 28) and one.test_images.shape == (20, 28, 28)
    assert set(one.train_labels) == set(range(10)) and one.train_images.dtype == np.uint8


def test_no_built_in_digit_is_in_both_parts() -> None:
    """No picture is drawn twice, so that none of the test is trained on."""
    data = built_in(2, 200, 100)
    pictures = [image.tobytes() for image in (*data.train_images, *data.test_images)]
    assert len(set(pictures)) == 300


def test_a_digit_drawn_twice_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pen repeats itself, all but the first of the pictures are drawn anew until none is the same."""
    from nn.data import digits

    shades = iter([1, 1, 4, 1, 2, 4, 3])

    def draw(labels: np.ndarray, *_: object) -> np.ndarray:
        return np.stack([np.full((28, 28), next(shades), np.uint8) for _ in labels])

    monkeypatch.setattr(digits, "pictures", draw)
    data = built_in(0, 3, 1)
    assert [*data.train_images[:, 0, 0], *data.test_images[:, 0, 0]] == [1, 2, 4, 3]


def test_built_in_digits_can_be_told_apart() -> None:
    """The nearest of the ten mean pictures is the right one for most test digits, but not for all."""
    data = built_in(0, 1000, 300)
    x, test = (a.reshape(len(a), -1).astype(np.float64) for a in (data.train_images, data.test_images))
    means = np.stack([x[data.train_labels == c].mean(axis=0) for c in range(10)])
    nearest = ((test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert 0.6 < (nearest == data.test_labels).mean() < 1


# Pictures


def saved(path: Path, array: np.ndarray) -> Path:
    """The array as a picture file."""
    Image.fromarray(array).save(path, "PNG")
    return path


@pytest.mark.parametrize("suffix", ["png", "txt", "gz", ""])
def test_a_small_grey_picture_on_black_is_taken_as_it_is(tmp_path: Path, suffix: str) -> None:
    """28×28 on black comes back bit for bit, whatever the file is called."""
    image = built_in(1, 10, 1).train_images[3]
    digit = read_digit(saved(tmp_path / f"a.{suffix}", image))
    assert np.array_equal(digit, image) and digit.dtype == np.uint8


def test_a_small_picture_on_white_is_inverted(tmp_path: Path) -> None:
    """28×28 on white is the same digit, black and white exchanged."""
    image = built_in(1, 10, 1).train_images[3]
    assert np.array_equal(read_digit(saved(tmp_path / "a", 255 - image)), image)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "transparent"])
def test_every_kind_of_picture_becomes_a_centered_digit(tmp_path: Path, mode: str) -> None:
    """A black bar off the center of white paper fills 20 rows in the middle, in whatever colors it was saved."""
    bar = np.full((300, 200), 255, np.uint8)
    bar[30:130, 20:60] = 0
    path = tmp_path / "bar"
    if mode == "I;16":
        saved(path, bar.astype(np.uint16) * 200)  # grey paper, beyond 8 bits
    elif mode == "transparent":
        Image.fromarray(np.dstack([bar * 0] * 3 + [255 - bar])).save(path, "PNG")
    else:
        rgb = Image.fromarray(bar).convert("RGB" if mode == "CMYK" else "L")
        rgb.convert(mode).save(path, "TIFF" if mode == "CMYK" else "PNG")
    digit = read_digit(path)
    rows, columns = np.nonzero(digit > 127)
    assert digit.shape == (28, 28) and (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 8)
    assert abs(rows.mean() - 13.5) <= 0.5 and abs(columns.mean() - 13.5) <= 0.5


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    """Shades of 16 bits keep their order and their proportion."""
    deep = np.zeros((28, 28), np.uint16)
    deep[10, 10:13] = 257 * np.array([10, 100, 255])
    assert read_digit(saved(tmp_path / "a", deep))[10, 10:13].tolist() == [10, 100, 255]


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (28, 29), (3, 3)])
def test_a_picture_of_any_size_becomes_28_by_28(tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel, a thread and a blank are pictures too."""
    for shade in (0, 90, 255):
        assert read_digit(saved(tmp_path / "a", np.full(size, shade, np.uint8))).shape == (28, 28)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50), b"P5 0 0 255\n", b"II*\x00\x08\0\0\0\xff\xff"]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    """Text, and headers without a picture behind them, are refused by name and without a warning."""
    (tmp_path / "a").write_bytes(content)
    with warnings.catch_warnings(action="error"):
        assert refusal(lambda: read_digit(tmp_path / "a")).startswith(f"{tmp_path / 'a'}: not a picture")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_cut_picture_is_never_a_traceback(tmp_path: Path, format: str) -> None:
    """A picture file cut anywhere is refused, or read where its format allows."""
    path = tmp_path / "a"
    Image.fromarray(built_in(1, 1, 1).train_images[0]).save(path, format)
    whole = path.read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:length])
        try:
            assert read_digit(path).shape == (28, 28)
        except BadInput as error:
            assert str(path) in str(error)


@pytest.mark.parametrize(("make", "words"), [(lambda p: None, "no such file"), (Path.mkdir, "not a file")])
def test_a_path_without_a_file_is_refused(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    """An absent picture and a folder are told apart."""
    make(tmp_path / "a")
    assert words in refusal(lambda: read_digit(tmp_path / "a"))


@pytest.mark.parametrize("side", [7_100, 10_000, 20_000])
def test_a_picture_far_too_large_is_refused_unread(tmp_path: Path, side: int) -> None:
    """Above the limit, and above the two limits of Pillow itself, the sentence names how much is allowed."""
    with warnings.catch_warnings():
        Image.new("1", (side, side)).save(tmp_path / "a", "PNG")
    with warnings.catch_warnings(action="error"):
        assert f"at most {MOST:,} in all" in refusal(lambda: read_digit(tmp_path / "a"))


def test_importing_the_package_loads_nothing_heavy() -> None:
    """nn.data by itself imports neither Pillow nor any of its own modules."""
    code = "import sys, nn.data; print('PIL' in sys.modules, 'nn.data.dataset' in sys.modules)"
    root = Path(nn.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.split() == ["False", "False"], done.stderr
