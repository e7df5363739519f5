"""Guards check the laws of calls on an armed instance, at every call."""
