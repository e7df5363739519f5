"""The binary format of the messages between the laws and the process of the code under test.

    frame = encode(value, tables)          value = decode(frame, tables)

A message is a frame: 4 bytes length, little-endian, then one value. A value is a tag of one byte and its content:

    N                          None
    1 0                        True, False
    i  8 bytes                 an integer, signed
    I  u32, bytes              a longer one
    f  8 bytes                 a float
    s  u32, UTF-8              a text
    l t d  u32, values         a list, a tuple, a dict (keys and values in turn)
    v  array                   an array by value
    a  u32, array              an array by value that both sides keep under this number
    r  u32, u8                 an array that both sides hold, by number, and whether it may be written
    k  array                   a NumPy scalar, as an array with no axes
    o  u32, s                  an object of the other process, by number, and the name of its type
    x  s s                     another object: the name of its type and a short text
    g  s                       the state of a random generator, as JSON

An array is: u8 length and dtype ("<f8"), u8 flags (1: may be written), u8 axes, per axis u64 length and u8 its place in
memory order (0 first), then its bytes in memory order. Only plain dtypes are sent: bool, integers, floats, complex.

Every frame is read as if its sender were hostile: lengths, counts, depth, dtypes and permutations are checked before
anything is allocated, and anything else raises BadFrame.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.subject import Opaque

MAX_FRAME = 2**28  # bytes
MAX_DEPTH = 32
MAX_PARTS = 2_000_000
MAX_AXES = 32
MAX_INTEGER = 4096  # bytes
MAX_TEXT = 2**24  # bytes
DTYPES = frozenset("?bBhHiIlLqQefdgFD")  # np.dtype.char
LENGTH = struct.Struct("<I")
_COUNT, _INTEGER, _FLOAT, _SIZE = struct.Struct("<I"), struct.Struct("<q"), struct.Struct("<d"), struct.Struct("<Q")


class BadFrame(Exception):
    """A message that does not have this format; with the reason as text."""


@dataclass(frozen=True)
class ByValue:
    """An array whose content is sent, even if both sides hold it."""

    array: Array


class Tables(Protocol):
    """The arrays and objects that both sides know by number."""

    def known_array(self, array: Array) -> int | None:
        """The number of an array that both sides hold."""

    def new_array(self, array: Array) -> int | None:
        """A number for an array that only this side holds; None to send it by value."""

    def array(self, number: int, writable: bool) -> Array:
        """The array of this number. Raises KeyError."""

    def keep_array(self, number: int, array: Array) -> None:
        """Keep an array of the other side under its number. Raises KeyError if the number is taken."""

    def object_number(self, thing: Any) -> tuple[int, str] | None:
        """The number and type name of an object; None if it is sent as Opaque."""

    def object(self, number: int, type_name: str) -> Any:
        """The object of this number. Raises KeyError."""


def encode(value: Any, tables: Tables) -> bytes:
    """The frame of a value. Raises ValueError if it is too large."""
    parts: list[bytes] = []

    def add(part: bytes) -> None:
        parts.append(part)
        if len(parts) > MAX_PARTS:
            raise ValueError(f"a message of more than {MAX_PARTS:,} values is too large")

    _write(value, tables, add, 0)
    size = sum(map(len, parts))
    if size > MAX_FRAME:
        raise ValueError(f"a message of {size:,} bytes is too large; at most {MAX_FRAME:,} can be sent")
    return LENGTH.pack(size) + b"".join(parts)


def _write(value: Any, tables: Tables, add: Any, depth: int) -> None:
    kind = type(value)
    if depth > MAX_DEPTH:
        add(_opaque(value))
    elif value is None:
        add(b"N")
    elif kind is bool:
        add(b"1" if value else b"0")
    elif kind is int:
        _write_integer(value, add)
    elif kind is float:
        add(b"f" + _FLOAT.pack(value))
    elif kind is str:
        add(b"s" + _text(value))
    elif kind is list or kind is tuple:
        add((b"l" if kind is list else b"t") + _COUNT.pack(len(value)))
        for each in value:
            _write(each, tables, add, depth + 1)
    elif kind is dict:
        add(b"d" + _COUNT.pack(len(value)))
        for key, each in value.items():
            _write(key, tables, add, depth + 1)
            _write(each, tables, add, depth + 1)
    elif kind is ByValue:
        add(b"v" + array_bytes(value.array))
    elif kind is np.ndarray and value.dtype.char in DTYPES:
        if (number := tables.known_array(value)) is not None:
            add(b"r" + _COUNT.pack(number) + (b"\1" if value.flags.writeable else b"\0"))
        elif (number := tables.new_array(value)) is not None:
            add(b"a" + _COUNT.pack(number) + array_bytes(value))
        else:
            add(b"v" + array_bytes(value))
    elif isinstance(value, np.generic) and value.dtype.char in DTYPES:
        add(b"k" + array_bytes(np.asarray(value)))
    elif kind is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
        add(b"g" + _text(json.dumps(value.bit_generator.state)))
    else:
        found = tables.object_number(value)
        add(_opaque(value) if found is None else b"o" + _COUNT.pack(found[0]) + _text(found[1]))


def _write_integer(value: int, add: Any) -> None:
    if -(2**63) <= value < 2**63:
        add(b"i" + _INTEGER.pack(value))
        return
    size = value.bit_length() // 8 + 1
    content = value.to_bytes(min(size, MAX_INTEGER), "little", signed=True) if size <= MAX_INTEGER else b"\0"
    add(b"I" + _COUNT.pack(len(content)) + content)


def _opaque(value: Any) -> bytes:
    if isinstance(value, Opaque):
        return b"x" + _text(value.type_name) + _text(value.text)
    try:
        text = repr(value)[:1000]
    except Exception:
        text = "an object without a repr"
    return b"x" + _text(type(value).__name__) + _text(text)


def _text(text: str) -> bytes:
    content = text.encode("utf-8", "backslashreplace")
    return _COUNT.pack(len(content)) + content


def array_bytes(array: Array) -> bytes:
    """An array by value, in its order of memory."""
    order = sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))
    if array.flags.c_contiguous:
        order = list(range(array.ndim))
    dtype = array.dtype.str.encode()
    head = bytes([len(dtype)]) + dtype + bytes([array.flags.writeable, array.ndim])
    shape = b"".join(_SIZE.pack(size) + bytes([order.index(axis)]) for axis, size in enumerate(array.shape))
    return head + shape + array.transpose(order).tobytes()


class _Reader:
    def __init__(self, frame: bytes, tables: Tables) -> None:
        self.frame, self.at, self.tables = frame, 0, tables

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.frame):
            raise BadFrame("it ends too early")
        found = self.frame[self.at : end]
        self.at = end
        return found

    def count(self) -> int:
        found: int = _COUNT.unpack(self.take(4))[0]
        return found

    def text(self) -> str:
        size = self.count()
        if size > MAX_TEXT:
            raise BadFrame(f"a text of {size:,} bytes")
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise BadFrame("a text that is not UTF-8") from None

    def items(self) -> int:
        count = self.count()
        if count > len(self.frame) - self.at:  # each takes at least one byte
            raise BadFrame(f"{count:,} items in {len(self.frame) - self.at:,} bytes")
        return count

    def value(self, depth: int = 0) -> Any:
        if depth > MAX_DEPTH + 1:
            raise BadFrame(f"values nested more than {MAX_DEPTH} deep")
        tag = self.take(1)
        if tag == b"N":
            return None
        if tag in b"10":
            return tag == b"1"
        if tag == b"i":
            return _INTEGER.unpack(self.take(8))[0]
        if tag == b"f":
            return _FLOAT.unpack(self.take(8))[0]
        if tag == b"s":
            return self.text()
        if tag in b"lt":
            found = [self.value(depth + 1) for _ in range(self.items())]
            return found if tag == b"l" else tuple(found)
        if tag == b"d":
            return self.dict(depth)
        if tag == b"v":
            return self.array()
        if tag == b"k":
            array = self.array()
            if array.ndim:
                raise BadFrame("a scalar with axes")
            return array[()]
        return self.rare(tag)

    def rare(self, tag: bytes) -> Any:
        if tag == b"I":
            size = self.count()
            if size > MAX_INTEGER:
                raise BadFrame(f"an integer of {size:,} bytes")
            return int.from_bytes(self.take(size), "little", signed=True)
        if tag == b"x":
            return Opaque(self.text(), self.text())
        if tag == b"g":
            return _generator(self.text())
        try:
            if tag == b"a":
                number, array = self.count(), self.array()
                self.tables.keep_array(number, array)
                return array
            if tag == b"r":
                return self.tables.array(self.count(), self.take(1) == b"\1")
            if tag == b"o":
                return self.tables.object(self.count(), self.text())
        except KeyError as error:
            raise BadFrame(f"an unknown number, {error}") from None
        raise BadFrame(f"an unknown tag, {tag!r}")

    def dict(self, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(self.items()):
            key = self.value(depth + 1)
            if not isinstance(key, str | int | float | bool | tuple | Opaque | None) or _is_unhashable(key):
                raise BadFrame("a key that can't be one")
            found[key] = self.value(depth + 1)
        return found

    def array(self) -> Array:
        text = self.take(self.take(1)[0])
        try:
            dtype = np.dtype(text.decode("ascii"))
        except (TypeError, ValueError, SyntaxError, UnicodeDecodeError):
            raise BadFrame("an unknown dtype") from None
        flags, axes = self.take(2)
        if dtype.char not in DTYPES or dtype.itemsize == 0 or axes > MAX_AXES or flags > 1:
            raise BadFrame(f"an array of dtype {dtype} with {axes} axes")
        rows = [(_SIZE.unpack(self.take(8))[0], self.take(1)[0]) for _ in range(axes)]
        shape, places = [size for size, _ in rows], [place for _, place in rows]
        if sorted(places) != list(range(axes)):
            raise BadFrame("an array whose axes have no order")
        size = math.prod(shape) * dtype.itemsize
        if any(length > MAX_FRAME for length in shape) or size > len(self.frame) - self.at:
            raise BadFrame(f"an array of {size:,} bytes in {len(self.frame) - self.at:,}")
        order = sorted(range(axes), key=places.__getitem__)
        flat = np.frombuffer(self.take(size), dtype).copy()
        array = flat.reshape([shape[axis] for axis in order]).transpose(places)
        array.flags.writeable = bool(flags)
        return array


def _is_unhashable(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return True
    return False


def _generator(text: str) -> np.random.Generator:
    try:
        bits = np.random.PCG64(0)
        bits.state = json.loads(text)
        return np.random.Generator(bits)
    except Exception as error:
        raise BadFrame(f"a random generator that can't be one: {type(error).__name__}") from None


def decode(frame: bytes, tables: Tables) -> Any:
    """The value of a frame, without its length. Raises BadFrame."""
    reader = _Reader(frame, tables)
    try:
        value = reader.value()
    except RecursionError:
        raise BadFrame("values nested too deep") from None
    if reader.at != len(frame):
        raise BadFrame(f"{len(frame) - reader.at:,} bytes too many")
    return value
