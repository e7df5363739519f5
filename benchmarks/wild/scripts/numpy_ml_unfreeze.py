import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import FullyConnected
from numpy_ml.neural_nets.wrappers import Dropout

layer = Dropout(FullyConnected(1), 0.5)
layer.freeze()
layer.unfreeze()
print("trainable after unfreeze():", layer.trainable, "expected: True")
