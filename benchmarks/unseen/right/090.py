import numpy as np

from nn import optimizer


@optimizer("vanilla_gd_1", like="sgd")
class VanillaGD:
    """w = w - learning_rate * gradient"""

    def __init__(self):
        self.state = {}

    def step(self, w, g, lr):
        w -= lr * g
