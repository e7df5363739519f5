"""Adapters, one file per family of styles: from the code under test to objects with the protocol that laws check.

An adapter is a function `adapt(scope) -> Iterator[Found | None]`. It yields a Found for each definition that it
recognizes, and perhaps None for others.
ADAPTERS in find.py lists them in the order in which they see a module: what one has taken, the next ones don't see.
"""
