import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.layers import DotProductAttention

rng, layer = np.random.default_rng(0), DotProductAttention()
q, k, v, dy = (rng.normal(size=(1, 4, 3)) for _ in range(4))
for batch in (1, 2):
    layer.forward(q, k, v)
    try:
        print("batch", batch, "dQ of shape", layer.backward(dy)[0].shape)
    except AttributeError as error:
        print("batch", batch, "AttributeError:", error)
    layer.flush_gradients()
print("inputs that its softmax still keeps:", len(layer.softmax.X), "expected: 0")
