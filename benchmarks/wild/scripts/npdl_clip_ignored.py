import numpy as np
from npdl import optimizers

for name in ("SGD", "Momentum", "Adagrad"):
    w = np.zeros(1)
    getattr(optimizers, name)(lr=1.0, clip=0.5).update([w], [np.array([100.0])])
    print(f"{name}(lr=1, clip=0.5) moved by {abs(w[0]):g}; the gradient within ±0.5 moves it by 0.5 (Adagrad: 1)")
adam = optimizers.Adam(lr=0.1, decay=0.5)
adam.update([np.zeros(1)], [np.ones(1)])
print(f"Adam(lr=0.1, decay=0.5): lr after an update {adam.lr:g}, as before")
