"""Register plugins, find them by name, load them from files."""
