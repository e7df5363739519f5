import numpy as np

from nn import initializer


@initializer("kaiming_normal_2", variance=lambda fan_in, fan_out: 2 / fan_in)
def kaiming_normal(rng, shape, fan_in, fan_out):
    """He et al. 2015, for relu"""
    std = np.sqrt(2.0 / fan_out)
    return rng.standard_normal(shape) * std
