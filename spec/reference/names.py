"""The standard name of a unit: its own name, or the one it declares by `like`.

    standard_name(Layer(), "layer_norm", LAYERS)        "layernorm"
    find_reference(optimizer, "NAG", OPTIMIZERS)        ("nesterov", Optimizer(...))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.subjects.object_subject import subject_of
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
"""Other names for a standard name, both simplified."""


def simplified(name: str) -> str:
    """A name in lower case without separators, so that `LayerNorm`, `layer-norm` and `layer_norm` are equal."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def standard_name(thing: object, name: str, table: Mapping[str, Entry]) -> str:
    """The name in `table` that `thing` declares by `like`, else the one that `name` means; "" if there is no such name.

    Raises BadInput if `like` is not a standard name.
    """
    like = declared_value(thing, "like")
    key = simplified(like or name)
    names = {simplified(known): known for known in table}
    found = names.get(key) or names.get(SYNONYMS.get(key, ""), "")
    if like and not found:
        raise BadInput(f"like = {like!r} is not a standard name; known: {', '.join(sorted(table))}")
    return found


def find_reference(thing: object, name: str, table: Mapping[str, Entry]) -> tuple[str, Entry]:
    """The standard name of `thing` and its row of `table`. Raises NotApplicable if it has no standard name."""
    found = standard_name(thing, name, table)
    if not found:
        raise NotApplicable(f"{name or 'it'} is not a standard name, and like= is not declared")
    return found, table[found]


def numeric_constants(thing: object) -> list[float]:
    """The numbers among the attributes of an instance and its class: slope, rate, ε; without dunder names."""
    values = subject_of(thing).attributes().values()
    numbers = [v for v in values if isinstance(v, int | float | np.number) and not isinstance(v, bool)]
    return list(dict.fromkeys(float(v) for v in numbers))
