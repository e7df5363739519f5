"""Read and write JSON; numbers that JSON does not have become null."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.core.regular_file import read_regular
from nnlaw.spec.violation import BadInput

MAX_JSON = 2**26  # bytes
_encode = json.JSONEncoder(allow_nan=False).encode


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises BadInput if there is none."""
    try:
        found = json.loads(read_regular(path, MAX_JSON).decode("utf-8-sig"))
    except BadInput:
        raise
    except FileNotFoundError as error:
        raise BadInput(f"{path.parent} is not a run folder (no {path.name})") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not a readable JSON file: {error}") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found


def json_text(value: Any) -> str:
    """An indented JSON document."""
    return json.dumps(to_json(value), indent=2) + "\n"


def json_line(row: dict[str, Any]) -> str:
    """A row as one line; it is converted only if it needs to be, as there is one row per step of a training."""
    try:
        return _encode(row) + "\n"
    except (TypeError, ValueError):
        return _encode(to_json(row)) + "\n"


def to_json(value: Any) -> Any:
    """A value in the types of JSON: arrays become lists, numbers that are not finite become null."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return to_json(value.tolist()) if isinstance(value, np.integer | np.bool_ | np.ndarray) else value
