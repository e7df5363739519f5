"""All arrays of a network under one name each, wherever they live: `slots["0:dense.W"]` is layer 0's params["W"]."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

import numpy as np

from nnlaw.spec.arrays import Array


class Slots(MutableMapping[str, Array]):
    """A live view of several dicts as one: reading and writing reach the layer's own dict."""

    def __init__(self, holders: list[tuple[str, dict[str, Array]]]) -> None:
        self.holders = holders
        self.places = {f"{path}.{key}": (holder, key) for path, holder in holders for key in holder}

    def __getitem__(self, name: str) -> Array:
        holder, key = self.places[name]
        return holder[key]

    def __setitem__(self, name: str, array: Array) -> None:
        if name not in self.places:  # what a layer makes only at its first step
            path, owner = next((path, owner) for path, owner in self.holders if name.startswith(f"{path}."))
            self.places[name] = (owner, name.removeprefix(f"{path}."))
        holder, key = self.places[name]
        holder[key] = array

    def owns(self, name: str) -> bool:
        """Whether `name` begins with the path of one of the layers."""
        return any(name.startswith(f"{path}.") for path, _ in self.holders)

    def __delitem__(self, name: str) -> None:
        del self.places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def put(holder: MutableMapping[str, Array], name: str, array: Array) -> None:
    """Give `holder[name]` the bits of `array`: into the same array where it fits, since others may hold it too."""
    old = holder.get(name)
    if isinstance(old, np.ndarray) and old.flags.writeable and (old.shape, old.dtype) == (array.shape, array.dtype):
        old[...] = array
    else:
        holder[name] = array.copy()
