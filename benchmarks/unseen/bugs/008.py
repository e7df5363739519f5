import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("bilinear_dense_4")
@obeys("N n_in -> N n_out")
class BilinearDense(Layer):
    """y = (x A) ∘ (x B)"""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        std = np.sqrt(1 / shape[0])
        self.params = {
            "A": rng.normal(0, std, (shape[0], self.n_out)),
            "B": rng.normal(0, std, (shape[0], self.n_out)),
        }

    def forward(self, x):
        self.x = x
        self.a = x @ self.params["A"]
        self.b = x @ self.params["B"]
        return self.a * self.b

    def backward(self, dy):
        da = dy * self.b
        db = dy * self.a
        self.grads |= {"A": self.x.T @ db, "B": self.x.T @ da}
        return da @ self.params["A"].T + db @ self.params["B"].T
