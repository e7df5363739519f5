"""The catalog of laws, by kind and code.

    @law("never-negative", kind="layer", family="domain", statement="Outputs are never negative.")
    def never_negative(case): ...      # returns if the law passes; else raises Violation, Inconclusive or NotApplicable

A law runs after the laws it depends on, in any order of registration. There are two tiers. A `call` law is cheap and
checked on every call of an object with guards. An `audit` law is checked before training and by `conformance`; audits
of a model that need only a few samples, such as `gradient` and `live-units`, also run after each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nnlaw.spec.violation import BadInput

UNIT_KINDS = ("layer", "loss", "optimizer", "initializer", "schedule", "batches", "metric", "utility", "model")
KINDS = ("call", *UNIT_KINDS, "data", "training")
FAMILIES = ("shape", "domain", "numerics", "gradient", "state", "randomness", "learning")
OLD_FAMILIES = {"output range": "numerics", "convergence": "gradient", "reproducibility": "state"}  # of version 0.1
TIERS = ("call", "audit")

LawFunction = Callable[[Any], None]

FOR_ANY_CODE = {
    "layer": {"gradient", "definition", "normalized", "stale-gradient", "train-eval"},
    "loss": {"gradient", "definition", "repeatable-backward"},
    "optimizer": {"definition"},
    "initializer": {"definition", "finite", "shape", "symmetry"},
    "schedule": {"bounds", "definition"},
    "batches": {"once-per-epoch", "paired"},
    "metric": {"definition", "metric-known"},
    "utility": {"definition"},
    "model": {"gradient"},
    "call": {"input-untouched", "finite"},
}
"""The laws that also check code which is not registered; all others belong to the protocol of registered classes."""

AT_ANY_SETTING = {
    "layer": {"gradient", "dropout-mean", "definition"},
    "loss": {"gradient", "definition"},
    "optimizer": {"definition"},
    "model": {"gradient"},
}
"""The laws that are also checked at a second value of every setting; others may hold at the author's alone."""


@dataclass(frozen=True)
class Law:
    """One law: kind and code, family and tier, one sentence, the laws it depends on, why it matters, and its check."""

    code: str
    kind: str
    family: str
    tier: str
    statement: str
    depends_on: tuple[str, ...]
    check: LawFunction
    why: str = ""


CATALOG: dict[tuple[str, str], Law] = {}


def law(
    code: str,
    *,
    kind: str,
    family: str,
    statement: str,
    why: str = "",
    tier: str = "audit",
    depends_on: tuple[str, ...] = (),
    rests_on: tuple[str, ...] = (),
) -> Callable[[LawFunction], LawFunction]:
    """Add the decorated function to the catalog. `rests_on` is `depends_on` in files of version 0.1.

    Raises BadInput if kind, family or tier is unknown, or if the key is taken.
    """
    family = OLD_FAMILIES.get(family, family)
    for word, known, what in ((kind, KINDS, "kind"), (family, FAMILIES, "family"), (tier, TIERS, "tier")):
        if word not in known:
            raise BadInput(f"law {code}: {what} {word!r} is not one of {', '.join(known)}")
    if (kind, code) in CATALOG:
        raise BadInput(f"law {code} of kind {kind} is already in the catalog")

    def add(function: LawFunction) -> LawFunction:
        CATALOG[kind, code] = Law(code, kind, family, tier, statement, (*depends_on, *rests_on), function, why)
        return function

    return add


def laws_of(*kinds: str) -> Iterator[Law]:
    """The laws of these kinds, each after the laws it depends on, else in the order of registration.

    Raises BadInput if a law depends on one that neither its kind nor `call` has, or, along some path, on itself.
    """
    return (row for row in _sorted_laws(tuple(CATALOG.values())) if row.kind in kinds)


def code_of(function: LawFunction) -> str:
    """The code of a law's function; its name if it is not in the catalog."""
    codes = (row.code for row in CATALOG.values() if row.check == function)
    return next(codes, getattr(function, "__name__", "law"))


def _file(row: Law) -> tuple[bool, str]:
    """The module of a law; those of users come last."""
    module = row.check.__module__ or ""  # of a law that exec defines
    return not module.startswith("nnlaw.spec.laws."), module


@lru_cache(maxsize=1)
def _sorted_laws(rows: tuple[Law, ...]) -> tuple[Law, ...]:
    """The rows in topological order, else by their files, whichever was imported first; computed once per catalog."""
    known = {(row.kind, row.code): row for row in rows}
    order: dict[Law, None] = {}

    def visit(row: Law, path: tuple[str, ...]) -> None:
        if row in order:
            return
        if row.code in path:
            raise BadInput(f"law {row.code} of kind {row.kind} depends on itself: {' → '.join((*path, row.code))}")
        for code in row.depends_on:
            if (row.kind, code) in known:
                visit(known[row.kind, code], (*path, row.code))
            elif ("call", code) not in known:  # the calls are checked before all else
                raise BadInput(f"law {row.code} of kind {row.kind} depends on {code!r}, which is not a law of its kind")
        order[row] = None

    for row in sorted(rows, key=_file):
        visit(row, ())
    return tuple(order)
