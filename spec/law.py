"""A law is one row of one catalogue, keyed by kind and code.

    @law("my-law", kind="layer", family="output range", statement="Outputs are never negative.")
    def my_law(case): ...      # returns if the law holds; raises Violation, Inconclusive or DoesNotApply

The order in which laws are judged is that of what they rest on: a law comes after its foundations, whatever file
enters it and when. Two tiers: a `call` law is cheap and judged on every call of an armed object; an `audit` law is
judged before training and wherever a case is handed to `conformance`; those of a model that a few samples tell, as
`gradient` and `live-units`, after each epoch, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nnlaw.spec.violation import BadInput

PLUGINS = ("layer", "loss", "optimizer", "initializer", "schedule", "batches", "metric", "model")
KINDS = ("call", *PLUGINS, "data", "training")
FAMILIES = ("shape", "domain", "output range", "convergence", "reproducibility")
TIERS = ("call", "audit")

Judge = Callable[[Any], None]


@dataclass(frozen=True)
class Law:
    """One law: its key (kind, code), its family and tier, one sentence, what it rests on, and its judge."""

    code: str
    kind: str
    family: str
    tier: str
    statement: str
    rests_on: tuple[str, ...]
    judge: Judge


CATALOGUE: dict[tuple[str, str], Law] = {}


def law(
    code: str, *, kind: str, family: str, statement: str, tier: str = "audit", rests_on: tuple[str, ...] = ()
) -> Callable[[Judge], Judge]:
    """Enter the decorated judge into the catalogue.

    Raises BadInput where kind, family or tier is unknown, or the key is taken.
    """
    for word, known, what in ((kind, KINDS, "kind"), (family, FAMILIES, "family"), (tier, TIERS, "tier")):
        if word not in known:
            raise BadInput(f"law {code}: {what} {word!r} is not one of {', '.join(known)}")
    if (kind, code) in CATALOGUE:
        raise BadInput(f"law {code} of kind {kind} is already in the catalogue")

    def enter(judge: Judge) -> Judge:
        CATALOGUE[kind, code] = Law(code, kind, family, tier, statement, rests_on, judge)
        return judge

    return enter


def laws_of(*kinds: str) -> Iterator[Law]:
    """The laws of these kinds in the order in which they are judged: each after those it rests on, else as entered.

    Raises BadInput where a law rests on one that neither its kind nor the calls have, or, along some way, on itself.
    """
    return (row for row in _judged_order(tuple(CATALOGUE.values())) if row.kind in kinds)


def code_of(judge: Judge) -> str:
    """The code under which a judge stands in the catalogue; its own name where it does not."""
    codes = (row.code for row in CATALOGUE.values() if row.judge == judge)
    return next(codes, getattr(judge, "__name__", "law"))


@lru_cache(maxsize=1)
def _judged_order(rows: tuple[Law, ...]) -> tuple[Law, ...]:
    """The rows, each put behind those it rests on; computed once for a catalogue."""
    known = {(row.kind, row.code): row for row in rows}
    order: dict[Law, None] = {}

    def put(row: Law, above: tuple[str, ...]) -> None:
        if row in order:
            return
        if row.code in above:
            raise BadInput(f"law {row.code} of kind {row.kind} rests on itself: {' → '.join((*above, row.code))}")
        for code in row.rests_on:
            if (row.kind, code) in known:
                put(known[row.kind, code], (*above, row.code))
            elif ("call", code) not in known:  # the calls are judged before all else
                raise BadInput(f"law {row.code} of kind {row.kind} rests on {code!r}, which is no law of its kind")
        order[row] = None

    for row in rows:
        put(row, ())
    return tuple(order)
