"""Damage that knows archives: safetensors whose header lies, zips whose members climb out, checksums made to fit."""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from functools import cache

import numpy as np

from nnlaw.nn.stress.fuzzing.data_mutators import BOMB, size
from nnlaw.nn.stress.fuzzing.text_mutators import DEEP, odd_value

Rng = np.random.Generator
SHAPES = ("", "0,", "1,", "-1,", "2, 2", f"{2**31},", f"{2**63},", "28, 28, 120", "120, 784", "9" * 400 + ",", "1.5,")
TYPES = ("'|O'", "'|S1'", "'<f8'", "'|b1'", "'|i1'", "'<M8[s]'", "'|V1'", "[('a', '|u1')]", "'x'", "1", "'>u2'")
NAMES = (
    *("../evil", "/tmp/evil", "..\\evil", "plugins/../../evil.py", "a" * 300, "", "CON"),
    *("plugins/1-x.py", "config.toml"),
)


def odd_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One value in the header of a safetensors file is another, the length of the header being right."""
    header, body = _tensors(content)
    return _joined(odd_value(header, rng).encode(errors="replace"), body)


def lie_in_tensors(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A tensor has another name, type, shape or place, which may still fit together."""
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


def odd_numbers(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Some numbers in the tensors of a safetensors file are not finite, or as large as can be."""
    header, body = _tensors(content)
    found = np.frombuffer(body[: len(body) // 4 * 4], np.float32).copy()
    found[rng.integers(len(found), size=3)] = rng.choice([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45])
    return _joined(header.encode(), found.tobytes() + body[len(body) // 4 * 4 :])


def huge_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A header of megabytes, or one that is said to be so."""
    header, body = _tensors(content)
    long = _long(int(rng.integers(4)))
    if rng.random() < 0.5:
        return struct.pack("<Q", int(rng.choice([0, 1, 10**7, 10**8 + 1, 2**40, 2**63]))) + content[8:]
    return _joined((header + long).encode() if long.isspace() else long.encode(), body)


def odd_npy(content: bytes, other: bytes, rng: Rng) -> bytes:
    """An array file of another shape, order or type, pickled objects among them; its length may still fit."""
    size = 10 + int.from_bytes(content[8:10], "little")
    header, way = content[10:size].decode("latin1"), int(rng.integers(3))
    found = re.sub(r"\(([^)]*)\)", f"({SHAPES[rng.integers(len(SHAPES))]})", header) if way == 0 else header
    found = re.sub(r"'\|u1'", TYPES[rng.integers(len(TYPES))], found) if way == 1 else found
    found = found.replace("False", "True") if way == 2 else found
    return content[:8] + len(found).to_bytes(2, "little") + found.encode("latin1") + content[size:]


def odd_name(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A member of a zip is added, renamed or gone: it climbs out of the folder, or hides another."""
    members = members_of(content)
    name, new = list(members)[rng.integers(len(members))], NAMES[rng.integers(len(NAMES))]
    moved = members.pop(name)
    if rng.random() < 0.8:
        members[new] = moved
    if rng.random() < 0.3:
        members[name] = moved
    return zipped(members, fitting=bool(rng.random() < 0.8))


def odd_zip(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A zip that is a bomb, or whose members are links, packed, or said to be of another size."""
    members, way = members_of(content), int(rng.integers(4))
    if way == 0:
        members[list(members)[rng.integers(len(members))]] = bytes(BOMB)
    if way < 2:
        return zipped(members, fitting=True, packed=True)
    if way == 2:
        return zipped(members, fitting=True, mode=0o120777)
    at = [found.start() for found in re.finditer(b"PK\x01\x02", content)]
    place = at[rng.integers(len(at))] + int(rng.choice([8, 10, 16, 20, 24, 28, 42]))
    return content[:place] + struct.pack("<I", size(rng)) + content[place + 4 :]


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
    return " " * 10**7 if way == 2 else ("[", '{"a":')[way] * DEEP


def members_of(content: bytes) -> dict[str, bytes]:
    """The members of a zip by name. Raises ValueError where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return {name: file.read(name) for name in file.namelist()}
    except Exception as error:  # zipfile fails in many ways
        raise ValueError(str(error)) from error


def zipped(members: dict[str, bytes], *, fitting: bool, packed: bool = False, mode: int = 0o100644) -> bytes:
    """A zip of these members; where it is `fitting`, the checksums in a bundle's index are theirs."""
    index = "bundle.json"
    if fitting and index in members:
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items() if name != index}
        members = members | {index: json.dumps({"format": 1, "sha256": sums}).encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            file.writestr(entry, content)
    return buffer.getvalue()
