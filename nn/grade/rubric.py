"""A rubric: what a submission has to contain, and the points for it.

    title = "Homework 3"

    [[require]]
    name = "dense layer"                 a heading, and a column of the table
    kind = "layer"                       layer, loss, optimizer, model, ...; a list of kinds, too
    names = ["*dense*", "*linear*"]      of the class or function; without it, any
    points = 10
    laws = { gradient = 6 }              the other laws share the rest
    arrays = 3                           that are compared: x, W and b; fewer give that share of the points

    [[require]]
    name = "reaches 95% on MNIST"
    points = 20
    train = "net = Network(784, 64, 10); net.fit(x, y, epochs=1)"
    predict = "net.predict(x)"
    data = "mnist"                       relative to the rubric; without it, synthetic digits
    accuracy = 0.95                      for all points
    accuracy_for_no_points = 0.5         between the two, a share; without it, all or nothing
    seconds = 120
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nnlaw.nn.core.regular_file import read_toml
from nnlaw.nn.plugins.registry import KINDS
from nnlaw.spec.law import CATALOG
from nnlaw.spec.report import Outcome
from nnlaw.spec.violation import BadInput

DEFAULT_POINTS = 10.0
GRADIENT_WEIGHT = 2  # of a law on gradients in a new rubric; others have 1
HEADER = """# A rubric for nn grade, written from a reference solution. Edit names and points.
#
# `names` are patterns for the names of classes and functions; capital letters and _ don't matter. `laws` are points per
# law, which are part of `points`; the laws that are not listed share the rest. `arrays` are to be compared: x, W and b.

title = ""

"""
TRAINING = """# [[require]]
# name = "reaches 95% on MNIST in one epoch"
# points = 20
# train = "net = Network(784, 64, 10); net.fit(x, y, epochs=1)"   # with x (N, 784) in [0, 1], y (N,), one_hot (N, 10)
# predict = "net.predict(x)"                                      # labels, or scores of the classes
# data = "mnist"                                                  # folder; without it, synthetic digits
# accuracy = 0.95
# accuracy_for_no_points = 0.5
# seconds = 120
"""


@dataclass(frozen=True)
class Requirement:
    """One required thing: a unit of one of `kinds` with one of `names`, or, if `train` is set, a trained network."""

    name: str
    points: float = DEFAULT_POINTS
    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    laws: dict[str, float] = field(default_factory=dict)
    arrays: int = 0
    train: str = ""
    predict: str = ""
    data: Path | None = None
    accuracy: float = 0.95
    accuracy_for_no_points: float | None = None
    seconds: float = 120.0

    def matches(self, kind: str, name: str) -> bool:
        """Whether a unit can meet the requirement."""
        return kind in self.kinds and (
            not self.names or any(fnmatchcase(_normalized(name), _normalized(each)) for each in self.names)
        )

    def points_for_accuracy(self, accuracy: float) -> float:
        """All points from `accuracy` on, 0 up to `accuracy_for_no_points`, a share between."""
        low = self.accuracy_for_no_points
        if accuracy >= self.accuracy:
            return self.points
        return 0.0 if low is None else self.points * max(0.0, (accuracy - low) / (self.accuracy - low))


@dataclass(frozen=True)
class Rubric:
    """Requirements in their order."""

    requirements: tuple[Requirement, ...]
    title: str = ""

    @property
    def out_of(self) -> float:
        """The highest score."""
        return sum(row.points for row in self.requirements)


def _normalized(name: str) -> str:
    """A name or pattern in lowercase, without what separates its words."""
    return re.sub(r"[^\w*?\[\]!]|_", "", name.casefold())


def read_rubric(file: Path) -> Rubric:
    """Read a rubric. Raises BadInput, with the place, if it is not valid."""
    content = read_toml(file)
    rows = content.get("require")
    if set(content) - {"title", "require"} or not isinstance(rows, list) or not rows:
        raise BadInput(f"{file}: expected `title` and one or more tables [[require]]")
    found = tuple(_requirement(row, f"{file}: require {i}", file.parent) for i, row in enumerate(rows, 1))
    repeated = {row.name for i, row in enumerate(found) if row.name in [each.name for each in found[:i]]}
    if repeated:
        raise BadInput(f"{file}: two requirements are called {min(repeated)!r}")
    return Rubric(found, str(content.get("title", "")))


def _requirement(row: Any, place: str, folder: Path) -> Requirement:
    known = sorted({"kind", *(each.name for each in fields(Requirement))} - {"kinds"})
    if not isinstance(row, dict):
        raise BadInput(f"{place}: expected a table")
    if unknown := sorted(set(row) - set(known)):
        raise BadInput(f"{place}: unknown key {unknown[0]!r}, expected one of {', '.join(known)}")
    values = dict(row)
    name = values.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadInput(f"{place}: it needs a name")
    place = f"{place} ({name})"
    values["kinds"] = _texts(values.pop("kind", ()), "kind", place)
    values["names"] = _texts(values.get("names", ()), "names", place)
    for key in ("points", "accuracy", "accuracy_for_no_points", "seconds"):
        if key in values and (type(values[key]) not in (int, float) or not 0 <= values[key] < 1e6):
            raise BadInput(f"{place}: {key} = {values[key]!r}, expected a number from 0 to 1,000,000")
    if type(values.get("arrays", 0)) is not int or values.get("arrays", 0) < 0:
        raise BadInput(f"{place}: arrays = {values['arrays']!r}, expected a whole number")
    laws = values.get("laws", {})
    if not isinstance(laws, dict) or not all(type(each) in (int, float) and each >= 0 for each in laws.values()):
        raise BadInput(f"{place}: laws = {laws!r}, expected points by law, as in {{ gradient = 6 }}")
    if unknown := sorted(set(laws) - {code for _, code in CATALOG}):
        raise BadInput(f"{place}: there is no law {unknown[0]!r}; nn laws lists all laws")
    if isinstance(values.get("data"), str):
        values["data"] = folder / values["data"]
    if bool(values.get("train")) != bool(values.get("predict")) or bool(values.get("train")) == bool(values["kinds"]):
        raise BadInput(f"{place}: it needs a kind, or both train and predict")
    if unknown := sorted(set(values["kinds"]) - set(KINDS)):
        raise BadInput(f"{place}: unknown kind {unknown[0]!r}, expected {', '.join(KINDS)}")
    for key in ("train", "predict"):
        _check_python(values.get(key, ""), key, place)
    found = Requirement(**values)
    if sum(found.laws.values()) > found.points:
        raise BadInput(f"{place}: its laws have {sum(found.laws.values()):g} points, expected {found.points:g} at most")
    if found.accuracy_for_no_points is not None and found.accuracy_for_no_points >= found.accuracy:
        raise BadInput(f"{place}: accuracy_for_no_points has to be below accuracy")
    return found


def _texts(value: Any, key: str, place: str) -> tuple[str, ...]:
    rows = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(each, str) for each in rows):
        raise BadInput(f"{place}: {key} = {value!r}, expected a text or a list of texts")
    return rows


def _check_python(code: Any, key: str, place: str) -> None:
    try:
        compile(code, key, "exec" if key == "train" else "eval") if code else None
    except (SyntaxError, TypeError, ValueError) as error:
        raise BadInput(f"{place}: {key} is not Python: {error}") from error


def rubric_from(reports: Sequence[dict[str, Any]]) -> str:
    """The text of a rubric that requires the units of a reference solution.

    Names are required where several units are of one kind. A law's points grow with the number of laws that depend on
    it, which are skipped if it fails; laws on gradients count twice.
    """
    kinds = Counter(report["kind"] for report in reports)
    names: Counter[str] = Counter()
    parts = [HEADER]
    for report in reports:
        own = report["name"].partition("(")[0]
        names[own] += 1
        name = own if names[own] == 1 else f"{own} {names[own]}"
        passed = [law["law"] for law in report["laws"] if law["outcome"] == Outcome.PASS]
        points = ", ".join(f"{code} = {value:g}" for code, value in _points(report["kind"], passed).items())
        lines = [f"name = {_quoted(name)}", f"kind = {_quoted(report['kind'])}"]
        lines += [f"names = [{_quoted(f'*{_normalized(own)}*')}]"] if kinds[report["kind"]] > 1 else []
        lines += [f"points = {DEFAULT_POINTS:g}", f"laws = {{ {points} }}"]
        lines += [f"arrays = {len(report['compared'])}"] if len(report["compared"]) > 1 else []
        parts.append("\n".join(["[[require]]", *lines, "", ""]))
    return "".join([*parts, TRAINING]) if "model" in kinds else "".join(parts).rstrip("\n") + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _points(kind: str, codes: Sequence[str]) -> dict[str, float]:
    """Points for each law of a unit, in tenths. Their sum is DEFAULT_POINTS."""
    dependents = {code: sum(code in _needed(kind, other, codes) for other in codes) for code in codes}
    weights = {code: _weight(kind, code) * (1 + dependents[code]) for code in codes}
    total = sum(weights.values())
    points = {code: int(10 * DEFAULT_POINTS * weight / total) / 10 for code, weight in weights.items()}
    if points:
        highest = max(points, key=lambda code: points[code])
        points[highest] = round(points[highest] + DEFAULT_POINTS - sum(points.values()), 1)
    return points


def _weight(kind: str, code: str) -> int:
    law = CATALOG.get((kind, code))
    return GRADIENT_WEIGHT if law is not None and law.family == "gradient" else 1


def _needed(kind: str, code: str, codes: Sequence[str]) -> set[str]:
    """The laws among `codes` that a law depends on, directly or not."""
    law = CATALOG.get((kind, code)) or CATALOG.get(("call", code))
    direct = set(law.depends_on) & set(codes) - {code} if law else set()
    return direct.union(*(_needed(kind, each, codes) for each in direct))
