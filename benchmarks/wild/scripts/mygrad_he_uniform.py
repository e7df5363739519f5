import numpy as np
from mygrad.nnet.initializers import he_uniform

np.random.seed(0)
for fan_in in (10, 100, 1000):
    found = np.abs(he_uniform(500, fan_in, gain=np.sqrt(2)).data).max()
    print(f"fan_in {fan_in}: weights up to {found:.4g}, expected sqrt(6 / fan_in) = {np.sqrt(6 / fan_in):.4g}")
