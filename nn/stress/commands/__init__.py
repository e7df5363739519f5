"""Scenarios of the commands: hostile code, outputs that can't be written, closed streams, borrowed runs."""
