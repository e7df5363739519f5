import numpy as np

from nn import optimizer


@optimizer("my_adam_3", like="adam")
class MyAdam:
    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.state = {}

    def step(self, w, g, lr):
        s = self.state
        if not s:
            s["m"], s["v"], s["t"] = np.zeros_like(w), np.zeros_like(w), 0
        s["t"] += 1
        s["m"] = self.beta1 * s["m"] + (1 - self.beta1) * g
        s["v"] = self.beta2 * s["v"] + (1 - self.beta2) * g**2
        m_hat = s["m"] / (1 - self.beta1 ** s["t"])
        v_hat = s["v"] / (1 - self.beta2 ** s["t"])
        w -= lr * m_hat / (np.sqrt(v_hat) + self.eps)
