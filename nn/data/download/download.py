"""One file from the first of several mirrors that gives it whole and right, or a sentence.

What comes is kept as `.<name>.part` until it is verified, also after a break: the next try asks for the rest of it
(HTTP Range). It begins anew where a mirror ignores that, or where the whole is not what is wanted. Only a verified file
gets its name. A mirror that sends nothing, or nearly nothing, for PATIENCE seconds is left; so is one that sends more
than the file can have.

This is urllib, of the standard library: it knows proxies, certificates and redirects, and what is left to do (resume,
mirrors, digests of unpacked bytes, limits) no client library does for us.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from nnlaw.nn.data.download.checksum import RIGHT, WRONG, verdict
from nnlaw.nn.data.download.mirrors import Wanted
from nnlaw.spec.violation import BadInput

PATIENCE = 30.0  # seconds in which LEAST bytes must come
LEAST = 2**14
CHUNK = 2**16
TRIES = 20  # of one mirror, each of which must have brought the file further
Tell = Callable[[int, int], None]


def download(wanted: Wanted, mirrors: tuple[str, ...], folder: Path, tell: Tell | None = None) -> str:
    """Fetch one file into a folder; return the host that it came from. `tell` hears bytes done and bytes in all.

    Raises BadInput where no mirror has it, or where it cannot be written.
    """
    part, troubles = folder / f".{wanted.name}.part", []
    for mirror in mirrors:
        host = urlsplit(mirror).netloc
        with writing(folder / wanted.name):
            trouble = _from_mirror(f"{mirror.rstrip('/')}/{wanted.name}", part, wanted, tell)
            if not trouble:
                with part.open("ab") as file:
                    os.fsync(file.fileno())
                os.replace(part, folder / wanted.name)
                return host
        troubles.append(f"{host}: {_one_line(trouble)}")
    raise BadInput(
        f"{folder / wanted.name}: no mirror gave it ({'; '.join(troubles)}); fetch again where there is a network, as "
        "what has come is kept, or name a place that has the files with --mirror URL, or copy them there by hand"
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the disk refuses becomes BadInput; what the network refuses has been caught before."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}, expected a place for a file") from error


def _from_mirror(url: str, part: Path, wanted: Wanted, tell: Tell | None) -> str:
    """Try a mirror as long as it brings the file further; return what is in the way, nothing once the file is right."""
    trouble = ""
    for _ in range(TRIES):
        before = _size(part)
        trouble = _receive(url, part, wanted.most, tell) or "ends too early"
        found = verdict(part, wanted)
        if found == RIGHT:
            return ""
        if found == WRONG:
            part.unlink()
            trouble = f"its SHA-256 is not {wanted.sha256[:12]}..."
        renewed = before > 0 and not _size(part)
        if _size(part) <= before and not renewed:
            break
    return trouble


def _receive(url: str, part: Path, most: int, tell: Tell | None) -> str:
    """Add to the part what the mirror sends, or begin it anew; return what went wrong, nothing where all came."""
    have = _size(part)
    headers = {"User-Agent": "nnlaw", "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with _opened(Request(url, headers=headers)) as answer:
            return _keep(answer, part, have, most, tell)
    except BadInput:
        raise
    except HTTPError as error:
        error.close()
        if error.code == 416 and have:  # there is no rest: this part is of another file
            part.unlink()
        return f"answers {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            return f"sent nothing to speak of for {PATIENCE:g} s"
        return str(getattr(reason, "strerror", None) or reason or type(reason).__name__)


def _opened(request: Request) -> HTTPResponse:
    """The answer to a request once its headers are here. Raises TimeoutError where that takes too long.

    A thread of its own asks, since urlopen's timeout begins anew with each byte, and knows nothing of a slow resolver.
    """
    found: SimpleQueue[Any] = SimpleQueue()

    def ask() -> None:
        try:
            found.put(urlopen(request, timeout=PATIENCE))
        except Exception as error:  # raised again where someone waits
            found.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        answer = found.get(timeout=PATIENCE)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    opened: HTTPResponse = answer
    return opened


def _keep(answer: HTTPResponse, part: Path, have: int, most: int, tell: Tell | None) -> str:
    resumed, location = answer.status == 206, answer.headers.get("Content-Range", "")
    if resumed and not (have and location.startswith(f"bytes {have}-")):
        return f"answers another range than bytes {have}- ({location[:40]!r})"
    done = have if resumed else 0
    length = answer.headers.get("Content-Length", "")
    total = min(most, done + int(length)) if length.isdecimal() else most
    with writing(part):
        file = part.open("ab" if resumed else "wb")
    with file:
        for chunk in _chunks(answer):
            done += len(chunk)
            if done > most:
                file.truncate(0)  # whatever it is, it is not the file
                return f"sends more than {most:,} bytes"
            with writing(part):
                file.write(chunk)
                file.flush()
            if tell is not None:
                tell(done, total)
    return ""


def _chunks(answer: HTTPResponse) -> Iterator[bytes]:
    """What comes, as it comes. Raises TimeoutError where it comes too slowly."""
    since, came = time.monotonic(), 0
    while chunk := answer.read1(CHUNK):
        yield chunk
        came += len(chunk)
        if time.monotonic() - since > PATIENCE:
            if came < LEAST:
                raise TimeoutError
            since, came = time.monotonic(), 0


def _one_line(text: str) -> str:
    """What a server said, without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:100]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
