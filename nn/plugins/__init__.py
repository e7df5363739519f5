"""Register, find and load plugins."""
