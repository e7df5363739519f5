"""Synthetic digits, drawn by code from a seed."""
