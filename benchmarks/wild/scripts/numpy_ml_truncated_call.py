import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.initializers import WeightInitializer

try:
    WeightInitializer("ReLU", mode="trunc_normal")((3, 2))
except TypeError as error:
    print("TypeError:", error)
