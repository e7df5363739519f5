"""Train a network: from settings to weights."""
