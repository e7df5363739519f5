import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.initializers import WeightInitializer

for alpha in (0.0, 0.5, 1.0):
    found = WeightInitializer(f"Leaky ReLU(alpha={alpha})")._calc_glorot_gain()
    print(f"alpha {alpha}: gain {found:.4f}, expected sqrt(2 / (1 + alpha^2)) = {np.sqrt(2 / (1 + alpha**2)):.4f}")
