"""Small tools that every other room uses."""
