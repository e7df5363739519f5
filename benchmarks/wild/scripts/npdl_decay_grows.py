import numpy as np
from npdl.optimizers import SGD

optimizer, w = SGD(lr=0.1, decay=0.01), np.zeros(1)
for step in range(1, 101):
    optimizer.update([w], [np.zeros(1)])
    if step in (1, 10, 100):
        print(f"lr after {step} updates {optimizer.lr:.4g}, expected {0.1 / (1 + 0.01 * step):.4g}")
