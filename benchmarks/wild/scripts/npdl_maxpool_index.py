from types import SimpleNamespace

import numpy as np
from npdl.layers import MaxPooling

layer = MaxPooling((1, 1))
layer.connect_to(SimpleNamespace(out_shape=(None, 1, 3, 1)))
x, dy = np.ones((2, 1, 3, 1)), np.arange(6.0).reshape(2, 1, 3, 1)
layer.forward(x)
print("windows of one number: y = x, so dx = dy is expected:", dy.ravel())
print("dx:", layer.backward(dy).ravel(), "that is dy[a, b, a, w], the sample's number for the row")
