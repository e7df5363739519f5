import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, functions, layers, test_mode

norm, x = layers.BatchNorm(), Variable(np.ones((4, 3), np.float32))
norm(x)
try:
    with test_mode():
        functions.sum(norm(x)).backward()
except TypeError as error:
    print("TypeError:", error)
