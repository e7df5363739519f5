"""Drills: what could go wrong is made to go wrong, and the outcome is judged against the expected one."""
