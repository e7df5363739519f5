import numpy as np
from npdl.layers import Dropout

np.random.seed(0)
layer, x, dy = Dropout(0.5), np.ones((1, 6)), np.ones((1, 6))
layer.forward(x, train=True)
layer.forward(x, train=False)
print("dx after an inference:", layer.backward(dy), "expected:", 0.5 * dy)
try:
    layer = Dropout(0.5)
    layer.forward(x, train=False)
    layer.backward(dy)
except TypeError as error:
    print("without a training pass before: TypeError:", error)
