"""Reference attention: softmax(Q Kᵀ/√d) V, with a causal mask or without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.activations import log_softmax
from nnlaw.spec.reference.definition import Arrays, Definition, Given


def attention(q: Array, k: Array, v: Array, *, causal: bool = False) -> Array:
    """softmax(Q Kᵀ/√d) V over the keys, for q (N, T, d), k (N, S, d) and v (N, S, e)."""
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    found: Array = np.exp(log_softmax(scores)) @ v
    return found


def _of_inputs(given: Given) -> Iterator[Arrays]:
    """Q, K and V as three inputs in any order, for each sample a matrix, or for all samples one."""
    if len(given.inputs) == 3 and not given.params:
        for order in permutations(range(3)):
            for causal in (False, True):
                try:
                    yield [attention(*(given.split(x)[i] for i in order), causal=causal) for x in given.points]
                except ValueError:  # these shapes don't fit in this order
                    continue


def _of_itself(given: Given) -> Iterator[Arrays]:
    """Q, K and V as products of x with three matrices, of one head or several, and a fourth for the output, if any."""
    matrices = [w for w in given.params.values() if w.ndim == 2]
    x = given.points[0]
    fits = len(matrices) == len(given.params) and len(matrices) in (3, 4)
    if len(given.inputs) > 1 or x.ndim not in (2, 3) or not fits:
        return
    for heads, order in product((1, 2, 4), permutations(range(3))):
        for transposed in (False, True):
            weights = [w.T if transposed else w for w in matrices]
            for causal in (False, True):
                try:
                    outputs = [_of_heads([x @ weights[i] for i in order], heads, causal=causal) for x in given.points]
                    yield outputs if len(weights) == 3 else [y @ weights[3] for y in outputs]
                except ValueError:
                    continue


def _of_heads(arrays: list[Array], heads: int, *, causal: bool) -> Array:
    """The attention of each head, which has a block of the columns of q, k and v, side by side."""
    parts = zip(*(np.split(array, heads, axis=-1) for array in arrays), strict=True)
    return np.concatenate([attention(*part, causal=causal) for part in parts], axis=-1)


ATTENTION = {
    "scaled_dot_product_attention": Definition(
        "A. Vaswani et al., NeurIPS 2017, eq. 1: with a causal mask or without, of one head or several",
        (_of_inputs, _of_itself),
    ),
}
"""By standard name."""
