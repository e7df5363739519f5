import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("channel_shuffle_2")
@obeys("N c h w -> N c h w")
class ChannelShuffle(Layer):
    """Interleaves the channels of the groups (ShuffleNet)."""

    examples = [{"groups": 2, "input_shape": (6, 1, 2)}]

    def __init__(self, groups: int = 2):
        self.groups = groups

    def shuffle(self, x, g):
        N, C, H, W = x.shape
        return x.reshape(N, g, C // g, H, W).transpose(0, 2, 1, 3, 4).reshape(N, C, H, W)

    def forward(self, x):
        return self.shuffle(x, self.groups)

    def backward(self, dy):
        return self.shuffle(dy, self.groups)
