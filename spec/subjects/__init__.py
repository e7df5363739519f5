"""What a law is given: one thing to check, with inputs and settings to try it with."""
