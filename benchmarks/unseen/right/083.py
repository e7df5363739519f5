import numpy as np

from nn import optimizer


@optimizer("momentum_sgd_2", like="momentum")
class MomentumSGD:
    def __init__(self, momentum: float = 0.9):
        self.momentum = momentum
        self.state = {}

    def step(self, w, g, lr):
        v = self.state.setdefault("v", np.zeros_like(w))
        v = self.momentum * v - lr * g
        self.state["v"] = v
        w += v
