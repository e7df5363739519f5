import numpy as np

from nn import optimizer


@optimizer("heavy_ball_4")
class HeavyBall:
    """v ← μ v + g;  w ← w − lr v"""

    def __init__(self, mu: float = 0.9):
        self.mu = mu
        self.state = {}

    def step(self, w, g, lr):
        if "v" not in self.state:
            self.state["v"] = np.zeros_like(w)
            self.state["lr"] = lr
        v = self.mu * self.state["v"] + g
        self.state["v"] = v
        w -= lr * v
