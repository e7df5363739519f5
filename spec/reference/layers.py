"""Reference layers, by standard name: activations and layers with weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.reference.activations import ACTIVATIONS, map_of
from nnlaw.spec.reference.attention import ATTENTION
from nnlaw.spec.reference.convolution import CONVOLUTIONS
from nnlaw.spec.reference.definition import Arrays, Definition, Given
from nnlaw.spec.reference.normalization import NORMALIZATIONS
from nnlaw.spec.reference.pooling import POOLINGS
from nnlaw.spec.reference.recurrent import RECURRENT


def _affine(given: Given) -> Iterator[Arrays]:
    """x W + b with the only matrix, or its transpose, and the only vector; x itself if there are no parameters."""
    matrices = [p for p in given.params.values() if p.ndim == 2 and min(p.shape) > 1] or [
        p for p in given.params.values() if p.ndim == 2
    ]
    vectors = [p for p in given.params.values() if not any(p is m for m in matrices)]
    if not given.params:
        yield given.points
    elif len(matrices) == 1 and len(vectors) <= 1:
        b = vectors[0].reshape(-1) if vectors else 0.0
        for w in (matrices[0], matrices[0].T):
            if given.points[0].shape[-1] == w.shape[0] and np.size(b) in (1, w.shape[1]):
                yield [x @ w + b for x in given.points]


def _embedding(given: Given) -> Iterator[Arrays]:
    """The rows, or columns, of the only matrix; the sum or mean of those of a sample; also times √d."""
    tables = [w for w in given.params.values() if w.ndim == 2]
    if len(tables) != 1 or len(given.params) != 1 or any((x < 0).any() or (x % 1).any() for x in given.points):
        return
    for table in (tables[0], tables[0].T):
        if all(x.max() < len(table) for x in given.points):
            rows = [table[x.astype(int)] for x in given.points]
            yield rows
            yield [np.sqrt(table.shape[1]) * row for row in rows]
            if rows[0].ndim == 3:
                yield [row.sum(axis=1) for row in rows]
                yield [row.mean(axis=1) for row in rows]


LAYERS: dict[str, Definition] = {
    **ACTIVATIONS,
    "dense": Definition(
        "D. E. Rumelhart et al., Nature 323 (1986): W or its transpose",
        (_affine,),
    ),
    "flatten": Definition("the numbers of a sample in C order", (map_of(lambda x: x.reshape(len(x), -1)),)),
    "dropout": Definition(
        "N. Srivastava et al., JMLR 15 (2014), section 4: in evaluation x, or x times the share that was kept; in "
        "training plain or inverted",
        (map_of(lambda x: x), map_of(lambda x, a: x * a, "keep"), map_of(lambda x, a: x * (1 - a), "drop")),
    ),
    "embedding": Definition(
        "Y. Bengio et al., JMLR 3 (2003), section 2: rows or columns of a table, also summed, averaged or times √d",
        (_embedding,),
    ),
    **NORMALIZATIONS,
    **CONVOLUTIONS,
    **POOLINGS,
    **RECURRENT,
    **ATTENTION,
}
"""By standard name."""
