import numpy as np
from npdl.activations import Sigmoid
from npdl.objectives import BCE

z, t = np.array([[40.0]]), np.array([[1.0]])
print("loss of a right answer with logit 40:", BCE(epsilon=1e-11).forward(Sigmoid().forward(z), t))
print("expected:", (np.logaddexp(0, z) - z * t).item())
