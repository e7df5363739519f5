from types import SimpleNamespace

import numpy as np
from npdl.layers import MaxPooling, MeanPooling

x = np.arange(16.0).reshape(1, 1, 4, 4)
tiles = x.reshape(1, 1, 2, 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
for kind, right in ((MeanPooling, tiles.mean(axis=(4, 5))), (MaxPooling, tiles.max(axis=(4, 5)))):
    layer = kind((2, 2))
    layer.connect_to(SimpleNamespace(out_shape=(None, 1, 4, 4)))
    print(kind.__name__, layer.forward(x).tolist(), "expected:", right.tolist())
