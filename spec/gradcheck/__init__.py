"""Finite differences that notice kinks, and explanations of a wrong gradient."""
