"""Laws of whole networks: gradients, modes, saving, reproducibility and the ability to learn. One file per law."""
