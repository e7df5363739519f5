import numpy as np

from nn import initializer


@initializer("ortho_init_2", variance=lambda fan_in, fan_out: 1 / max(fan_in, fan_out))
def ortho_init(rng, shape, fan_in, fan_out):
    """Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014)"""
    rows, cols = shape[0], int(np.prod(shape[1:]))
    a = rng.standard_normal((max(rows, cols), min(rows, cols)))
    q, r = np.linalg.qr(a)
    q = q * np.sign(np.diag(r))
    return (q if rows >= cols else q.T).reshape(shape)
