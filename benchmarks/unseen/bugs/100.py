import numpy as np

from nn import initializer


@initializer("truncated_he_1", variance=lambda fan_in, fan_out: 2 / fan_in)
def truncated_he(rng, shape, fan_in, fan_out):
    """Normal cut at two deviations, of variance 2 / fan_in all the same (as in Keras)"""
    z = rng.standard_normal(shape)
    far = np.abs(z) > 2
    while far.any():
        z[far] = rng.standard_normal(int(far.sum()))
        far = np.abs(z) > 2
    return z * np.sqrt(2 / fan_in)
