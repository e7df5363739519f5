"""Damage that knows the format: lengths that lie, checksums made to fit, numbers and names that no one expects.

    twists_for("weights.safetensors")   the ways to damage such a file; what a file is, its name tells

A twist raises ValueError or LookupError where the bytes are no longer what it knows.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

Rng = np.random.Generator
Twist = Callable[[bytes, bytes, Rng], bytes]
SIZES = (0, 1, 2, 255, 256, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
DEEP = 100_000  # brackets in one another
BOMB = 2**24  # bytes of zeros, which a packer makes small
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.0, -0.0, 1e308, 5e-324, 0.5),
    *(float("nan"), float("inf"), -float("inf"), "", "0", "nan", "x" * 100_000, "\x00", "../../evil", "é\u2028\ud800"),
    *([], {}, [[]], [None], ["a", 1], {"": {}}, {"$array": "x"}, {"$scalar": "x"}, {"$array": []}, [0] * 10_000),
)
TEXTS = ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "I8", "U64", "F8_E4M3", "C64", "adam", "dense:3", "data", "step", "reload")
TOML = (
    *("nan", "inf", "-inf", "-1", "0", "1e400", "1" + "0" * 400, "1" + "0" * 5000, "0x" + "f" * 5000, "0o7", "1_0"),
    *('""', "''", '"\\u0000"', '"x"', '"' + "x" * 100_000 + '"', '"""a\nb"""', "true", "false", "1979-05-27", "07:32:00"),
    *("[]", "[1, 2]", '["a"]', '[""]', '["../../evil"]', '["a\\u0000b"]', "{}", "{a = 1}", "[" * DEEP, "[" * 500 + "]" * 500),
    *('"dense:999999999999"', '"dense:-1"', '"dense:10 " ', '"dropout:2"', '"sgd:momentum=nan"', '"dense:10,10,10"'),
    *('"dense:3 flatten dense:10"', '"dense:1e3"', '"network:5"', '"' + "dense:10 " * 3000 + '"', '"dense:' + "9" * 5000 + '"'),
    *('"dense:' + "(" * 10_000 + '"', '"step:every=0"', '"cosine:end=5"', '"constant"', '"' + "n" * 300 + '"', "1e-400"),
)
NAMES = ("../evil", "/tmp/evil", "..\\evil", "plugins/../../evil.py", "a" * 300, "", "CON", "plugins/1-x.py", "config.toml")


def twists_for(name: str) -> tuple[Twist, ...]:
    """The twists for a file of this name, none where its format is not known here."""
    return next((row for ending, row in TWISTS.items() if name.endswith(ending)), ())


def lie_in_idx(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The kind, the number of dimensions, or one dimension of an IDX header is another."""
    at = int(rng.integers(4))
    if at == 0:
        return bytes((0, 0, int(rng.integers(16)), int(rng.integers(6)))) + content[4:]
    return content[: 4 * at] + struct.pack(">I", _size(rng)) + content[4 * at + 4 :]


def trade_dimensions(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The dimensions of an IDX header in another order: the bytes fit, the pictures don't."""
    dims = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    return content[:4] + struct.pack(f">{len(dims)}I", *rng.permutation(dims)) + content[4 + 4 * len(dims) :]


def inside_gzip(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Damage within the gzip, whose checksum is made to fit."""
    try:
        inner = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
    return gzip.compress((lie_in_idx, trade_dimensions)[rng.integers(2)](inner, b"", rng), 1, mtime=0)


def gzip_bomb(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A small gzip of many bytes, behind a header that promises more, or fewer, or just as many."""
    header = bytes((0, 0, 8, 3)) + struct.pack(">3I", *(int(rng.choice([1, 2**10, 2**16, 2**20])) for _ in range(3)))
    return gzip.compress(header, 1, mtime=0) + _zeros_gzipped()


def edit_png(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A chunk of a PNG is dropped, doubled, moved, renamed or changed, its checksum made to fit."""
    chunks = list(_png_chunks(content))
    at, way = int(rng.integers(len(chunks))), int(rng.integers(6))
    kind, body = chunks[at]
    if way == 0:
        del chunks[at]
    elif way == 1:
        chunks.insert(at, (kind, body))
    elif way == 2:
        chunks.insert(int(rng.integers(len(chunks))), chunks.pop(at))
    elif way == 3:
        chunks[at] = (rng.choice([b"IDAT", b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"acTL", b"fdAT", b"eXIf"]), body)
    else:
        changed = bytearray(body or b"\0")
        changed[rng.integers(len(changed))] = int(rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 127, 128, 255]))
        chunks[at] = (kind, bytes(changed))
    return content[:8] + b"".join(_png_chunk(*chunk) for chunk in chunks)


def lie_in_png(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Another width, height, depth or color type in IHDR."""
    body = bytearray(content[16:29])
    at = int(rng.integers(3))
    if at < 2:
        body[4 * at : 4 * at + 4] = struct.pack(">I", int(rng.choice([0, 1, 27, 5000, 60_000, 2**31 - 1, 2**32 - 1])))
    else:
        body[8], body[9] = int(rng.choice([0, 1, 2, 4, 8, 16, 32])), int(rng.integers(8))
    return content[:8] + _png_chunk(b"IHDR", bytes(body)) + content[33:]


def png_bomb(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A small chunk of many bytes: of pixels, or of text."""
    kind, head = ((b"IDAT", b""), (b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"))[rng.integers(3)]
    return content[:33] + _png_chunk(kind, head + _zeros()) + content[33:]


def lie_in_jpeg(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The frame of a JPEG has another size, or a segment another length."""
    starts = [found.start() for found in re.finditer(rb"\xff[\xc0-\xc4\xda\xdb\xe0-\xef]", content)]
    at = starts[rng.integers(len(starts))]
    offset = int(rng.choice([2, 4, 5, 7]))
    return content[: at + offset] + struct.pack(">H", _size(rng) % 65536) + content[at + offset + 2 :]


def odd_toml(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One key of a TOML file has a value that nobody expects, is named otherwise, or stands there twice."""
    lines = content.decode().splitlines()
    at, way = int(rng.integers(len(lines))), int(rng.integers(8))
    key, equals, value = lines[at].partition("=")
    if not equals:
        raise ValueError("not a line with a key")
    changed = f"{key}= {TOML[rng.integers(len(TOML))]}"
    if way == 0:
        changed = f"{key.strip()}s = {value}"
    elif way == 1:
        changed = f"{lines[at]}\n{lines[at]}"
    elif way == 2:
        changed = rng.choice(["", "[table]", "[[a]]", "a.b.c = 1", ".".join("a" * 3000) + " = 1", "\x00", "\ufeff", "=", "#" * 9999])
    lines[at] = str(changed)
    return "\n".join(lines).encode(errors="replace")


def odd_json(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One value somewhere in a JSON text is another, is missing, or is far too deep."""
    return _odd_json(content.decode(), rng).encode(errors="surrogatepass")


def odd_line(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The same in one line of a JSON-lines file."""
    lines = content.split(b"\n")
    at = int(rng.integers(len(lines) - 1))
    lines[at] = odd_json(lines[at], b"", rng)
    return b"\n".join(lines)


def odd_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One value in the header of a safetensors file is another, the length of the header being right."""
    header, body = _tensors(content)
    return _joined(_odd_json(header, rng).encode(errors="replace"), body)


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


def odd_member(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One member of a zip is damaged by the twists of its own format; an index of checksums is made to fit."""
    members = _members(content)
    name = list(members)[rng.integers(len(members))]
    ways = twists_for(name) or (lambda c, o, r: rng.bytes(len(c)),)
    members[name] = ways[rng.integers(len(ways))](members[name], b"", rng)
    return _zip(members, fitting=True)


def odd_name(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A member of a zip is added, renamed or gone: it climbs out of the folder, or hides another."""
    members = _members(content)
    name, new = list(members)[rng.integers(len(members))], NAMES[rng.integers(len(NAMES))]
    moved = members.pop(name)
    if rng.random() < 0.8:
        members[new] = moved
    if rng.random() < 0.3:
        members[name] = moved
    return _zip(members, fitting=bool(rng.random() < 0.8))


def odd_zip(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A zip that is a bomb, or whose members are links, packed, or said to be of another size."""
    members, way = _members(content), int(rng.integers(4))
    if way == 0:
        members[list(members)[rng.integers(len(members))]] = bytes(BOMB)
    if way < 2:
        return _zip(members, fitting=True, packed=True)
    if way == 2:
        return _zip(members, fitting=True, mode=0o120777)
    at = [found.start() for found in re.finditer(b"PK\x01\x02", content)]
    place = at[rng.integers(len(at))] + int(rng.choice([8, 10, 16, 20, 24, 28, 42]))
    return content[:place] + struct.pack("<I", _size(rng)) + content[place + 4 :]


def _odd_json(text: str, rng: Rng) -> str:
    value = json.loads(text)
    places = list(_places(value))
    holder, key = places[rng.integers(len(places))]
    way = rng.random()
    if way < 0.1 and isinstance(holder, dict):
        del holder[key]
    elif way < 0.2:
        holder[key] = TEXTS[rng.integers(len(TEXTS))]
    elif way < 0.25:
        holder[key] = "@deep@"
    else:
        holder[key] = ODD[rng.integers(len(ODD))]
    return json.dumps(value).replace('"@deep@"', "[" * DEEP + "]" * DEEP)


def _places(value: Any) -> Any:
    """Every (holder, key) within a JSON value."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in rows:
        yield value, key
        yield from _places(item)


@cache
def _zeros() -> bytes:
    return zlib.compress(bytes(BOMB), 1)


@cache
def _zeros_gzipped() -> bytes:
    return gzip.compress(bytes(BOMB), 1, mtime=0)


@cache
def _long(way: int) -> str:
    if way == 3:
        return json.dumps({f"t{i}": {} for i in range(50_000)})
    return " " * 10**7 if way == 2 else ("[", '{"a":')[way] * DEEP


def _size(rng: Rng) -> int:
    return int(SIZES[rng.integers(len(SIZES))])


def _png_chunks(content: bytes) -> Any:
    at = 8
    while at + 12 <= len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        at += 12 + size


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _tensors(content: bytes) -> tuple[str, bytes]:
    if len(content) < 8:
        raise ValueError("no header")
    (size,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + size].decode(), content[8 + size :]


def _joined(header: bytes, body: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def _members(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return {name: file.read(name) for name in file.namelist()}
    except Exception as error:  # zipfile fails in many ways
        raise ValueError(str(error)) from error


def _zip(members: dict[str, bytes], *, fitting: bool, packed: bool = False, mode: int = 0o100644) -> bytes:
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


TWISTS: dict[str, tuple[Twist, ...]] = {
    "-ubyte": (lie_in_idx, trade_dimensions),
    ".gz": (inside_gzip, gzip_bomb),
    ".png": (edit_png, lie_in_png, png_bomb),
    ".jpg": (lie_in_jpeg,),
    ".toml": (odd_toml,),
    ".json": (odd_json,),
    ".jsonl": (odd_line,),
    ".safetensors": (odd_header, lie_in_tensors, odd_numbers, huge_header),
    ".zip": (odd_member, odd_name, odd_zip),
    ".npz": (odd_name, odd_zip),
}
