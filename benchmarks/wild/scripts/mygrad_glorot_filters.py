import numpy as np
from mygrad.nnet.initializers import glorot_normal, glorot_uniform

np.random.seed(0)
right = np.sqrt(2 / ((32 + 64) * 3 * 3))
for draw in (glorot_normal, glorot_uniform):
    print(f"{draw.__name__}(64, 32, 3, 3): deviation {draw(64, 32, 3, 3).data.std():.4f}, expected {right:.4f}")
