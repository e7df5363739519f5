"""Backpropagation by hand: one pass, every number shown."""
