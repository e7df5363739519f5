import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import LSTMCell, RNNCell

for cell in (RNNCell(2), LSTMCell(2)):
    for batch in (1, 2):
        cell.forward(np.ones((5, 3)))
        try:
            cell.backward(np.ones((5, 2)))
            print(type(cell).__name__, "batch", batch, "went well")
        except ValueError as error:
            print(type(cell).__name__, "batch", batch, "ValueError:", error)
        cell.flush_gradients()
