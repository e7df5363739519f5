import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import FullyConnected
from numpy_ml.neural_nets.wrappers import Dropout

layer, dy = Dropout(FullyConnected(1), 0.5), np.ones((1, 1))
layer.forward(np.ones((1, 6)))
layer.backward(dy)
print("the caller's dy after backward:", dy, "before: [[1.]]")
