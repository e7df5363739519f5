import numpy as np

from nn import optimizer


@optimizer("sgd_decay_1")
class SGDDecay:
    """w ← w − lr (g + λ w)"""

    def __init__(self, decay: float = 1e-2):
        self.decay = decay
        self.state = {}

    def step(self, w, g, lr):
        decays = getattr(self, "decays", 1.0)
        w -= lr * (g + self.decay * decays * w)
