"""Download a data set into a folder. Files that are correct are kept, and other files are never overwritten.

    dataset = find_dataset(folder, "mnist")
    with open_folder(folder, dataset) as missing:
        for file in missing:
            download(file, dataset.mirrors, folder)

Pooch downloads the bytes. A file gets its name only after its SHA-256 has been verified.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import tomli_w
from filelock import FileLock, Timeout

from nnlaw.nn.core.atomic_write import replace_file, write_atomically
from nnlaw.nn.data.dataset_info import DESCRIPTION_FILE, MNIST, read_description
from nnlaw.nn.data.download.checksum import has_checksum
from nnlaw.nn.data.download.mirrors import DATASETS, RemoteDataset, RemoteFile
from nnlaw.nn.data.layout import SYNTHETIC_MARKER, find_file
from nnlaw.spec.violation import BadInput

LOCK = ".fetch.lock"
TIMEOUT = 30.0  # seconds without a byte
CHUNK = 2**16
ROUNDS = 2  # tries per mirror
Progress = Callable[[int, int], None]  # receives the number of bytes done, and of all bytes


class DownloadError(Exception):
    """A mirror sent something other than the file."""


def find_dataset(folder: Path, name: str | None) -> RemoteDataset:
    """The data set with this name; without a name, the one that the folder's dataset.toml names, or MNIST.

    Raises BadInput if dataset.toml names another data set.
    """
    recorded = read_description(folder, MNIST).name
    by_name = {dataset.info.name: dataset for dataset in DATASETS.values()}
    dataset = DATASETS[name] if name else by_name.get(recorded)
    if dataset is None or (os.path.exists(folder / DESCRIPTION_FILE) and recorded != dataset.info.name):
        expected = dataset.info.name if dataset else " or ".join(by_name)
        raise BadInput(f"{folder / DESCRIPTION_FILE}: describes {recorded}, expected {expected}; use another folder")
    return dataset


def check_mirrors(urls: tuple[str, ...]) -> tuple[str, ...]:
    """Return the URLs unchanged. Raises BadInput for one that is not HTTP."""
    for url in urls:
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            valid = False
        if not valid:
            raise BadInput(f"--mirror {_without_password(url)}: expected a URL that begins with http:// or https://")
    return urls


def _without_password(url: str) -> str:
    """The URL with `...` in place of user and password."""
    scheme, separator, rest = url.rpartition("//")
    return f"{scheme}{separator}{'...@' if '@' in rest else ''}{rest.rpartition('@')[2]}"


@contextmanager
def open_folder(folder: Path, dataset: RemoteDataset) -> Iterator[list[RemoteFile]]:
    """Create the folder, lock it, and write its dataset.toml. Yields the missing files.

    Raises BadInput if another process has locked it, or a file in it is not the one of this data set.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise BadInput(f"{folder}: another process is downloading into this folder") from None
    try:
        missing = [file for file in dataset.files if not _is_present(folder, file, dataset)]
        if dataset.info is not MNIST:
            table = {"name": dataset.info.name, "classes": list(dataset.info.classes)}
            with _writing(folder / DESCRIPTION_FILE):
                replace_file(folder / DESCRIPTION_FILE, tomli_w.dumps(table).encode())
        yield missing
    finally:
        with suppress(OSError):  # Windows cannot remove an open file; there FileLock removes it on release
            (folder / LOCK).unlink(missing_ok=True)  # before the release, so that it is still ours
        lock.release()


def _is_present(folder: Path, file: RemoteFile, dataset: RemoteDataset) -> bool:
    found = folder / SYNTHETIC_MARKER if os.path.exists(folder / SYNTHETIC_MARKER) else find_file(folder, file.name)
    if found is None:
        return False
    try:
        if found.is_file() and has_checksum(found, file):
            return True
    except OSError as error:
        raise BadInput(f"{found}: cannot be read: {error.strerror}, expected a file of {dataset.info.name}") from error
    raise BadInput(f"{found}: is not the file of {dataset.info.name} (SHA-256 differs); move it or use another folder")


def download(file: RemoteFile, mirrors: tuple[str, ...], folder: Path, progress: Progress | None = None) -> str:
    """Download one file from the first mirror that has it, and return that mirror's host.

    Raises BadInput if no mirror has it, or it cannot be written.
    """
    path, failures = folder / file.name, {}
    for mirror in mirrors * ROUNDS:
        host = urlsplit(mirror).netloc.rpartition("@")[2]  # without user and password
        try:
            receive = partial(_receive, f"{mirror.rstrip('/')}/{file.name}", file, progress)
            with _writing(path):
                write_atomically(path, receive, "part")  # the folder is locked
            return host
        except DownloadError as error:
            failures[host] = f"{host}: {error}"
    raise BadInput(
        f"{path}: could not download it (no network?). Run again, use --mirror URL, or copy the files there. "
        f"{'; '.join(failures.values())}"
    )


def _receive(url: str, expected: RemoteFile, progress: Progress | None, path: Path) -> None:
    """Download a file and verify it. Raises DownloadError if the mirror fails, OSError if the disk does."""
    import pooch  # slow to import

    headers = {"User-Agent": "nnlaw", "Accept-Encoding": "identity"}
    path.unlink(missing_ok=True)  # left by an interrupted call, or a link to another file
    with path.open("xb") as file:
        output = _Output(file, expected.max_bytes, progress)
        try:
            pooch.HTTPDownloader(output, CHUNK, timeout=TIMEOUT, headers=headers)(url, output, None)
        except (DownloadError, BadInput):
            raise
        except (OSError, ValueError) as error:  # the exceptions of requests are OSErrors
            raise DownloadError(_reason(error)) from error
    if not has_checksum(path, expected):
        raise DownloadError(f"sent another file, expected SHA-256 {expected.sha256[:12]}...")


class _Output:
    """The file that pooch writes to, with a limit on its size, and the progress bar that pooch updates."""

    total = 0  # set by pooch

    def __init__(self, file: IO[bytes], limit: int, progress: Progress | None) -> None:
        self.file, self.limit, self.progress, self.done = file, limit, progress, 0

    def write(self, chunk: bytes) -> None:
        self.done += len(chunk)
        if self.done > self.limit:
            raise DownloadError(f"sent more than {self.limit:,} bytes")
        with _writing(Path(self.file.name)):
            self.file.write(chunk)

    def flush(self) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...

    def update(self, _: int) -> None:
        if self.progress is not None:
            self.progress(self.done, max(self.total, self.done))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn an OSError into BadInput."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}, expected a path for a file") from error


def _reason(error: Exception) -> str:
    """The innermost reason of a failed request, in one printable line."""
    response = getattr(error, "response", None)
    if response is not None:
        text = f"HTTP {response.status_code} {response.reason}"
    else:
        inner: BaseException = error
        while inner.__context__ is not None:
            inner = inner.__context__
        text = str(getattr(inner, "strerror", None) or inner or type(inner).__name__)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:100]
