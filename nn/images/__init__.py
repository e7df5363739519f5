"""From a photograph to a 28×28 image as the network expects it."""
