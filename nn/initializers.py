"""Initial weights: (rng, shape, fan_in, fan_out) -> array.

They are random, so that no two units are equal, and scaled, so that signals neither vanish nor explode in deep
networks.
"""

from __future__ import annotations

import numpy as np

from nnlaw.nn.plugins.registry import initializer
from nnlaw.spec.arrays import Array


@initializer("zeros", variance=lambda fan_in, fan_out: 0.0)
def zeros(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """All zeros, to show the effect of symmetry: all units of a layer stay equal."""
    return np.zeros(shape)


@initializer("he", variance=lambda fan_in, fan_out: 2 / fan_in)
def he(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """Gaussian with variance 2/fan_in, for ReLU, which halves the variance.  Source: K. He et al., ICCV 2015."""
    return rng.normal(0, np.sqrt(2 / fan_in), shape)


@initializer("xavier", variance=lambda fan_in, fan_out: 2 / (fan_in + fan_out))
def xavier(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """Gaussian with variance 2/(fan_in + fan_out), for tanh.  Source: X. Glorot, Y. Bengio, AISTATS 2010."""
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


@initializer("lecun", variance=lambda fan_in, fan_out: 1 / fan_in)
def lecun(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """Gaussian with variance 1/fan_in.  Source: Y. LeCun et al., Efficient BackProp (1998)."""
    return rng.normal(0, np.sqrt(1 / fan_in), shape)


@initializer("orthogonal", variance=lambda fan_in, fan_out: 1 / max(fan_in, fan_out))
def orthogonal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """Orthonormal rows or columns, whichever are fewer.  Source: A. M. Saxe et al., ICLR 2014."""
    rows, columns = shape
    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q = q * np.sign(np.diag(r))
    return q if rows >= columns else q.T
