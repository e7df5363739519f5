"""Data: IDX files, MNIST folders, built-in synthetic digits, pictures."""
