"""A folder into which a data set is fetched: what is right stays, what is something else is never written over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import tomli_w
from filelock import FileLock, Timeout

from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.nn.data.dataset_info import DESCRIPTION, MNIST, described
from nnlaw.nn.data.download.checksum import RIGHT, verdict
from nnlaw.nn.data.download.download import writing
from nnlaw.nn.data.download.mirrors import SOURCES, Source, Wanted
from nnlaw.nn.data.layout import MARKER, named
from nnlaw.spec.violation import BadInput

LOCK = ".fetch.lock"


def source_of(folder: Path, name: str | None) -> Source:
    """The data set of that name; without a name the one that the folder's description names, or else MNIST.

    Raises BadInput where the description names another.
    """
    recorded = described(folder, MNIST).name
    known = {source.kind.name: source for source in SOURCES.values()}
    source = SOURCES[name] if name else known.get(recorded)
    if source is None or (os.path.exists(folder / DESCRIPTION) and recorded != source.kind.name):
        wanted = source.kind.name if source else " or ".join(known)
        raise BadInput(f"{folder / DESCRIPTION}: describes {recorded}, expected {wanted}, or a folder without it")
    return source


def checked_mirrors(urls: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses as they are. Raises BadInput for one that is none of HTTP."""
    for url in urls:
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            right = False
        if not right:
            raise BadInput(f"--mirror {url}: expected an address that begins with http:// or https://")
    return urls


@contextmanager
def prepared(folder: Path, source: Source) -> Iterator[list[Wanted]]:
    """Make the folder, describe it, hold it for this process; the files that are not there yet.

    Raises BadInput where another process fetches into it, or a file in it is not the one of this data set.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BadInput(f"{folder}: another process is fetching into this folder") from None
    try:
        missing = [wanted for wanted in source.files if not _there(folder, wanted, source)]
        if source.kind is not MNIST:
            table = {"name": source.kind.name, "classes": list(source.kind.classes)}
            with writing(folder / DESCRIPTION):
                replace_file(folder / DESCRIPTION, tomli_w.dumps(table).encode())
        yield missing
    finally:
        with suppress(OSError):  # Windows lets no one remove what is open; there the library does, once it has let go
            (folder / LOCK).unlink(missing_ok=True)  # while it is held, so that it is no one else's
        lock.release()


def _there(folder: Path, wanted: Wanted, source: Source) -> bool:
    found = folder / MARKER if os.path.exists(folder / MARKER) else named(folder, wanted.name)
    if found is None:
        return False
    try:
        if found.is_file() and verdict(found, wanted) == RIGHT:
            return True
    except OSError as error:
        raise BadInput(f"{found}: cannot be read: {error.strerror}, expected a file of {source.kind.name}") from error
    raise BadInput(f"{found}: is not the file of {source.kind.name}, expected a folder without it: move it away")
