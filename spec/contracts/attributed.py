"""Attributes of an object, or of a subject that represents one, possibly in another process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any


class Attributed(ABC):
    """Represents an object, and returns its attributes as data."""

    type_name: str
    """The name of its class; of a class or a function, its own name."""

    @abstractmethod
    def attribute(self, name: str, default: Any = None, *, of_class: bool = False) -> Any:
        """The attribute of this name, or `default`; with `of_class`, of its class."""

    def attributes_named(self, names: Collection[str]) -> dict[str, Any]:
        """The attributes of these names; None for one that is missing."""
        return {name: self.attribute(name) for name in names}


def attribute_of(thing: object, name: str, default: Any = None, *, of_class: bool = False) -> Any:
    """An attribute of an object or, with `of_class`, of its class; `thing` may represent the object."""
    if isinstance(thing, Attributed):
        return thing.attribute(name, default, of_class=of_class)
    return getattr(type(thing) if of_class else thing, name, default)
