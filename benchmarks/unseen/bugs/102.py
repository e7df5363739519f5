import numpy as np

from nn import initializer


@initializer("scaled_randn_4")
def scaled_randn(rng, shape, fan_in, fan_out):
    """Gaussian weights of variance 1 / fan_in"""
    return rng.random(shape) / np.sqrt(fan_in)
