import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, functions

x = Variable(np.ones((1, 1, 4, 6)))
for kernel in ((2, 2), (2, 3)):
    x.cleargrad()
    try:
        functions.sum(functions.average_pooling(x, kernel, kernel)).backward()
        print("kernel", kernel, "the gradient sums to", x.grad.data.sum())
    except IndexError as error:
        print("kernel", kernel, "IndexError:", error)
