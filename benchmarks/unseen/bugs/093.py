import numpy as np

from nn import optimizer


@optimizer("ams_grad_1")
class AMSGrad:
    """Adam with the running maximum of v in the denominator (Reddi et al. 2018), no bias correction"""

    def __init__(self, b1: float = 0.9, b2: float = 0.99, eps: float = 1e-8):
        self.b1, self.b2, self.eps = b1, b2, eps
        self.state = {}

    def step(self, w, g, lr):
        if not self.state:
            self.state = {k: np.zeros_like(w) for k in ("m", "v", "vmax")}
        s = self.state
        s["m"] = self.b1 * s["m"] + (1 - self.b1) * g
        s["v"] = self.b2 * s["v"] + (1 - self.b2) * g * g
        s["vmax"] = np.maximum(s["vmax"], s["v"])
        w -= lr * s["m"] / (np.sqrt(s["v"]) + self.eps)
