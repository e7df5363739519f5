"""Corrupted and out-of-distribution images."""
