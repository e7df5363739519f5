"""Training runs that are killed or run out of disk space."""
