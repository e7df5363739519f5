import numpy as np

from nn import optimizer


@optimizer("lion_np_2")
class Lion:
    """w ← w − lr sign(β1 m + (1 − β1) g), then m ← β2 m + (1 − β2) g (Chen et al. 2023)"""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.99):
        self.beta1, self.beta2 = beta1, beta2
        self.state = {}

    def step(self, w, g, lr):
        m = self.state.get("m", np.zeros_like(w))
        update = np.sign(self.beta1 * m + (1 - self.beta1) * g)
        self.state["m"] = self.beta2 * m + (1 - self.beta2) * g
        w -= lr * update
