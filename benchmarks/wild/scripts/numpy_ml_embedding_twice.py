import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import Embedding

layer, ids = Embedding(1, vocab_size=3, pool="sum"), np.array([[2, 2, 0]])
layer.forward(ids)
layer.backward(np.ones((1, 1, 1)))
print("y = W[2] + W[2] + W[0]; dW:", layer.gradients["W"].ravel(), "expected: [1. 0. 2.]")
