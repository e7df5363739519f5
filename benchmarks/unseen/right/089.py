import numpy as np

from nn import optimizer


@optimizer("torchlike_momentum_1")
class TorchMomentum:
    """buf ← g at the first step, μ buf + g afterwards;  w ← w − lr buf (as in torch.optim.SGD)"""

    def __init__(self, mu: float = 0.9):
        self.mu = mu
        self.state = {}

    def step(self, w, g, lr):
        buf = self.state.get("buf")
        if buf is None:
            buf = g.copy()
        else:
            buf = self.mu * buf + g
        self.state["buf"] = buf
        w -= lr * buf
