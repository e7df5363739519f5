import numpy as np

from nn import optimizer


@optimizer("ada_delta_3")
class AdaDelta:
    """Zeiler 2012: steps are scaled by the ratio of the averages of past steps and gradients."""

    def __init__(self, rho: float = 0.95, eps: float = 1e-6):
        self.rho, self.eps = rho, eps
        self.state = {}

    def step(self, w, g, lr):
        s = self.state
        if not s:
            s["Eg"] = np.zeros_like(w)
            s["Ex"] = np.zeros_like(w)
        s["Eg"] = self.rho * s["Eg"] + (1 - self.rho) * g**2
        dx = -np.sqrt(s["Ex"] + self.eps) / np.sqrt(s["Eg"] + self.eps) * g
        s["Ex"] = self.rho * s["Ex"] + (1 - self.rho) * g**2
        w += lr * dx
