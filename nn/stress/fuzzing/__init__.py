"""Damaged files, read in a process with limits."""
