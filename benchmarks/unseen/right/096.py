import numpy as np

from nn import optimizer


@optimizer("rms_prop_np_1")
class RmsProp:
    """s ← ρ s + (1 − ρ) g²;  w ← w − lr g / √(s + ε)"""

    rho, eps = 0.9, 1e-8

    def __init__(self, rho: float = 0.9):
        self.rho = rho
        self.state = {}

    def step(self, w, g, lr):
        s = self.state.get("s")
        if s is None:
            s = np.zeros_like(w)
        s = self.rho * s + (1 - self.rho) * g**2
        self.state["s"] = s
        w -= lr * g / np.sqrt(s + self.eps)
