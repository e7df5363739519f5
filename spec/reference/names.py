"""Which standard name a plugin bears or claims, and which numbers it keeps on itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.violation import BadInput, NotApplicable

Entry = TypeVar("Entry")

SYNONYMS = {
    "batchnorm1d": "batchnorm", "batchnormalization": "batchnorm", "bn": "batchnorm", "bce": "binarycrossentropy",
    "cosineannealing": "cosine", "cosinedecay": "cosine", "logloss": "crossentropy", "nll": "crossentropy",
    "affine": "dense", "fullyconnected": "dense", "linear": "dense", "errorrate": "error",
    "exponentialdecay": "exponential", "f1score": "f1", "macrof1": "f1", "henormal": "he", "kaiming": "he",
    "kaimingnormal": "he", "kaiminguniform": "heuniform", "layernormalization": "layernorm",
    "lecunnormal": "lecun", "lineardecay": "linear", "l1": "mae", "meanabsoluteerror": "mae", "heavyball": "momentum",
    "sgdmomentum": "momentum", "meansquarederror": "mse", "nag": "nesterov", "negativeloglikelihood": "nll",
    "crossentropywithlogits": "softmaxcrossentropy", "stepdecay": "step", "silu": "swish",
    "glorot": "xavier", "glorotnormal": "xavier", "xaviernormal": "xavier", "glorotuniform": "xavieruniform",
    "zero": "zeros",
}  # fmt: skip
"""Other words for a standard name, all written together in lower case."""


def squashed(name: str) -> str:
    """`LayerNorm`, `layer-norm` and `layer_norm` are one name."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def standard(thing: object, name: str, table: Mapping[str, Entry]) -> str:
    """The name in `table` that `thing` claims by `like`, or is registered under; "" where that is no standard one.

    Raises BadInput where what is claimed is unknown.
    """
    like = claim(thing, "like")
    wanted = squashed(like or name)
    names = {squashed(known): known for known in table}
    found = names.get(wanted) or names.get(SYNONYMS.get(wanted, ""), "")
    if like and not found:
        raise BadInput(f"like = {like!r} is not a standard name; known: {', '.join(sorted(table))}")
    return found


def textbook(thing: object, name: str, table: Mapping[str, Entry]) -> tuple[str, Entry]:
    """The row of `table` under the standard name of `thing`. Raises DoesNotApply where it has none."""
    found = standard(thing, name, table)
    if not found:
        raise NotApplicable(f"{name or 'it'} is not a standard name, and nothing is claimed by like=")
    return found, table[found]


def constants(thing: object) -> list[float]:
    """The numbers that an instance or its class keeps: slope, rate, ε; not those of Python, as `__firstlineno__`."""
    kept: dict[str, Any] = {}
    for owner in (*reversed(type(thing).__mro__), thing):
        kept |= getattr(owner, "__dict__", {})
    own = [value for name, value in kept.items() if not name.startswith("__")]
    numbers = [v for v in own if isinstance(v, int | float | np.number) and not isinstance(v, bool)]
    return list(dict.fromkeys(float(v) for v in numbers))
