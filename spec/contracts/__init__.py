"""Declarations that code makes about itself: shape contracts, attributes and intervals."""
