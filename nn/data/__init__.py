"""Data sets: MNIST and similar ones from files, downloads, synthetic digits."""
