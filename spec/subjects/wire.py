"""The format of the messages between the laws and the process of the code under test.

    frame = encode(value, tables)          value = decode(frame, tables)

A message is a frame: 4 bytes length, little-endian, then one value in MessagePack (https://msgpack.org): None, bool,
integers, floats, texts, bytes, lists and dicts. These extension types are other values:

    1  a tuple: its items as a list
    2  an array by value
    3  u32, then an array by value that both sides keep under this number
    4  u32, u8: an array that both sides keep, by number, and whether it may be written
    5  a NumPy scalar, as an array without axes
    6  u32, then text: an object of the other process, by number, and the name of its type
    7  [text, text]: another object, the name of its type and a short text
    8  text: the state of a random generator and the seed of its children, as JSON

An array is: u8 length and dtype ("<f8"), u8 flags (1: may be written, 2: not in C order), u8 axes, u64 length per axis,
if not in C order u8 place in memory order per axis (0 first), then its bytes in memory order. Only plain dtypes are
sent: bool, integers, floats, complex.

Every frame is read as if its sender were hostile: lengths, depth, dtypes and permutations are checked before anything
is allocated, and anything else raises BadFrame.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgpack
import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.subject import Opaque

MAX_FRAME = 2**27  # bytes
MAX_DEPTH = 32  # of nested tuples
MAX_AXES = 32
MAX_GENERATOR, MAX_POOL = 4096, 64  # bytes, and integers in the pool of its seed
DTYPES = frozenset("?bBhHiIlLqQefdgFD")  # np.dtype.char
ONLY_READ = frozenset({"run", "steps", "sweep"})
"""Operations that copy their arguments, so both sides need not hold the same arrays."""

LENGTH = struct.Struct("<I")
TUPLE, VALUE, SHARED, REFERENCE, SCALAR, OBJECT, OPAQUE, GENERATOR = range(1, 9)
_NUMBER, _REFERENCE = struct.Struct("<I"), struct.Struct("<I?")
_SHAPES = [struct.Struct(f"<{axes}Q") for axes in range(MAX_AXES + 33)]  # NumPy has at most 64 axes


class BadFrame(Exception):
    """A message that does not have this format; with the reason as text."""


@dataclass(frozen=True)
class ByValue:
    """An array whose content is sent, even if both sides keep it."""

    array: Array


class Tables(Protocol):
    """The arrays and objects that both sides know by number."""

    def known_array(self, array: Array) -> int | None:
        """The number of an array that both sides keep."""

    def new_array(self, array: Array) -> int | None:
        """A number for an array that only this side has; None to send it by value."""

    def array(self, number: int, writable: bool) -> Array:
        """The array of this number. Raises KeyError."""

    def keep_array(self, number: int, array: Array) -> None:
        """Keep an array of the other side under its number. Raises KeyError if the number is taken."""

    def object_number(self, thing: Any) -> tuple[int, str] | None:
        """The number and type name of an object; None if it is sent as Opaque."""

    def object(self, number: int, type_name: str) -> Any:
        """The object of this number. Raises KeyError."""


def encode(value: Any, tables: Tables) -> bytes:
    """The frame of a value.

    Raises TooLarge if it has too many bytes, and ValueError if it is nested too deep or has a very large integer.
    """

    def pack(each: Any) -> bytes:
        return bytes(msgpack.packb(each, default=extension, strict_types=True, unicode_errors="backslashreplace"))

    def extension(each: Any) -> msgpack.ExtType:
        kind = type(each)
        if kind is tuple:
            return msgpack.ExtType(TUPLE, pack(list(each)))
        if kind is np.ndarray and each.dtype.char in DTYPES:
            if (number := tables.known_array(each)) is not None:
                return msgpack.ExtType(REFERENCE, _REFERENCE.pack(number, each.flags.writeable))
            if (number := tables.new_array(each)) is not None:
                return msgpack.ExtType(SHARED, _NUMBER.pack(number) + array_bytes(each))
            return msgpack.ExtType(VALUE, array_bytes(each))
        if kind is ByValue:
            return msgpack.ExtType(VALUE, array_bytes(each.array))
        if isinstance(each, np.generic) and each.dtype.char in DTYPES:
            return msgpack.ExtType(SCALAR, array_bytes(np.asarray(each)))
        if kind is np.random.Generator and type(each.bit_generator) is np.random.PCG64:
            return msgpack.ExtType(GENERATOR, _generator_text(each).encode())
        found = tables.object_number(each)
        if found is not None:
            return msgpack.ExtType(OBJECT, _NUMBER.pack(found[0]) + found[1].encode(errors="backslashreplace"))
        return msgpack.ExtType(OPAQUE, pack([*_described(each)]))

    try:
        content = pack(value)
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"a value that can't be sent: {error}") from None
    if len(content) > MAX_FRAME:
        raise TooLarge(f"a message of {len(content):,} bytes is too large; at most {MAX_FRAME:,} can be sent")
    return LENGTH.pack(len(content)) + content


class TooLarge(Exception):
    """A message has more bytes than can be sent."""


def _described(value: Any) -> tuple[str, str]:
    """The name of a value's type, and a short text."""
    if isinstance(value, Opaque):
        return value.type_name, value.text
    try:
        text = repr(value)[:1000]
    except Exception:
        text = "an object without a repr"
    return type(value).__name__, text


def array_bytes(array: Array) -> bytes:
    """An array by value, in its order of memory."""
    axes, dtype, writable = array.ndim, array.dtype.str.encode(), array.flags.writeable
    shape = _SHAPES[axes].pack(*array.shape)
    if array.flags.c_contiguous:
        return bytes([len(dtype), *dtype, writable, axes]) + shape + array.tobytes()
    order = sorted(range(axes), key=lambda axis: (-abs(array.strides[axis]), axis))
    places = bytes(order.index(axis) for axis in range(axes))
    return bytes([len(dtype), *dtype, writable | 2, axes]) + shape + places + array.transpose(order).tobytes()


def decode(frame: bytes, tables: Tables) -> Any:
    """The value of a frame, without its length. Raises BadFrame."""
    try:
        return _unpack(frame, tables, 0)
    except BadFrame:
        raise
    except KeyError as error:
        raise BadFrame(f"an unknown number, {error}") from None
    except (ValueError, TypeError, OverflowError, RecursionError, struct.error) as error:
        raise BadFrame(f"{type(error).__name__}: {error}") from None
    except (msgpack.UnpackException, IndexError) as error:
        raise BadFrame(f"it is not MessagePack: {error}") from None


def _unpack(content: bytes, tables: Tables, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BadFrame(f"tuples nested more than {MAX_DEPTH} deep")

    def extension(code: int, data: bytes) -> Any:
        if code == TUPLE:
            return tuple(_listed(_unpack(data, tables, depth + 1)))
        if code not in READERS:
            raise BadFrame(f"an unknown type, {code}")
        return READERS[code](data, tables)

    return msgpack.unpackb(content, ext_hook=extension, strict_map_key=False)


def _listed(value: Any) -> list[Any]:
    if type(value) is not list:
        raise BadFrame("a tuple that is not a list")
    return value


def _shared(data: bytes, tables: Tables) -> Array:
    (number,) = _NUMBER.unpack_from(data)
    array = _array(data[_NUMBER.size :])
    tables.keep_array(number, array)
    return array


def _scalar(data: bytes, tables: Tables) -> Any:
    array = _array(data)
    if array.ndim:
        raise BadFrame("a scalar with axes")
    return array[()]


def _object(data: bytes, tables: Tables) -> Any:
    (number,) = _NUMBER.unpack_from(data)
    return tables.object(number, data[_NUMBER.size :].decode())


def _opaque(data: bytes, tables: Tables) -> Opaque:
    found = _listed(msgpack.unpackb(data))
    if len(found) != 2 or not all(type(text) is str for text in found):
        raise BadFrame("an object without a name and a text")
    return Opaque(*found)


def _generator_text(generator: np.random.Generator) -> str:
    """The state of a generator and the seed of its children."""
    seed: Any = generator.bit_generator.seed_seq
    names = ("entropy", "spawn_key", "pool_size", "n_children_spawned")
    found = {name: getattr(seed, name) for name in names if hasattr(seed, name)}
    return json.dumps({"state": generator.bit_generator.state, "seed": found}, default=int)


def _generator(data: bytes, tables: Tables) -> np.random.Generator:
    try:
        if len(data) > MAX_GENERATOR:
            raise ValueError("too long")
        found = json.loads(data)
        if found["seed"].get("pool_size", 4) > MAX_POOL:
            raise ValueError("too large")
        bits = np.random.PCG64(np.random.SeedSequence(**found["seed"]))
        bits.state = found["state"]
    except Exception as error:
        raise BadFrame(f"a random generator that can't be one: {type(error).__name__}") from None
    return np.random.Generator(bits)


READERS: dict[int, Callable[[bytes, Tables], Any]] = {
    VALUE: lambda data, tables: _array(data),
    SHARED: _shared,
    REFERENCE: lambda data, tables: tables.array(*_REFERENCE.unpack(data)),
    SCALAR: _scalar,
    OBJECT: _object,
    OPAQUE: _opaque,
    GENERATOR: _generator,
}


def _array(data: bytes) -> Array:
    at = 1 + data[0]
    dtype = _dtype(data[1:at])
    flags, axes = data[at], data[at + 1]
    if axes > MAX_AXES or flags > 3:
        raise BadFrame(f"an array with {axes} axes")
    shape = _SHAPES[axes].unpack_from(data, at + 2)
    at += 2 + _SHAPES[axes].size
    places = list(data[at : at + axes]) if flags & 2 else None
    at += axes if flags & 2 else 0
    if any(size > MAX_FRAME for size in shape) or math.prod(shape) * dtype.itemsize != len(data) - at:
        raise BadFrame(f"an array of shape {shape} in {len(data) - at:,} bytes")
    flat = np.frombuffer(data, dtype, offset=at).copy()
    if places is None:
        array: Array = flat.reshape(shape)
    elif sorted(places) == list(range(axes)):
        array = flat.reshape([shape[axis] for axis in sorted(range(axes), key=places.__getitem__)]).transpose(places)
    else:
        raise BadFrame("an array whose axes have no order")
    if not flags & 1:
        array.flags.writeable = False
    return array


_KNOWN: dict[bytes, np.dtype[Any]] = {}


def _dtype(text: bytes) -> np.dtype[Any]:
    found = _KNOWN.get(text)
    if found is None:
        try:
            found = np.dtype(text.decode("ascii"))
        except Exception:
            raise BadFrame("an unknown dtype") from None
        if found.char not in DTYPES or found.itemsize == 0 or len(_KNOWN) > 100:
            raise BadFrame(f"the dtype {found}")
        _KNOWN[text] = found
    return found
