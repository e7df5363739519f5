"""Small tools that every other part of nn uses."""
