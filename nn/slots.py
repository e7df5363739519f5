"""All arrays of a network under one name each, wherever they live: `slots["0:dense.W"]` is layer 0's params["W"]."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from spec.arrays import Array


class Slots(MutableMapping[str, Array]):
    """A live view of several dicts as one: reading and writing reach the layer's own dict."""

    def __init__(self, holders: list[tuple[str, dict[str, Array]]]) -> None:
        self.places = {f"{path}.{key}": (holder, key) for path, holder in holders for key in holder}

    def __getitem__(self, name: str) -> Array:
        holder, key = self.places[name]
        return holder[key]

    def __setitem__(self, name: str, array: Array) -> None:
        holder, key = self.places[name]
        holder[key] = array

    def __delitem__(self, name: str) -> None:
        del self.places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)
