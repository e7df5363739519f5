import npdl
import numpy as np

layer = npdl.layers.SimpleRNN(n_out=2, n_in=3)
layer.connect_to()
layer.forward(np.zeros((5, 4, 3)))
try:
    layer.backward(np.ones((5, 2)))
except ValueError as error:
    print("3 inputs, 2 outputs: ValueError:", error)
