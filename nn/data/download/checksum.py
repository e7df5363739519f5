"""Compare a file with the SHA-256 of a remote file, in constant memory."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from nnlaw.nn.data.download.mirrors import RemoteFile

CHUNK = 2**18


def has_checksum(path: Path, expected: RemoteFile) -> bool:
    """Whether a file has the expected SHA-256. Stops unpacking at the expected size. Raises OSError."""
    with path.open("rb") as file:
        if expected.packed:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected.sha256
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        digest, size, gzip = hashlib.sha256(), 0, zlib.decompressobj(wbits=31)
        while chunk := file.read(CHUNK):
            while chunk:
                try:
                    part = gzip.decompress(chunk, CHUNK) if is_gzip else chunk
                except zlib.error:
                    return False
                chunk = gzip.unconsumed_tail if is_gzip else b""
                digest.update(part)
                size += len(part)
                if size > expected.size or gzip.unused_data:
                    return False
            if gzip.eof and file.read(1):
                return False
    return (gzip.eof or not is_gzip) and digest.hexdigest() == expected.sha256
