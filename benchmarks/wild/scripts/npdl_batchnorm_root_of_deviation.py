from types import SimpleNamespace

import numpy as np
from npdl.layers import BatchNormal

x = np.random.default_rng(0).normal(0, 4, size=(10000, 1))
layer = BatchNormal()
layer.connect_to(SimpleNamespace(out_shape=(None, 1)))
print(f"deviation of the output {layer.forward(x).std():.4f}, expected 1")
print(f"x.std() ** 0.5 = {x.std() ** 0.5:.4f}: x - mean was divided by the root of the deviation")
