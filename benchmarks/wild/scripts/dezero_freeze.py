import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, functions, layers, optimizers

layer = layers.Linear(2, in_size=3)
optimizer = optimizers.SGD().setup(layer)
optimizer.add_hook(optimizers.FreezeParam(layer.b))
functions.sum(layer(Variable(np.ones((4, 3), np.float32)))).backward()
try:
    optimizer.update()
except AttributeError as error:
    print("AttributeError:", error)
