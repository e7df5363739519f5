"""Laws of layers: gradients, modes, randomness and state of a class with forward and backward. One file per law."""
