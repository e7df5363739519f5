"""A layer and a law to share."""
