import numpy as np

from nn import optimizer


@optimizer("adamw_mine_2", like="adamw")
class AdamWMine:
    def __init__(self, weight_decay: float = 0.01):
        self.weight_decay = weight_decay
        self.state = {"t": 0}

    def step(self, w, g, lr):
        s = self.state
        if s["t"] == 0:
            s["m"], s["v"] = np.zeros_like(w), np.zeros_like(w)
        s["t"] += 1
        decay = self.weight_decay * getattr(self, "decays", 1) * w
        g = g + decay
        s["m"] = 0.9 * s["m"] + 0.1 * g
        s["v"] = 0.999 * s["v"] + 0.001 * g * g
        m = s["m"] / (1 - 0.9 ** s["t"])
        v = s["v"] / (1 - 0.999 ** s["t"])
        w -= lr * m / (np.sqrt(v) + 1e-8)
