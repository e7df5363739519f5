import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_tanh_4", like="tanh")
@obeys("N ... -> N ...")
class MyTanh(Layer):
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout):
        return dout * (1 - np.tanh(self.out) ** 2)
