import numpy as np

from nn import optimizer


@optimizer("ada_max_2")
class AdaMax:
    """u ← max(β2 u, |g|);  w ← w − lr / (1 − β1^t) · m / (u + ε)   (Kingma & Ba 2015, section 7)"""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999):
        self.beta1, self.beta2 = beta1, beta2
        self.state = {"t": 0}

    def step(self, w, g, lr):
        s = self.state
        if s["t"] == 0:
            s["m"], s["u"] = np.zeros_like(w), np.zeros_like(w)
        s["t"] += 1
        s["m"] = self.beta1 * s["m"] + (1 - self.beta1) * g
        s["u"] = np.maximum(self.beta2 * s["u"], np.abs(g))
        w -= lr / (1 - self.beta1 ** s["t"]) * s["m"] / (s["u"] + 1e-8)
