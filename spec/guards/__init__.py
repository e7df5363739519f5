"""Guards check the call laws on every call of one instance, or of functions inside `with strict():`."""
