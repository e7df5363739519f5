import numpy as np

from nn import schedule


@schedule("poly_decay_1")
def poly_decay(t, *, power: float = 2.0, end: float = 0.01):
    """end + (1 - end) (1 - t)^power"""
    return end + (1 - end) * (1 - t**power)
