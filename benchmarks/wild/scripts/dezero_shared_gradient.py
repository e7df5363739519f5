import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Parameter, Variable, functions, layers, optimizers

model = layers.Layer()
model.a, model.b = Parameter(np.ones(2)), Parameter(np.zeros(2))
optimizer = optimizers.SGD(lr=1.0).setup(model)
optimizer.add_hook(optimizers.WeightDecay(0.5))
functions.sum((model.a + model.b) * Variable(np.ones(2))).backward()
print("one array for both gradients:", model.a.grad is model.b.grad)
optimizer.update()
print("a:", model.a.data, "expected 1 - (1 + 0.5 * 1) = -0.5;  b:", model.b.data, "expected 0 - 1 = -1")
