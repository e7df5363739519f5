import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.activations import SoftPlus

x = np.array([1.0, 100.0, 1000.0])
print("log(1 + exp(x)):", SoftPlus().fn(x), "expected:", np.logaddexp(0, x))
print("its derivative: ", SoftPlus().grad(x), "expected:", 1 / (1 + np.exp(-x)))
