import numpy as np

from nn import schedule


@schedule("staircase_3")
def staircase(t, *, drop: float = 0.5, steps: int = 5):
    """Multiplies the rate by `drop` at each of `steps` equal intervals"""
    k = min(int(t * steps), steps - 1)
    return drop * k
