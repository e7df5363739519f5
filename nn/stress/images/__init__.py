"""Scenarios with corrupted and out-of-distribution images, and of calibration."""
