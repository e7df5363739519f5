"""Reference recurrent layers: one step of an RNN, an LSTM or a GRU, or all steps of a sequence.

    RNN     h' = tanh(x Wx + h Wh + b), or with relu
    LSTM    i, f, o = σ(...), g = tanh(...), c' = f·c + i·g, h' = o·tanh(c')
    GRU     r, z = σ(...), n = tanh(x Wn + (r·h) Un + b), h' = (1 − z)·n + z·h, or with z and 1 − z swapped;
            or n = tanh(x Wn + r·(h Un + c) + b)

Each gate is an affine map of x and h. How an instance keeps the weights of the gates is worked out from their shapes:
one matrix per gate or one for all, for x and h apart or together, transposed or not, with up to two biases. The
gates may be in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations, product

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.activations import sigmoid
from nnlaw.spec.reference.definition import Arrays, Definition, Given, Variant

State = tuple[Array, ...]
Gate = tuple[Array, Array, Array, Array]
"""Wx (D, H), Wh (H, H), the bias of the input and that of the state, (H,) each."""
Cell = Callable[[Array, State, list[Gate]], State]
"""The next state from an input (N, D), the state, whose first array is h (N, H), and the gates in a known order."""


def _affine(x: Array, h: Array, gate: Gate) -> Array:
    wx, wh, bx, bh = gate
    found: Array = x @ wx + bx + h @ wh + bh
    return found


def _rnn(f: Callable[[Array], Array]) -> Cell:
    return lambda x, state, gates: (f(_affine(x, state[0], gates[0])),)


def _lstm(x: Array, state: State, gates: list[Gate]) -> State:
    h, c = state
    i, f, o, g = (_affine(x, h, gate) for gate in gates)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def _gru(*, reset_after: bool, keeps_by_z: bool) -> Cell:
    def cell(x: Array, state: State, gates: list[Gate]) -> State:
        h, (wx, wh, bx, bh) = state[0], gates[2]
        r, z = (sigmoid(_affine(x, h, gate)) for gate in gates[:2])
        n = np.tanh(x @ wx + bx + (r * (h @ wh + bh) if reset_after else (r * h) @ wh + bh))
        return ((z * h + (1 - z) * n) if keeps_by_z else ((1 - z) * h + z * n),)

    return cell


def _recurrent(count: int, states: int, *cells: Cell) -> Variant:
    """A cell with `count` gates and `states` arrays as its state, called once or along a sequence."""

    def variant(given: Given) -> Iterator[Arrays]:
        for size in _sizes(given, count):
            for gates in _gates(list(given.params.values()), count, size):
                for cell, order in product(cells, permutations(range(count))):
                    chosen = [gates[i] for i in order]
                    yield from _runs(given, cell, chosen, states)

    return variant


def _sizes(given: Given, count: int) -> list[int]:
    """The possible sizes of h: the axes of weights, or their parts."""
    axes = {n for w in given.params.values() if w.ndim == 2 for n in w.shape}
    return sorted({n // k for n in axes for k in (1, count) if n % k == 0 and n > 1})


def _gates(arrays: Arrays, count: int, size: int) -> Iterator[list[Gate]]:
    """The arrays of an instance as gates, in the order in which it keeps them. Empty if they don't fit."""
    matrices = [w for w in arrays if w.ndim == 2 and min(w.shape) > 1]
    vectors = [b.reshape(-1) for b in arrays if b.ndim < 2 or min(b.shape) == 1]
    for transposed, state_first in product((False, True), (False, True)):
        for parts in _parts([w.T for w in matrices] if transposed else matrices, count, size, state_first):
            biases = [b for vector in vectors for b in np.split(vector, max(len(vector) // size, 1))]
            if any(len(b) != size for b in biases):
                continue
            zero = np.zeros(size)
            if not biases:
                yield [(wx, wh, zero, zero) for wx, wh in parts]
            elif len(biases) == count:
                yield [(wx, wh, b, zero) for (wx, wh), b in zip(parts, biases, strict=True)]
                yield [(wx, wh, zero, b) for (wx, wh), b in zip(parts, biases, strict=True)]
            elif len(biases) == 2 * count:
                for bx, bh in ((biases[:count], biases[count:]), (biases[::2], biases[1::2])):
                    yield [(*w, b, c) for w, b, c in zip(parts, bx, bh, strict=True)]
                    yield [(*w, c, b) for w, b, c in zip(parts, bx, bh, strict=True)]


def _parts(matrices: Arrays, count: int, size: int, state_first: bool) -> Iterator[list[tuple[Array, Array]]]:
    """Wx and Wh of each gate, out of matrices that map rows to rows."""
    blocks = []
    for w in matrices:
        if w.shape[1] not in (size, count * size):
            return
        blocks += np.split(w, w.shape[1] // size, axis=1)
    if len(blocks) == count:  # x and h together
        inputs = blocks[0].shape[0] - size
        if inputs >= 1 and all(len(block) == inputs + size for block in blocks):
            cut = size if state_first else inputs
            pairs = [(block[:cut], block[cut:]) for block in blocks]
            yield [(second, first) if state_first else (first, second) for first, second in pairs]
    elif len(blocks) == 2 * count:
        squares = [w for w in blocks if w.shape[0] == size]
        others = [w for w in blocks if w.shape[0] != size]
        if len(squares) == count:
            yield list(zip(others, squares, strict=True))
        elif len(squares) == 2 * count:
            for first, second in ((squares[:count], squares[count:]), (squares[::2], squares[1::2])):
                yield list(zip(second, first, strict=True) if state_first else zip(first, second, strict=True))


def _runs(given: Given, cell: Cell, gates: list[Gate], states: int) -> Iterator[Arrays]:
    """The outputs for each point: of one step with the states among the inputs, or along a sequence."""
    size = len(gates[0][2])
    inputs = gates[0][0].shape[0]
    with np.errstate(all="ignore"):
        if len(given.inputs) == 1 + states and all(len(shape) == 1 for shape in given.inputs):
            for order in permutations(range(1 + states)):
                if given.inputs[order[0]] == (inputs,) and all(given.inputs[i] == (size,) for i in order[1:]):
                    steps = []
                    for x in given.points:
                        parts = given.split(x)
                        steps.append(cell(parts[order[0]], tuple(parts[i] for i in order[1:]), gates))
                    yield [step[0] for step in steps]
                    for arrangement in permutations(range(states)) if states > 1 else ():
                        yield [np.concatenate([step[i] for i in arrangement], axis=1) for step in steps]
        if len(given.inputs) < 2 and given.points[0].ndim == 3 and given.points[0].shape[2] == inputs:
            sequences = [_along(x, cell, gates, states, size) for x in given.points]
            yield sequences
            yield [h[:, -1] for h in sequences]
        if len(given.inputs) < 2 and given.points[0].ndim == 3 and given.points[0].shape[1] == inputs:
            sequences = [_along(x.swapaxes(1, 2), cell, gates, states, size) for x in given.points]
            yield [h.swapaxes(1, 2) for h in sequences]
            yield [h[:, -1] for h in sequences]
        if len(given.inputs) < 2 and given.points[0].ndim == 2 and given.points[0].shape[1] == inputs:
            zeros = [tuple(np.zeros((len(x), size)) for _ in range(states)) for x in given.points]
            yield [cell(x, zero, gates)[0] for x, zero in zip(given.points, zeros, strict=True)]


def _along(x: Array, cell: Cell, gates: list[Gate], states: int, size: int) -> Array:
    """h at every step of a sequence x (N, T, D), from a state of zeros: (N, T, H)."""
    state: State = tuple(np.zeros((len(x), size)) for _ in range(states))
    found = []
    for t in range(x.shape[1]):
        state = cell(x[:, t], state, gates)
        found.append(state[0])
    return np.stack(found, axis=1)


RECURRENT = {
    "rnn": Definition(
        "J. L. Elman, Cognitive Science 14 (1990): with tanh, relu or the sigmoid, up to two biases",
        (_recurrent(1, 1, _rnn(np.tanh), _rnn(lambda x: np.maximum(x, 0)), _rnn(sigmoid)),),
    ),
    "lstm": Definition(
        "S. Hochreiter, J. Schmidhuber, 1997, with the forget gate of F. A. Gers et al., 2000: gates in any order",
        (_recurrent(4, 2, _lstm),),
    ),
    "gru": Definition(
        "K. Cho et al., EMNLP 2014, eq. 5 to 8: reset before or after the product, z or 1 − z keeps the state",
        (
            _recurrent(
                3, 1,
                *(_gru(reset_after=after, keeps_by_z=keeps) for after in (False, True) for keeps in (True, False)),
            ),
        ),
    ),
}  # fmt: skip
"""By standard name."""
