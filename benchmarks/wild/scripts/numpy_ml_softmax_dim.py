import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import Softmax

rng, layer = np.random.default_rng(0), Softmax(dim=1)
x, dy, step = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4)), np.zeros((2, 3, 4))
y = layer.forward(x)
dx, step[0, 0, 0] = layer.backward(dy), 1e-6
up, down = (float((dy * layer.forward(x + s * step, retain_derived=False)).sum()) for s in (1, -1))
print(f"y sums to 1 over dim 1: {np.allclose(y.sum(axis=1), 1)}")
print(f"dx[0, 0, 0] = {dx[0, 0, 0]:.5f}, slope of sum(dy*y): {(up - down) / 2e-6:.5f}")
