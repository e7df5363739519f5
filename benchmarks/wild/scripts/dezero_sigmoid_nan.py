import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import functions

for dtype in (np.float32, np.float64):
    for z in (10.0, 20.0, 40.0):
        x, t = np.array([[z]], dtype), np.array([[1.0]], dtype)
        found, right = functions.sigmoid_cross_entropy(x, t).data, np.logaddexp(0, -z)
        print(f"{np.dtype(dtype).name}: a right answer with logit {z:g} costs {found:.4g}, expected {right:.4g}")
