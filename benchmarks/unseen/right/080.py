import numpy as np

from nn import optimizer


@optimizer("adam_np_1", like="adam")
class AdamNp:
    b1, b2 = 0.9, 0.999

    def __init__(self):
        self.state = {"t": 0}

    def step(self, w, g, lr):
        state = self.state
        if state["t"] == 0:
            state["m"] = np.zeros_like(w)
            state["v"] = np.zeros_like(w)
        state["t"] += 1
        state["m"] = self.b1 * state["m"] + (1 - self.b1) * g
        state["v"] = self.b2 * state["v"] + (1 - self.b2) * np.square(g)
        m = state["m"] / (1 - self.b1 ** state["t"])
        v = state["v"] / (1 - self.b2 ** state["t"])
        w -= lr * m / (np.sqrt(v) + 1e-8)
