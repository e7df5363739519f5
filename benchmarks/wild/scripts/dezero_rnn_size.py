import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, layers

for how in ({}, {"in_size": 3}):
    rnn, x = layers.RNN(2, **how), Variable(np.ones((5, 3), np.float32))
    try:
        print(how, "two steps of shape", [rnn(x).shape for _ in range(2)])
    except ValueError as error:
        print(how, "ValueError:", error)
