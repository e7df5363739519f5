import numpy as np

from nn import optimizer


@optimizer("ada_grad_2")
class AdaGrad:
    """w ← w − lr g / (√Σg² + ε), the sum over all steps (Duchi et al. 2011)"""

    def __init__(self, eps: float = 1e-8):
        self.eps = eps
        self.state = {}

    def step(self, w, g, lr):
        self.state["sum"] = g * g
        w -= lr * g / (np.sqrt(self.state["sum"]) + self.eps)
