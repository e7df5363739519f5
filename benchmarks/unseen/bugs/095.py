import numpy as np

from nn import optimizer


@optimizer("adam_impl_5", like="adam")
class AdamImpl:
    def __init__(self, beta1: float = 0.9, beta2: float = 0.999):
        self.betas = beta1, beta2
        self.state = {}
        self.t = 0

    def step(self, w, g, lr):
        b1, b2 = self.betas
        m = self.state.get("m", np.zeros_like(w))
        v = self.state.get("v", np.zeros_like(w))
        self.t += 1
        t = self.t
        self.state["m"] = m = b1 * m + (1 - b1) * g
        self.state["v"] = v = b2 * v + (1 - b2) * g * g
        w -= lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + 1e-8)
