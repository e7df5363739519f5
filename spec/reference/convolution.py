"""Reference convolution, of sequences and of images.

    y[n, f, p] = Σ_c Σ_q w[f, c, q] · x[n, c, stride·p + dilation·q] + b[f]

Networks compute this correlation under the name of convolution; with flipped kernels it is the convolution of signal
processing. Both are accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.activations import activated
from nnlaw.spec.reference.definition import Arrays, Definition, Given

Paddings = Sequence[tuple[int, int]]


def correlate(x: Array, w: Array, stride: int, padding: Paddings, dilation: int, groups: int = 1) -> Array:
    """x of shape (N, C, ...) and w of shape (F, C/groups, ...); the output has shape (N, F, ...)."""
    x = np.pad(x, [(0, 0), (0, 0), *padding])
    sizes = [(n - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    y = np.zeros((len(x), len(w), *sizes))
    inputs, filters = w.shape[1], len(w) // groups
    for g in range(groups):
        channels, outputs = slice(g * inputs, (g + 1) * inputs), slice(g * filters, (g + 1) * filters)
        for q in np.ndindex(*w.shape[2:]):
            window = tuple(
                slice(dilation * i, dilation * i + stride * (n - 1) + 1, stride)
                for i, n in zip(q, sizes, strict=True)
            )
            part = x[(slice(None), channels, *window)]
            y[:, outputs] += np.einsum("nc...,fc->nf...", part, w[(outputs, slice(None), *q)])
    return y


def _convolution(given: Given) -> Iterator[Arrays]:
    """With channels first or last, and the axes of the kernels in any order that fits."""
    kernels = [w for w in given.params.values() if w.ndim >= 2 and w.size > 1]
    kernels = [w for w in kernels if w.ndim == max(k.ndim for k in kernels)]
    biases = [b for b in given.params.values() if not any(b is w for w in kernels)]
    if len(kernels) != 1 or len(biases) > 1 or not given.output:
        return
    for points, channels_last in _channels_second(given.points):
        for w in _as_filters(kernels[0], points[0].shape):
            for outputs in _outputs(given, points, w):
                for last in {channels_last, False}:
                    moved = [np.moveaxis(y, 1, -1) for y in outputs] if last else outputs
                    yield from _with_bias(moved, biases, -1 if last else 1)


def _channels_second(points: Arrays) -> Iterator[tuple[Arrays, bool]]:
    """The points as (N, C, ...): as they are, with the last axis as channels, and as one channel."""
    if points[0].ndim in (3, 4):
        yield points, False
        yield [np.moveaxis(x, -1, 1) for x in points], True
    if points[0].ndim in (2, 3):
        yield [x[:, None] for x in points], False
        yield [x[:, None] for x in points], True


def _as_filters(w: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """The kernels as (F, C/groups, ...) for an input (N, C, ...): in any order of axes, flipped or not."""
    channels, axes = shape[1], len(shape) - 2
    for one in (w, *([w[None]] if w.ndim <= axes + 1 else [])):  # the axis of one channel or filter may be missing
        full = one[None] if one.ndim == axes + 1 else one
        if full.ndim != axes + 2:
            continue
        for first, second in permutations(range(full.ndim), 2):
            rest = [i for i in range(full.ndim) if i not in (first, second)]
            found = full.transpose(first, second, *rest)
            fits = channels % found.shape[1] == 0 and len(found) % (channels // found.shape[1]) == 0
            if fits and all(k <= n + 4 for k, n in zip(found.shape[2:], shape[2:], strict=True)):
                yield found
                yield np.flip(found, tuple(range(2, found.ndim)))


def _outputs(given: Given, points: Arrays, w: Array) -> Iterator[Arrays]:
    """The outputs of the right size, for each stride, dilation and padding that gives it."""
    channels = points[0].shape[1]
    strides = [int(s) for s in given.settings.named("stride") if s >= 1] or [1, 2, 3]
    dilations = [int(d) for d in given.settings.named("dilation") if d >= 1] or [1, 2]
    for stride, dilation in product(strides, dilations):
        choices = []
        for n, k in zip(points[0].shape[2:], w.shape[2:], strict=True):
            pads = [(i, j) for i in range(k + 1) for j in (i, i - 1, i + 1) if j >= 0]
            room = [(pad, n + sum(pad) - dilation * (k - 1) - 1) for pad in pads]
            choices.append([(pad, left // stride + 1) for pad, left in room if left >= 0])
        for chosen in product(*choices):
            shape = (len(points[0]), len(w), *(size for _, size in chosen))
            if sorted(shape) == sorted(n for n in given.output) or np.prod(shape) == np.prod(given.output):
                yield [
                    correlate(x, w, stride, [pad for pad, _ in chosen], dilation, channels // w.shape[1])
                    for x in points
                ]


def _with_bias(outputs: Arrays, biases: Arrays, axis: int) -> Iterator[Arrays]:
    """Plus one number per filter, or one per output; without the axis of filters if there is one filter."""
    shape = outputs[0].shape
    for y in (outputs, *([[np.squeeze(y, axis) for y in outputs]] if shape[axis] == 1 else [])):
        if not biases:
            yield y
        elif biases[0].size == shape[axis]:
            along = [1] * outputs[0].ndim
            along[axis] = -1
            b = biases[0].reshape(along)
            yield [a + (b if a.ndim == outputs[0].ndim else b.squeeze(axis)) for a in y]
        elif biases[0].size == np.prod(shape[1:]):
            yield [a + biases[0].reshape(a.shape[1:]) for a in y]


CONVOLUTIONS = {
    "convolution": Definition(
        "V. Dumoulin, F. Visin, A guide to convolution arithmetic, 2016, section 2: any stride, padding, dilation and "
        "groups; correlation or, with flipped kernels, convolution; an activation may follow",
        (activated(_convolution),),
    ),
}
"""By standard name."""
