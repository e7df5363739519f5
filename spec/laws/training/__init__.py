"""Laws of a training in progress, checked at every step. One file per law."""
