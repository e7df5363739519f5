import numpy as np
from sklearn.neural_network import MLPRegressor

rng, outputs, sides = np.random.default_rng(0), 3, []
x, y = rng.normal(size=(7, 4)), rng.normal(size=(7, outputs))
mlp = MLPRegressor(hidden_layer_sizes=(5,), alpha=0.0, random_state=0, max_iter=1, solver="sgd").partial_fit(x, y)
b = mlp.intercepts_[1]
for h in (0, 1e-6, -1e-6):
    mlp.intercepts_[1] = b + np.array([h, 0, 0])
    sides.append(mlp._backprop(x, y, None, [x, None, None], [None] * 2, [None] * 2, [None] * 2))
slope = (sides[1][0] - sides[2][0]) / 2e-6
print(f"gradient of the loss {sides[0][2][1][0]:.6f}, its slope {slope:.6f}, {outputs} outputs")
