import numpy as np

from nn import optimizer


@optimizer("nag_1", like="nesterov")
class NAG:
    """v ← μ v − lr g;  w ← w + μ v − lr g"""

    def __init__(self, mu: float = 0.9):
        self.mu = mu
        self.state = {}

    def step(self, w, g, lr):
        if "v" not in self.state:
            self.state["v"] = np.zeros_like(w)
        v = self.mu * self.state["v"] - lr * g
        self.state["v"] = v
        w += self.mu * v - lr * g
