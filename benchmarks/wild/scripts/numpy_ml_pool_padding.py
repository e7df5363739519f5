import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import Pool2D

layer, x = Pool2D((2, 2), stride=2, pad=1), np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
print("y:", layer.forward(x).ravel(), "each window holds one number of x, so dx = dy is expected")
try:
    print("dx:", layer.backward(np.arange(1.0, 5.0).reshape(1, 2, 2, 1)).ravel())
except ValueError as error:
    print("backward: ValueError:", error)
