"""The edge-case matrix, fixtures/edge_cases/matrix.toml: each row is a drill, and all of them are done in one way.

A row of data and settings is a training, from the IDX files to the saved weights; a row of a batch is one step, which
is judged against the same step in float64.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.layout import FILES
from nnlaw.nn.stress.edge_case_run import Answer, step, train
from nnlaw.nn.stress.scenario import Outcome, Scene, drill
from nnlaw.spec.arrays import Array
from nnlaw.spec.locations import fixtures
from nnlaw.spec.violation import Violation

PREFIX = "edge-"
WITHIN = 1e-4  # ‖float32 − float64‖ / ‖float64‖
REPEATED = re.compile(r"(\d+)\*\((.*?)\)")


@dataclass(frozen=True)
class Case:
    """One row: what is done, and the law, the sentence, or the closeness to float64 that must answer."""

    name: str
    what: str
    data: str = "digits"
    batch: str = ""
    labels: str = "plain"
    weights: str = ""
    layout: str = ""
    law: str = ""
    says: str = ""
    within: float = WITHIN
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """What must answer, in words."""
        words = f'"{self.says}"'
        if self.law:
            return f"law {self.law}" + (f": {words}" if self.says else "")
        if self.says:
            return f"refused: {words}"
        return f"holds, within {self.within:g} of float64" if self.batch else "every law holds, and the loss falls"

    def is_met_by(self, answer: Answer) -> bool:
        """Whether the answer is the expected one, with finite weights left behind."""
        right = (answer.law, answer.refused) == (self.law, bool(self.says and not self.law))
        return right and self.says in answer.text and answer.finite and answer.error <= self.within


@cache
def folder() -> Path:
    """Where the matrix lies."""
    return fixtures() / "edge_cases"


def cases() -> list[Case]:
    """The rows of the matrix."""
    table = tomllib.loads((folder() / "matrix.toml").read_text(encoding="utf-8"))
    return [Case(**row | {"settings": table["settings"] | row.get("settings", {})}) for row in table["row"]]


@cache
def arrays() -> dict[str, Array]:
    """All arrays of the matrix, read-only."""
    found: dict[str, Array] = load_file(folder() / "arrays.safetensors")
    for array in found.values():
        array.setflags(write=False)
    return found


def settings_of(case: Case, data: Path | None, seed: int) -> Settings:
    """The settings of a row. `3*(dense:8 relu)` stands for three times the same layers."""
    given = dict(case.settings)
    given["layers"] = REPEATED.sub(lambda m: " ".join([m[2]] * int(m[1])), given.get("layers", Settings.layers))
    given["plugins"] = tuple(str(folder() / name) for name in given.get("plugins", ()))
    return Settings(**given, data=str(data) if data else "", seed=seed)


def write_data(name: str, place: Path) -> Path:
    """The four IDX files of a data set of the matrix, as a user would have them."""
    place.mkdir()
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    for part, (stem, dims) in zip(parts, FILES, strict=True):
        found = arrays().get(f"{name}/{part}", arrays()[f"digits/{part}"])
        write_idx(place / f"{stem}-idx{dims}-ubyte", found)
    return place


def batch_of(case: Case) -> tuple[Array, Array]:
    """The batch of a row, laid out in memory as the row says."""
    x, labels = arrays()[f"{case.batch}/x"], arrays()[f"{case.labels}/labels"]
    return LAYOUTS[case.layout](x), labels


def _strided(x: Array) -> Array:
    return np.repeat(x, 2, axis=1)[:, ::2]


def _reversed(x: Array) -> Array:
    return x[::-1, ::-1].copy()[::-1, ::-1]


LAYOUTS: dict[str, Any] = {
    "": np.copy,
    "fortran": np.asfortranarray,
    "strided": _strided,
    "reversed": _reversed,
    "read-only": lambda x: x,
}


def do(case: Case, scene: Scene) -> Outcome:
    """Do one row."""
    if case.batch:
        x, labels = batch_of(case)
        w = arrays()[f"{case.weights}/W"] if case.weights else None
        answer, kept = step(settings_of(case, None, scene.seed), x, labels, w), {"x": x, "labels": labels}
    else:
        data = write_data(case.data, scene.folder / "data")
        answer, kept = train(settings_of(case, data, scene.seed), scene.folder / "run"), {}
    held = case.is_met_by(answer)
    broken = answer.violation if isinstance(answer.violation, Violation) and not held else None
    return Outcome(answer.told, held, {"error": answer.error, "finite": answer.finite}, kept, broken)


for _case in cases():
    drill(PREFIX + _case.name, what=_case.what, expected=_case.expected)(partial(do, _case))
