import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import FullyConnected

rng, layer = np.random.default_rng(0), FullyConnected(2, act_fn="tanh")
x, dy, ddx = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
layer.forward(x)
W, found = layer.parameters["W"], layer._bwd2(ddx, x, dy)[1][0, 0]
sides = []
for h in (1e-6, -1e-6):
    layer.parameters["W"] = W + h * np.eye(3, 2) * np.eye(3)[:, :1]
    sides.append(float((ddx * layer._bwd(dy, x)[0]).sum()))
print(f"ddW[0, 0] = {found:.5f}, slope of sum(ddx * dx): {(sides[0] - sides[1]) / 2e-6:.5f}")
