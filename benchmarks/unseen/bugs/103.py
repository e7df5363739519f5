import numpy as np

from nn import schedule


@schedule("cos_anneal_1", like="cosine")
def cos_anneal(t):
    """Half a cosine from 1 to 0"""
    return 0.5 * 1 + np.cos(np.pi * t)
