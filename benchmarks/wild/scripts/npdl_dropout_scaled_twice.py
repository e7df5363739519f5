import numpy as np
from npdl.layers import Dropout

np.random.seed(0)
layer, x = Dropout(0.3), np.ones((1000, 1000))
training, inference = (layer.forward(x, train=train).mean() for train in (True, False))
print(f"mean in training {training:.3f}, in inference {inference:.3f}, expected: the same")
