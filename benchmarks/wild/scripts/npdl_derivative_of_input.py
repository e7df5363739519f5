import numpy as np
from npdl.activations import ReLU, Tanh

for activation in (Tanh(), ReLU()):
    try:
        activation.derivative(np.array([[0.5, -0.5]]))
    except ValueError as error:
        print(activation, "ValueError:", error)
