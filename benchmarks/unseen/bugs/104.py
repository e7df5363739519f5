import numpy as np

from nn import schedule


@schedule("warm_cosine_2")
def warm_cosine(t, *, warmup: float = 0.2):
    """Rises linearly from 0 to 1 until t = warmup, then falls as half a cosine to 0 at t = 1"""
    if t < warmup:
        return t / warmup
    progress = (t - warmup)
    return 0.5 * (1 + np.cos(np.pi * progress))
