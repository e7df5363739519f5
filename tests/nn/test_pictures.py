"""Pictures of a digit: whatever is read becomes 28×28, and what cannot be is refused in one sentence."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nn
from nn.data.digits import built_in
from nn.data.pictures import MOST, read_digit
from spec.violation import BadInput

Refusal = Callable[[Callable[[], object]], str]


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


def test_a_picture_without_ink_stays_blank(tmp_path: Path) -> None:
    """A black sheet is read as no digit at all."""
    assert read_digit(saved(tmp_path / "a", np.zeros((40, 50), np.uint8))).max() == 0


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50), b"P5 0 0 255\n", b"II*\x00\x08\0\0\0\xff\xff"]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, refusal: Refusal) -> None:
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
def test_a_path_without_a_file_is_refused(
    tmp_path: Path, make: Callable[[Path], object], words: str, refusal: Refusal
) -> None:
    """An absent picture and a folder are told apart."""
    make(tmp_path / "a")
    assert words in refusal(lambda: read_digit(tmp_path / "a"))


@pytest.mark.parametrize("side", [7_100, 10_000, 20_000])
def test_a_picture_far_too_large_is_refused_unread(tmp_path: Path, side: int, refusal: Refusal) -> None:
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
