import io

import npdl
import numpy as np

model = npdl.Model([npdl.layers.Softmax(3, 4)])
model.compile(loss=npdl.objectives.SCCE(), optimizer=npdl.optimizers.SGD())
try:
    model.fit(np.ones((50, 4)), np.eye(3)[np.arange(50) % 3], max_iter=1, file=io.StringIO())
except Exception as error:
    print("50 samples, batches of 64:", type(error).__name__, error)
