"""Adversarial attacks on a trained network."""
