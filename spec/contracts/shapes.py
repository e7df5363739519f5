"""Shape contracts: one line that gives the shapes of the inputs and outputs of a call.

    "N n_in -> N n_out"      a matrix in, a matrix out, of the same batch size
    "N ... -> N n_out"       any number of further axes in, a matrix out
    "N C, N -> "             two arrays in, a number out

A name that is an integer attribute of the owner means that number. Any other name, and always the name of the batch,
gets its value at its first use in a call and must have the same value everywhere else. `...` means the same axes on
both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from nnlaw.spec.contracts.attributed import Attributed
from nnlaw.spec.violation import BadInput

_DIM = re.compile(r"[A-Za-z_]\w*|\d+|\.\.\.")

Side = tuple[str, ...]
Dims = dict[str, Any]


class Mismatch(Exception):
    """A shape that does not fit its side of the contract; the text is the expected shape."""


@dataclass(frozen=True)
class Contract:
    """A parsed shape contract. `inputs` and `outputs` hold one side per array, `text` the line as written."""

    text: str
    inputs: tuple[Side, ...]
    outputs: tuple[Side, ...]

    @property
    def reversed(self) -> Contract:
        """The contract of the backward pass: the arrow reversed."""
        return Contract(self.text, self.outputs, self.inputs)


def parse(text: str) -> Contract:
    """Read a contract such as "N n_in -> N n_out".

    Raises BadInput if there is not exactly one arrow, or if a word is not a dimension.
    """
    sides = text.split("->")
    if len(sides) != 2:
        raise BadInput(f'contract "{text}": expected exactly one "->", found {len(sides) - 1}')
    return Contract(text, _arrays(sides[0], text), _arrays(sides[1], text))


def _arrays(side: str, text: str) -> tuple[Side, ...]:
    return tuple(_dims(array, text) for array in side.split(",")) if side.strip() else ()


def _dims(array: str, text: str) -> Side:
    words = tuple(array.split())
    for word in words:
        if not _DIM.fullmatch(word):
            raise BadInput(f'contract "{text}": "{word}" is not a dimension; expected a name, a number or "..."')
    if words.count("...") > 1:
        raise BadInput(f'contract "{text}": "..." occurs twice in "{array.strip()}"')
    return words


def resolve(contract: Contract, owner: object) -> Dims:
    """The dimensions that are integer attributes of `owner`, by name, except for the batch, which each call sets.

    The batch is the name that comes first in every array of the contract, else N: a layer may keep `self.N = len(x)`.
    """
    sides = contract.inputs + contract.outputs
    first = {side[0] for side in sides if side}
    words = {name for side in sides for name in side} - (first if len(first) == 1 else {"N"})
    names = [name for name in words if name.isidentifier()]
    if isinstance(owner, Attributed):
        found = owner.attributes_named(names) if names else {}
    else:
        found = {name: getattr(owner, name, None) for name in names}
    whole = {name: size for name, size in found.items() if isinstance(size, Integral)}
    return {name: int(size) for name, size in whole.items() if not isinstance(size, bool)}


def bind(side: Side, shape: Sequence[int], dims: Dims) -> Dims:
    """Fit `shape` to `side` and return `dims` with the newly bound names.

    Raises Mismatch with the expected shape, with known dims filled in.
    """
    bound = dict(dims)
    expected = expected_shape(side, bound)
    pattern: list[str] = list(side)
    if "..." in pattern:
        at = pattern.index("...")
        rest = len(shape) - (len(pattern) - 1)
        if rest < 0:
            raise Mismatch(expected)
        axes = tuple(shape[at : at + rest])
        if bound.setdefault("...", axes) != axes:
            raise Mismatch(expected)
        pattern[at : at + 1] = [str(size) for size in axes]
    if len(pattern) != len(shape):
        raise Mismatch(expected)
    for name, size in zip(pattern, shape, strict=True):
        if (int(name) if name.isdigit() else bound.setdefault(name, size)) != size:
            raise Mismatch(expected)
    return bound


def expected_shape(side: Side, dims: Dims) -> str:
    """A side as text, with its known names filled in: "(32, n_out=64)"."""
    words: list[str] = []
    for name in side:
        if name == "..." and name in dims:
            words += [str(size) for size in dims[name]]
        elif name in dims:
            words.append(f"{name}={dims[name]}")
        else:
            words.append(name)
    return f"({', '.join(words)})"


def concrete(side: Side, dims: Dims) -> tuple[int, ...] | None:
    """The shape of a side, or None if a name has no value yet."""
    shape: list[int] = []
    for name in side:
        if name.isdigit():
            shape.append(int(name))
        elif name == "..." and name in dims:
            shape += dims[name]
        elif name in dims:
            shape.append(dims[name])
        else:
            return None
    return tuple(shape)
