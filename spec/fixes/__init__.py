"""Search for the cause of a failure and for a small change of the source that fixes it."""
