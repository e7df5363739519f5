import io

import npdl
import numpy as np

npdl.utils.set_seed(0)
model = npdl.Model([npdl.layers.Softmax(2, 1)])
model.compile(loss=npdl.objectives.SCCE(), optimizer=npdl.optimizers.SGD())
x, y = np.arange(8, dtype=np.float32)[:, None], np.eye(2, dtype=np.float32)[[0, 1] * 4]
model.fit(x, y, max_iter=1, batch_size=4, file=io.StringIO())
print("the caller's x after fit:", x.ravel(), "before:", np.arange(8.0))
