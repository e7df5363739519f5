import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import SparseEvolution

layer, x, dy = SparseEvolution(1), np.ones((1, 2)), np.ones((1, 1))
layer.parameters = {"W": np.ones((2, 1)), "b": np.zeros((1, 1)), "W_mask": np.array([[1.0], [0.0]])}
layer.gradients = {"W": np.zeros((2, 1)), "b": np.zeros((1, 1))}
layer.derived_variables, layer.is_initialized = {"Z": []}, True
layer.forward(x)
layer.backward(dy)
print("mask [1 0], dW:", layer.gradients["W"].ravel(), "expected: [1. 0.], for y = x (W * mask)")
