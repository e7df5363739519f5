"""Data sets that can be downloaded: their mirrors, and the SHA-256 of their files.

    DATASETS["mnist"].mirrors     URLs of folders that contain all four files
    DATASETS["mnist"].files       each with its unpacked size and its SHA-256

For MNIST the SHA-256 is that of the unpacked bytes, so any gzip of them is accepted; for the others only that of the
gzipped files is published. Sources: the projects' own pages, and the checksums in TensorFlow Datasets.
"""

from __future__ import annotations

from dataclasses import dataclass

from nnlaw.nn.data.dataset_info import FASHION, KUZUSHIJI, MNIST, DatasetInfo
from nnlaw.nn.data.layout import FILES

SIZES = (16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000)  # bytes of the four files, unpacked


@dataclass(frozen=True)
class RemoteFile:
    """Name on a mirror, unpacked size, and SHA-256 of the unpacked bytes, or of the file itself if `packed`."""

    name: str
    size: int
    sha256: str
    packed: bool = False

    @property
    def max_bytes(self) -> int:
        """Largest possible download: a gzip is at most slightly longer than its content."""
        return self.size + self.size // 100 + 4096


@dataclass(frozen=True)
class RemoteDataset:
    """A data set that can be downloaded."""

    info: DatasetInfo
    mirrors: tuple[str, ...]
    files: tuple[RemoteFile, ...]


def _four_files(*digests: str, packed: bool = False) -> tuple[RemoteFile, ...]:
    rows = zip(FILES, SIZES, digests, strict=True)
    return tuple(RemoteFile(f"{stem}-idx{dims}-ubyte.gz", size, digest, packed) for (stem, dims), size, digest in rows)


DATASETS = {
    "mnist": RemoteDataset(
        MNIST,
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        _four_files(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion-mnist": RemoteDataset(
        FASHION,
        (
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        _four_files(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            packed=True,
        ),
    ),
    "kuzushiji-mnist": RemoteDataset(
        KUZUSHIJI,
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        _four_files(
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            packed=True,
        ),
    ),
}
