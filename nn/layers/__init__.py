"""The built-in layers, one noun per file. Importing this package registers them."""

from nn.layers.activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from nn.layers.batchnorm import BatchNorm
from nn.layers.dense import Dense
from nn.layers.dropout import Dropout
from nn.layers.flatten import Flatten

__all__ = ["BatchNorm", "Dense", "Dropout", "Flatten", "LeakyReLU", "ReLU", "Sigmoid", "Softmax", "Tanh"]
