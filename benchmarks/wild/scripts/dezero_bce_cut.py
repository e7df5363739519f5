import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, functions

for p in (0.99, 0.9999, 0.999999):
    x, t = Variable(np.array([[p]])), Variable(np.array([[0.0]]))
    loss = functions.binary_cross_entropy(x, t)
    loss.backward()
    print(f"p = {p} for t = 0: loss {loss.data:.3f}, expected {-np.log(1 - p):.3f}; "
          f"gradient {x.grad.data.item():.5g}, expected {1 / (1 - p):.5g}")
