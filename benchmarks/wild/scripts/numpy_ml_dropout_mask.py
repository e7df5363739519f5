import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import FullyConnected
from numpy_ml.neural_nets.wrappers import Dropout

np.random.seed(0)
layer, x, dy = Dropout(FullyConnected(1), 0.5), np.ones((1, 6)), np.ones((1, 1))
layer.forward(x)
mask, W = layer.derived_variables["wrappers"][0]["dropout_mask"][0], layer.parameters["W"][:, 0]
print("kept inputs:", mask[0].astype(int))
print("dx:      ", layer.backward(dy)[0].round(3))
print("expected:", (2 * W * mask[0]).round(3), "0 where an input was dropped, for it changes nothing")
