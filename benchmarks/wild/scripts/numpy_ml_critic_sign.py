import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from numpy_ml.neural_nets.losses import WGAN_GPLoss

rng, loss = np.random.default_rng(0), WGAN_GPLoss()
fake, real, slope = rng.normal(size=4), rng.normal(size=4), rng.normal(size=(4, 3))
dfake, dreal, _ = loss.grad(fake, "C", real, slope)
step = np.array([1e-6, 0, 0, 0])
up, down = (loss.loss(fake + s * step, "C", real, slope) for s in (1, -1))
print(f"dY_fake[0] = {dfake[0]:.3f}, slope {(up - down) / 2e-6:.3f}")
up, down = (loss.loss(fake, "C", real + s * step, slope) for s in (1, -1))
print(f"dY_real[0] = {dreal[0]:.3f}, slope {(up - down) / 2e-6:.3f}")
