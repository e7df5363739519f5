import numpy as np
from npdl.activations import SoftPlus

x, activation = np.array([[1.0, 100.0, 1000.0]]), SoftPlus()
print("log(1 + exp(x)):", activation.forward(x), "expected:", np.logaddexp(0, x))
print("its derivative: ", activation.derivative(), "expected:", 1 / (1 + np.exp(-x)))
