import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import FullyConnected
from numpy_ml.neural_nets.wrappers import Dropout

layer, x = Dropout(FullyConnected(1), 0.5), np.zeros((1, 6))
layer.forward(x)
layer.parameters["b"][...] = 1.0
training = layer.forward(x)
layer.freeze()
frozen = layer.forward(x)
print(f"x = 0 and b = 1: in training y = {training.item():g}, frozen y = {frozen.item():g}, expected: the same")
