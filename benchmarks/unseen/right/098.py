import numpy as np

from nn import initializer


@initializer("glorot_u_1", variance=lambda fan_in, fan_out: 2 / (fan_in + fan_out))
def glorot_u(rng, shape, fan_in, fan_out):
    """Uniform in ±sqrt(6 / (fan_in + fan_out))"""
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=shape)
