import mygrad
import numpy as np
from mygrad.nnet.losses import softmax_focal_loss

for dtype, z in ((np.float32, 90.0), (np.float32, 110.0), (np.float64, 800.0)):
    x = mygrad.tensor(np.array([[0.0, z]], dtype))
    loss = softmax_focal_loss(x, np.array([0]), gamma=2).sum()
    loss.backward()
    print(f"{np.dtype(dtype).name}: logit {z:g} for another class: loss {loss.item():g}, expected {z:g}; d = {x.grad}")
