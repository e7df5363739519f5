"""The built-in layers. Importing this package registers them."""

from nnlaw.nn.layers.activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from nnlaw.nn.layers.batchnorm import BatchNorm
from nnlaw.nn.layers.dense import Dense
from nnlaw.nn.layers.dropout import Dropout
from nnlaw.nn.layers.flatten import Flatten

__all__ = ["BatchNorm", "Dense", "Dropout", "Flatten", "LeakyReLU", "ReLU", "Sigmoid", "Softmax", "Tanh"]
