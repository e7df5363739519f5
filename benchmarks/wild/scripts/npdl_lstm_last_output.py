import npdl
import numpy as np

npdl.utils.set_dtype("float64")
npdl.utils.set_seed(0)
layer, rng = npdl.layers.BatchLSTM(n_out=2, n_in=3, return_sequence=False), np.random.default_rng(0)
layer.connect_to()
x, dy, step = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 2)), np.zeros((2, 4, 3))
layer.forward(x)
dx, step[0, 2, 0] = layer.backward(dy), 1e-6
up, down = (float((dy * layer.forward(x + side * step)).sum()) for side in (1, -1))
print(f"dx[0, 2, 0] = {dx[0, 2, 0]:.5f}, slope of sum(dy*y): {(up - down) / 2e-6:.5f}")
