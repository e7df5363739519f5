"""Backpropagation through a small network, every number shown."""
