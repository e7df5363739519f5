"""Damage to safetensors, npy and zip files: wrong headers, members outside the folder, checksums updated."""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from functools import cache

import numpy as np

from nnlaw.nn.stress.fuzzing.mutators_data import BOMB, extreme_size
from nnlaw.nn.stress.fuzzing.mutators_text import DEPTH, change_value

Rng = np.random.Generator
SHAPES = ("", "0,", "1,", "-1,", "2, 2", f"{2**31},", f"{2**63},", "28, 28, 120", "120, 784", "9" * 400 + ",", "1.5,")
TYPES = ("'|O'", "'|S1'", "'<f8'", "'|b1'", "'|i1'", "'<M8[s]'", "'|V1'", "[('a', '|u1')]", "'x'", "1", "'>u2'")
NAMES = (
    *("../evil", "/tmp/evil", "..\\evil", "plugins/../../evil.py", "a" * 300, "", "CON"),
    *("plugins/1-x.py", "config.toml"),
)


def change_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change one value in the header of a safetensors file, and the header's length to match."""
    header, body = _tensors(content)
    return _joined(change_value(header, rng).encode(errors="replace"), body)


def change_tensor(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change the name, type, shape or offsets of a tensor; the result may still be consistent."""
    header, body = _tensors(content)
    fields = json.loads(header)
    names = [name for name in fields if name != "__metadata__"]
    name, way = names[rng.integers(len(names))], int(rng.integers(5))
    row = fields[name]
    if way == 0:
        row["shape"] = row["shape"][::-1] if rng.random() < 0.5 else [1, *row["shape"]]
    elif way == 1:
        row["dtype"] = rng.choice(["I32", "U32", "F32"])
    elif way == 2:
        row["shape"] = [int(rng.choice([0, 1, 2**31, 2**62, 2**63])) for _ in row["shape"]]
    elif way == 3:
        row["data_offsets"] = [int(rng.choice([0, 4, len(body), 2**40, 2**63])) for _ in range(2)]
    else:
        fields[name + "x"] = fields.pop(name)
    return _joined(json.dumps(fields).encode(), body)


def extreme_values(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Set some numbers in the tensors of a safetensors file to nan, infinity or extreme values."""
    header, body = _tensors(content)
    found = np.frombuffer(body[: len(body) // 4 * 4], np.float32).copy()
    found[rng.integers(len(found), size=3)] = rng.choice([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45])
    return _joined(header.encode(), found.tobytes() + body[len(body) // 4 * 4 :])


def huge_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A header of several megabytes, or a wrong length of the header."""
    header, body = _tensors(content)
    long = _long(int(rng.integers(4)))
    if rng.random() < 0.5:
        return struct.pack("<Q", int(rng.choice([0, 1, 10**7, 10**8 + 1, 2**40, 2**63]))) + content[8:]
    return _joined((header + long).encode() if long.isspace() else long.encode(), body)


def change_npy(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change shape, order or type of an array file, also to pickled objects; its length may still match."""
    size = 10 + int.from_bytes(content[8:10], "little")
    header, way = content[10:size].decode("latin1"), int(rng.integers(3))
    found = re.sub(r"\(([^)]*)\)", f"({SHAPES[rng.integers(len(SHAPES))]})", header) if way == 0 else header
    found = re.sub(r"'\|u1'", TYPES[rng.integers(len(TYPES))], found) if way == 1 else found
    found = found.replace("False", "True") if way == 2 else found
    return content[:8] + len(found).to_bytes(2, "little") + found.encode("latin1") + content[size:]


def change_member_name(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Add, rename or remove a member of a zip, also to paths outside the folder or to the name of another."""
    members = members_of(content)
    name, new = list(members)[rng.integers(len(members))], NAMES[rng.integers(len(NAMES))]
    moved = members.pop(name)
    if rng.random() < 0.8:
        members[new] = moved
    if rng.random() < 0.3:
        members[name] = moved
    return zipped(members, update_checksums=bool(rng.random() < 0.8))


def change_zip(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A zip bomb, or a zip with symbolic links, compressed members or wrong sizes."""
    members, way = members_of(content), int(rng.integers(4))
    if way == 0:
        members[list(members)[rng.integers(len(members))]] = bytes(BOMB)
    if way < 2:
        return zipped(members, update_checksums=True, compress=True)
    if way == 2:
        return zipped(members, update_checksums=True, mode=0o120777)
    at = [found.start() for found in re.finditer(b"PK\x01\x02", content)]
    place = at[rng.integers(len(at))] + int(rng.choice([8, 10, 16, 20, 24, 28, 42]))
    return content[:place] + struct.pack("<I", extreme_size(rng)) + content[place + 4 :]


def _tensors(content: bytes) -> tuple[str, bytes]:
    if len(content) < 8:
        raise ValueError("no header")
    (size,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + size].decode(), content[8 + size :]


def _joined(header: bytes, body: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + body


@cache
def _long(way: int) -> str:
    if way == 3:
        return json.dumps({f"t{i}": {} for i in range(50_000)})
    return " " * 10**7 if way == 2 else ("[", '{"a":')[way] * DEPTH


def members_of(content: bytes) -> dict[str, bytes]:
    """The members of a zip by name. Raises ValueError if it is not a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return {name: file.read(name) for name in file.namelist()}
    except Exception as error:  # zipfile raises many types
        raise ValueError(str(error)) from error


def zipped(
    members: dict[str, bytes], *, update_checksums: bool, compress: bool = False, mode: int = 0o100644
) -> bytes:
    """A zip of these members, optionally with the right checksums in a bundle's index."""
    index = "bundle.json"
    if update_checksums and index in members:
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items() if name != index}
        members = members | {index: json.dumps({"format": 1, "sha256": sums}).encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            file.writestr(entry, content)
    return buffer.getvalue()
