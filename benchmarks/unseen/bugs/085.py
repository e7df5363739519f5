import numpy as np

from nn import optimizer


@optimizer("rms_grad_3", like="rmsprop")
class RMSGrad:
    def __init__(self, rho: float = 0.9, eps: float = 1e-8):
        self.rho, self.eps = rho, eps
        self.state = {}

    def step(self, w, g, lr):
        if "sq" not in self.state:
            self.state["sq"] = np.zeros_like(w)
        sq = self.state["sq"]
        sq[:] = self.rho * sq + (1 - self.rho) * np.mean(g**2)
        w -= lr * g / (np.sqrt(sq) + self.eps)
