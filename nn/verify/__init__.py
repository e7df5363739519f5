"""Check files, modules and built-in plugins in a process with limits."""
