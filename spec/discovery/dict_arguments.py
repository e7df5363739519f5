"""Arrays for functions that take their weights in a dict, such as rnn_cell_forward(xt, a_prev, parameters).

    for arguments, shapes in dict_arguments(forward, x, rest): ...      {"a_prev": (6, 5), "parameters": {"Wax": ...}}

The keys are those that the source reads. Their shapes are found by trying, the most likely for their names first.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from nnlaw.spec.discovery.argument_shapes import BATCHES
from nnlaw.spec.discovery.argument_uses import uses_of
from nnlaw.spec.discovery.calls import N_HIDDEN, N_IN, N_OUT
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout

STATE = re.compile(
    r"^((prev|previous|last|old)_?)?(h|c|s|a|state|hidden|cell)(_?(t_?)?(prev|previous|last|old|0|t?m1))?$", re.I
)  # fmt: skip
WEIGHT = re.compile(r"^(w|u|v|r|k)\w{0,4}$|^(weights?|kernel)\w*$", re.I)
BIAS = re.compile(r"^b\w{0,4}$|^bias\w*$", re.I)
OF_OUTPUT = re.compile(r"^(v|(w|b)_?(y|out|hy|ya|ay|ho)\w*|(w|b)_?o)$", re.I)
GATE = re.compile(r"^(w|b|u)_?[fio]$", re.I)
OF_STATE = re.compile(r"^(u\w*|r\w*|w_?(hh|aa|ss|h[a-wz]?|a[a-wz]?|rec)|w[a-z]h)$", re.I)
GATES = (1, 4, 3)
SEQUENCE = (3, N_IN)
VIEWS: tuple[tuple[str, tuple[int, ...], bool], ...] = (
    ("rows", (N_IN,), False), ("columns", (N_IN,), True), ("features first", SEQUENCE, True),
    ("rows", SEQUENCE, False), ("time first", SEQUENCE, False),
)  # fmt: skip
"""A layout, the shape of a sample, and whether weights are multiplied from the left."""

Arguments = tuple[dict[str, Any], list[tuple[Layout, tuple[tuple[int, ...], ...], int]]]


def dict_arguments(forward: Callable[..., Any], x: str, rest: list[inspect.Parameter]) -> Iterator[Arguments]:
    """Values for the arguments behind x, with the layout and the shape of x; nothing without a dict of weights."""
    keys = {row.name: list(uses_of(forward, row.name).keys) for row in rest if not STATE.match(row.name)}
    of_arrays = [all(WEIGHT.match(key) or BIAS.match(key) for key in own) and bool(own) for own in keys.values()]
    if len(keys) != 1 or not all(of_arrays):
        return
    ((name, own),) = keys.items()
    states = [row.name for row in rest if row.name != name]
    order = [row.name for row in inspect.signature(forward).parameters.values()]
    kinds = {key: _kind(key, own) for key in own}
    for (view, sample, columns), gates in itertools.product(VIEWS, GATES if states else (0,)):
        layout = LAYOUTS[view]
        n = BATCHES[1 + len(sample)]
        given: dict[str, Any] = {x: layout.to_code(_random(x, (n, *sample)))}
        given |= {each: _random(each, (N_HIDDEN, n) if columns else (n, N_HIDDEN)) for each in states}
        choices = {kind: _shapes(kind, set(kinds.values()), columns, gates) for kind in kinds.values()}
        for row in sorted(itertools.product(*(range(len(choice)) for choice in choices.values())), key=sum):
            shapes = {kind: choice[i] for (kind, choice), i in zip(choices.items(), row, strict=True)}
            given[name] = {key: _random(key, shapes[kind]) for key, kind in kinds.items()}
            if _runs(forward, [given[each] for each in order if each in given], layout, (n, *sample[:-1])):
                yield {key: value for key, value in given.items() if key != x}, [(layout, (sample,), 0)]
                break


def _kind(key: str, own: list[str]) -> tuple[str, str]:
    """Whether an array is a weight or a bias, and what it is multiplied with or added to, by its name."""
    array = "bias" if BIAS.match(key) else "weight"
    is_gate = GATE.match(key) and sum(map(bool, map(GATE.match, own))) > 2
    if OF_OUTPUT.match(key) and not is_gate:
        return array, "output"
    of = "" if is_gate else "state" if OF_STATE.match(key) else "input" if "x" in key.lower() else ""
    return array, of


def _shapes(
    kind: tuple[str, str], kinds: set[tuple[str, str]], columns: bool, gates: int
) -> list[tuple[int, ...]]:
    """Shapes of the arrays of one kind, the most likely first; without states there is no hidden size."""
    array, of = kind
    wide = gates * N_HIDDEN
    outputs = (N_OUT,) if gates == 0 else (N_OUT, wide) if of == "output" else (wide, N_OUT)
    if array == "bias":
        return [shape for n in outputs for shape in (((n, 1),) if columns else ((n,), (1, n)))]
    inputs = [N_IN] if gates == 0 else [N_IN, N_HIDDEN, N_HIDDEN + N_IN]
    likely = N_HIDDEN if of in ("state", "output") else N_IN if of or ("weight", "state") in kinds else inputs[-1]
    inputs.sort(key=lambda n: n != likely)
    pairs = sorted(itertools.product(range(len(outputs)), range(len(inputs))), key=sum)
    return [(outputs[i], inputs[k]) if columns else (inputs[k], outputs[i]) for i, k in pairs]


def _runs(forward: Callable[..., Any], values: list[Any], layout: Layout, samples: tuple[int, ...]) -> bool:
    """Whether the code takes these arrays, and its first output has samples, and time, where the input has them."""
    try:
        with np.errstate(all="ignore"):
            found = forward(*values)
    except Exception:
        return False
    y = found[0] if isinstance(found, tuple) else found
    shape = layout.to_rows(y).shape if isinstance(y, np.ndarray) and y.ndim == len(samples) + 1 else ()
    return shape[:-1] == samples and shape[-1] in (N_HIDDEN, N_OUT)


def _random(name: str, shape: tuple[int, ...]) -> Any:
    return _sampled(name, shape).copy()  # the code may change it


@cache
def _sampled(name: str, shape: tuple[int, ...]) -> Any:
    return 0.5 * np.random.default_rng(sum(map(ord, name))).standard_normal(shape)
