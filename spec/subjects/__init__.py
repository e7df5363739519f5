"""Units and cases: the objects that laws check, with the inputs and settings to try them with."""
