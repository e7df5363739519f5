import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, functions

try:
    functions.sum(functions.sum(Variable(np.ones((2, 3, 4))), axis=(1, 2))).backward()
except TypeError as error:
    print("TypeError:", error)
