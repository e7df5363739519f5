"""The settings of a training, from the command line or from a TOML file, checked before anything is written."""

from __future__ import annotations

import difflib
import sys
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

import tomli_w

from nnlaw.nn.core.regular_file import read_toml
from nnlaw.spec.violation import BadInput

FORMAT = 1  # of the TOML file
PATHS = "surrogateescape"  # how bytes of a path that are not UTF-8 are kept
MAX_NAME = 40  # characters of an unknown key that are shown and compared


@dataclass(frozen=True)
class Settings:
    """Everything that the result of a training depends on.

    `validation` -1 means 5,000 images, or a twelfth of a small data set. `threads` is the number of BLAS threads, 0 for
    all cores; it changes the last bits of the result.
    """

    data: str = ""
    strict: bool = False
    epochs: int = 10
    batch_size: int = 32
    lr: float = 0.01
    clip_norm: float = 0.0
    adversarial: float = 0.0
    seed: int = 0
    layers: str = "dense:128 relu dense:64 relu dense:10"
    model: str = "network"
    loss: str = "softmax_cross_entropy"
    optimizer: str = "sgd"
    schedule: str = "constant"
    init: str = "he"
    batches: str = "shuffled"
    validation: int = -1
    threads: int = 1
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in fields(self):
            value = getattr(self, row.name)
            if isinstance(value, int) and abs(value) >= 2**63:
                raise BadInput(f"{row.name} = {_shown(value)}, expected a 64-bit integer")
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} = {getattr(self, name)}, expected at least 1")
        if not (isfinite(self.lr) and self.lr > 0):
            raise BadInput(f"lr = {self.lr}, expected a finite number above 0")
        if not (isfinite(self.clip_norm) and self.clip_norm >= 0):
            raise BadInput(f"clip_norm = {self.clip_norm}, expected a finite number from 0 (no limit)")
        if not 0 <= self.adversarial <= 1:
            raise BadInput(f"adversarial = {self.adversarial}, expected a number from 0 (off) to 1")
        if self.validation < -1:
            raise BadInput(f"validation = {self.validation}, expected 0 or more images")
        for name in ("seed", "threads"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} = {getattr(self, name)}, expected 0 or more")

    def with_changes(self, given: dict[str, Any]) -> Settings:
        """A copy with the given settings; None leaves a setting unchanged. Raises BadInput for invalid values."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def with_output_layer(self, classes: int) -> Settings:
        """A copy in which the default layers end in one output per class; layers that were chosen stay."""
        if self.layers != Settings.layers:
            return self
        return replace(self, layers=f"{self.layers.rpartition(':')[0]}:{classes}")

    def plugin_path(self, name: str) -> str:
        """The path of the user's plugin file named `name`; "" if there is none."""
        return next((path for path in self.plugins if Path(path).name == name), "")

    def to_toml(self) -> bytes:
        """The settings as config.toml records them; paths keep bytes that are not UTF-8."""
        text = tomli_w.dumps({"format": FORMAT} | asdict(self) | {"plugins": list(self.plugins)})
        return text.encode(errors=PATHS)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, by name.

    Raises BadInput if it can't be read or parsed, for an unknown key, another format, a wrong type or value.
    """
    table = read_toml(path, "settings file", PATHS)
    found = table.pop("format", None)
    if type(found) is not int or found != FORMAT:
        text = "no format, expected the line format =" if found is None else f"format = {_shown(found)}, expected"
        raise BadInput(f"settings file {path}: {text} {FORMAT}")
    settings = checked_types(table, f"settings file {path}")
    try:
        Settings(**settings)
    except BadInput as error:
        raise BadInput(f"settings file {path}: {error}") from error
    return settings


def checked_types(table: dict[str, Any], place: str) -> dict[str, Any]:
    """The settings in a table from the file `place`. Raises BadInput for an unknown key or a wrong type."""
    known = {row.name: row.default for row in fields(Settings)}
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name[:MAX_NAME], known, n=1) or sorted(known)
            raise BadInput(f"{place}: unknown key {name[:MAX_NAME]!r}; nearest: {', '.join(near)}")
    return {name: _typed(place, name, value, known[name]) for name, value in table.items()}


def _typed(place: str, name: str, value: Any, default: Any) -> Any:
    if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(default, float) and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    if type(value) is not type(default):
        needed = "a list of strings" if isinstance(default, tuple) else type(default).__name__
        raise BadInput(f"{place}: {name} = {_shown(value)}, expected {needed}")
    return value


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "a number of thousands of digits"
