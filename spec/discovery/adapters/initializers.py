"""Initializers: functions of fan_in and fan_out or of a shape, with a standard name."""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import signature_of
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import Function, FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.slots import array_slots
from nnlaw.spec.discovery.source_text import nodes_of, source_text
from nnlaw.spec.reference import INITIALIZERS

INITIALIZER = re.compile(r"(^|_)(he|kaiming|xavier|glorot|lecun|orthogonal)(?=$|_|init|normal|uniform)", re.I)
TRUNCATED = re.compile(r"(^|_)trunc(ated)?_normal")
DEVIATION = re.compile(r"^(std|stddev|sigma|scale|sd)$", re.I)
SHAPE = re.compile(r"^(shape|size|dims?)$", re.I)
FANS = re.compile(
    r"^(fan_?(in|out)|n_?(in|out|x|y|h)|((n|num|nb|number_of)_)?(in|out)(put)?_?\w*|rows|cols)$", re.I
)

SIZES = re.compile(r"^(n_?)?((layers?|net(work)?|nn)_?)?(dims|sizes|shapes?|units|layers|dimensions|neurons)$", re.I)
SIDES = (9, 5)  # sizes of other layers
KERNEL = re.compile(r"^(k|kh|kw|k_?size|kernel\w*|filter_?size|h|w|height|width)$", re.I)


def adapt(scope: Scope) -> Iterator[Found]:
    """The initializers of the module."""
    yield from found_functions(scope, _read)


def _read(name: str, thing: Any) -> FunctionUnit | None:
    """A function of fan_in and fan_out, or of a shape; also a class whose instances are such functions."""
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    if TRUNCATED.search(low) and not inspect.isclass(thing):
        return _truncated(thing)
    match = INITIALIZER.search(low)
    if match is None:
        return None
    if inspect.isclass(thing):
        if required_of(thing) or not hasattr(thing, "__call__") or "__call__" not in vars(thing):  # noqa: B004  # of its class, not of type
            return None
        author: Any = thing()
    else:
        author = thing
    names = [row.name for row in signature_of(author)]
    standard = {"kaiming": "he", "glorot": "xavier"}.get(match[2], match[2])
    standard += "_uniform" if "uniform" in low and standard != "orthogonal" else ""
    by_shape = len(names) == 1 and bool(SHAPE.match(names[0])) and isinstance(author((30, 4)), np.ndarray)
    if len(names) == 1 and SIZES.match(names[0]) and not by_shape:
        return FunctionUnit("initializer", standard, [_of_layers(author)], f"({names[0]}), first and second layer")
    by_channels = len(names) in (3, 4) and all(map(FANS.match, names[:2])) and all(map(KERNEL.match, names[2:]))
    if not by_shape and not by_channels and not (len(names) == 2 and all(FANS.match(one) for one in names)):
        return None
    if by_channels:
        readings = [[each] for each in _of_channels(author, names)]
        return FunctionUnit("initializer", standard, readings, f"({', '.join(names)})") if readings else None

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        found = np.asarray(author(shape) if by_shape else author(fan_in, fan_out))
        return found.T if found.shape == shape[::-1] and not by_shape else found

    def of_columns(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        return np.asarray(author(shape[::-1])).T

    for function in (initialize, of_columns):
        point_to(function, author)
    if initialize(np.random.default_rng(0), (30, 4), 30, 4).shape != (30, 4):
        return None
    matrices = [[initialize], *([[of_columns]] if by_shape else [])]
    kernels = _of_shapes(author) if by_shape and standard != "orthogonal" and _takes_kernels(author, name) else []
    if not kernels:
        return FunctionUnit("initializer", standard, matrices, f"({', '.join(names)})")
    readings = [[*matrix, kernel] for matrix in matrices for kernel in kernels]
    readings.sort(key=lambda reading: sum(_distance(each, standard) for each in reading))
    return FunctionUnit("initializer", standard, readings, f"({names[0]}), with two sizes and with four")


def _of_layers(author: Any) -> list[Function]:
    """The weights of the first layer and of a hidden one, of a function of the sizes of a network."""

    def layer(rng: np.random.Generator, sizes: tuple[int, ...], at: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        shape = sizes[at : at + 2]
        found = [array for _, array in array_slots(author([*sizes])) if array.shape in (shape, shape[::-1])]
        found.sort(key=lambda array: not array.any())  # biases may be of such a shape, too
        return found[0] if found[0].shape == shape else found[0].T

    def first(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        return layer(rng, (fan_in, fan_out, *SIDES), 0)

    def hidden(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        return layer(rng, (SIDES[0], fan_in, fan_out, SIDES[1]), 1)

    for function in (first, hidden):
        point_to(function, author)
        function(np.random.default_rng(0), (30, 4), 30, 4)
    return [first, hidden]


def _distance(function: Function, standard: str) -> float:
    """How far the variances of a wide and a tall matrix are from accepted ones, as a logarithm."""
    accepted = INITIALIZERS[standard].variances if standard in INITIALIZERS else ()
    shapes = ((300, 40), (40, 300))
    found = [max(float(np.var(function(np.random.default_rng(0), each, *each))), 1e-30) for each in shapes]
    return min(
        (sum(abs(math.log(v / of(*each))) for v, each in zip(found, shapes, strict=True)) for of in accepted),
        default=0.0,
    )


def _takes_kernels(author: Any, name: str) -> bool:
    """Whether it is meant for convolutions, too: its file calls it with four sizes, or its source has to do with them.

    The source includes that of the functions of the file which it calls.
    """
    function = author if inspect.isroutine(author) else type(author).__call__
    used = [function.__globals__.get(each) for each in function.__code__.co_names]
    texts = [source_text(each) for each in (function, *filter(inspect.isfunction, used))]
    nodes = nodes_of(inspect.getmodule(function))
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == name]
    sizes = [len(row.elts) for call in calls for row in call.args if isinstance(row, ast.Tuple | ast.List)]
    return 4 in sizes or any(OF_KERNELS.search(text) for text in texts)


OF_KERNELS = re.compile(
    r"\bconv|kernel|receptive|len\((shape|size)\) *(==|>|>=) *[234]|(shape|size)\[([12]:|:-2)\]", re.I
)
LARGEST = (5, 2)
"""The kernel, unless the sizes of the matrix are not multiples of its size."""


def _of_kernels(author: Any, draw: Callable[[int, int, tuple[int, int]], Array], *, last: bool) -> Function:
    """A matrix of kernels that `draw` makes for (inputs, outputs, kernel size), of several calls side by side.

    With `last` the kernels are (height, width, inputs, outputs), else (outputs, inputs, height, width).
    """

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        size = LARGEST[0] * LARGEST[1]
        kernel = LARGEST if fan_in % size == fan_out % size == 0 else (1, 1)
        size = kernel[0] * kernel[1]
        n_in, n_out = fan_in // size, fan_out // size
        parts = [np.asarray(draw(n_in, n_out, kernel)) for _ in range(size)]
        rows = [part.reshape(fan_in, n_out) if last else part.reshape(n_out, fan_in).T for part in parts]
        return np.concatenate(rows, axis=1)

    point_to(initialize, author)
    vars(initialize)["kernel"] = LARGEST  # which messages and causes read
    return initialize


def _of_shapes(author: Any) -> list[Function]:
    """Readings of a function of a shape, outputs first or last; empty if it takes no four sizes or has a fixed seed."""
    found = []
    with contextlib.suppress(Exception):
        one, two = (np.asarray(author((2, 3, *LARGEST))) for _ in range(2))
        if one.shape == (2, 3, *LARGEST) and not np.array_equal(one, two):
            found = [
                _of_kernels(author, lambda i, o, kernel: np.asarray(author((o, i, *kernel))), last=False),
                _of_kernels(author, lambda i, o, kernel: np.asarray(author((*kernel, i, o))), last=True),
            ]
    return found


def _of_channels(author: Any, names: list[str]) -> list[Function]:
    """The reading of a function of the numbers of inputs and outputs and of a kernel size, by the shape it returns."""
    outputs_first = bool(re.match(r"(n_?)?(out|f)", names[0], re.I))

    def draw(n_in: int, n_out: int, kernel: tuple[int, int]) -> Array:
        sizes = (n_out, n_in) if outputs_first else (n_in, n_out)
        return np.asarray(author(*sizes, *(kernel if len(names) == 4 else (kernel,))))

    with contextlib.suppress(Exception):
        one, two = draw(3, 2, LARGEST), draw(3, 2, LARGEST)
        if one.shape in ((2, 3, *LARGEST), (*LARGEST, 3, 2)) and not np.array_equal(one, two):
            return [_of_kernels(author, draw, last=one.shape[0] != 2)]
    return []


def _truncated(author: Any) -> FunctionUnit | None:
    """A function of a shape and a standard deviation, which is 1 in the check."""
    rows = list(inspect.signature(author).parameters.values())
    deviation = next((row.name for row in rows if DEVIATION.match(row.name)), "")
    needed = [row.name for row in rows if row.default is row.empty and row.name != deviation]
    if not deviation or len(needed) != 1 or not SHAPE.match(needed[0]):
        return None

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        return np.asarray(author(**{needed[0]: shape, deviation: 1.0}))

    point_to(initialize, author)
    return FunctionUnit("initializer", "truncated_normal", [[initialize]], f"({needed[0]}, {deviation}=1.0)")
