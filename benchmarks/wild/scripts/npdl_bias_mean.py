import numpy as np
from npdl.layers import Linear

rng, x = np.random.default_rng(0), np.random.default_rng(1).normal(size=(8, 3))
layer, dy = Linear(2, 3), rng.normal(size=(8, 2))
layer.connect_to()
layer.W, layer.b = rng.normal(size=(3, 2)), np.zeros(2)
layer.forward(x)
layer.backward(dy)
up, down = (float((dy * (x @ layer.W + [h, 0])).sum()) for h in (1e-6, -1e-6))
print(f"db[0] = {layer.db[0]:.5f}, slope of sum(dy*y): {(up - down) / 2e-6:.5f}, 8 times as much")
up, down = (float((dy * (x @ (layer.W + h * np.eye(3, 2)[:, :1] * [1, 0]))).sum()) for h in (1e-6, -1e-6))
print(f"dW[0, 0] = {layer.dW[0, 0]:.5f}, slope: {(up - down) / 2e-6:.5f}, the same")
