import npdl
import numpy as np

npdl.utils.set_seed(0)
model = npdl.Model([npdl.layers.Dense(8, 4), npdl.layers.Dropout(0.5), npdl.layers.Softmax(3)])
model.compile(loss=npdl.objectives.SCCE(), optimizer=npdl.optimizers.SGD())
x = np.random.default_rng(0).normal(size=(1, 4))
for _ in range(3):
    print("predict:", model.predict(x).round(4))
