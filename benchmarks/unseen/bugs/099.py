import numpy as np

from nn import initializer


@initializer("le_cun_3", variance=lambda fan_in, fan_out: 1 / fan_in)
def le_cun(rng, shape, fan_in, fan_out):
    return rng.normal(0.0, 1.0 / fan_in, shape)
