"""Damage to TOML and JSON files: one value is replaced by an unusual one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

Rng = np.random.Generator
DEPTH = 100_000  # nested brackets
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.0, -0.0, 1e308, 5e-324, 0.5),
    *(float("nan"), float("inf"), -float("inf"), "", "0", "nan", "x" * 100_000, "\x00", "../../evil", "é\u2028\ud800"),
    *([], {}, [[]], [None], ["a", 1], {"": {}}, {"$array": "x"}, {"$scalar": "x"}, {"$array": []}, [0] * 10_000),
)
TEXTS = (
    *("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "I8", "U64", "F8_E4M3", "C64"),
    *("adam", "dense:3", "data", "step", "reload"),
)
TOML_VALUES = (
    *("nan", "inf", "-inf", "-1", "0", "1e400", "1" + "0" * 400, "1" + "0" * 5000, "0x" + "f" * 5000, "0o7", "1_0"),
    *('""', "''", '"\\u0000"', '"x"', '"' + "x" * 100_000 + '"', '"""a\nb"""', "true", "false"),
    *("1979-05-27", "07:32:00", "[]", "[1, 2]", '["a"]', '[""]', '["../../evil"]', '["a\\u0000b"]', "{}", "{a = 1}"),
    *("[" * DEPTH, "[" * 500 + "]" * 500, '"dense:999999999999"', '"dense:-1"', '"dense:10 "', '"dropout:2"'),
    *('"sgd:momentum=nan"', '"dense:10,10,10"', '"dense:3 flatten dense:10"', '"dense:1e3"', '"network:5"'),
    *('"' + "dense:10 " * 3000 + '"', '"dense:' + "9" * 5000 + '"', '"dense:' + "(" * 10_000 + '"'),
    *('"step:every=0"', '"cosine:end=5"', '"constant"', '"' + "n" * 300 + '"', "1e-400"),
)
LINES = ("", "[table]", "[[a]]", "a.b.c = 1", ".".join("a" * 3000) + " = 1", "\x00", "\ufeff", "=", "#" * 9999)


def change_toml(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Give one key of a TOML file an unusual value, rename it, or repeat it."""
    lines = content.decode().splitlines()
    at, way = int(rng.integers(len(lines))), int(rng.integers(8))
    key, equals, value = lines[at].partition("=")
    if not equals:
        raise ValueError("not a line with a key")
    changed = f"{key}= {TOML_VALUES[rng.integers(len(TOML_VALUES))]}"
    if way == 0:
        changed = f"{key.strip()}s = {value}"
    elif way == 1:
        changed = f"{lines[at]}\n{lines[at]}"
    elif way == 2:
        changed = LINES[rng.integers(len(LINES))]
    lines[at] = changed
    return "\n".join(lines).encode(errors="replace")


def change_json(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change one value of a JSON file."""
    return change_value(content.decode(), rng).encode(errors="surrogatepass")


def change_json_line(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change one value in one line of a JSON Lines file."""
    lines = content.split(b"\n")
    at = int(rng.integers(len(lines) - 1))
    lines[at] = change_json(lines[at], b"", rng)
    return b"\n".join(lines)


def change_value(text: str, rng: Rng) -> str:
    """A JSON text with one value replaced, removed, or nested too deeply."""
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
        holder[key] = VALUES[rng.integers(len(VALUES))]
    return json.dumps(value).replace('"@deep@"', "[" * DEPTH + "]" * DEPTH)


def _places(value: Any) -> Any:
    """Every (holder, key) within a JSON value."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in rows:
        yield value, key
        yield from _places(item)
