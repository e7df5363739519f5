import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets import layers

for name, x in (("SparseEvolution", np.ones((2, 4))), ("RBM", np.ones((2, 4))), ("RNN", np.ones((2, 4, 3))),
                ("LSTM", np.ones((2, 4, 3)))):
    try:
        getattr(layers, name)(3).forward(x)
    except Exception as error:
        print(f"{name}(3).forward(x): {type(error).__name__}: {error}")
