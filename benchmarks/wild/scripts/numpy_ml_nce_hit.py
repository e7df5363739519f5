import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.losses import NCELoss
from numpy_ml.utils.data_structures import DiscreteSampler

np.random.seed(0)
loss, x, target, step = NCELoss(5, DiscreteSampler(np.full(5, 0.2)), 2), np.ones((1, 1, 3)), np.array([1]), np.eye(5)[1]
for noise in ([4, 2], [4, 1]):
    loss.loss(x, target, noise)
    loss.grad(update_params=False)
    db, b = loss.gradients["b"][0, 1], loss.parameters["b"]
    loss.flush_gradients()
    up, down = (loss._loss(x, target, noise)[0] for loss.parameters["b"] in (b + 1e-6 * step, b - 1e-6 * step))
    loss.parameters["b"] = b
    print(f"target 1, noise {noise}: db[1] = {db:.5f}, slope of the loss {(up - down) / 2e-6:.5f}")
