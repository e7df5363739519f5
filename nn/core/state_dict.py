"""All arrays of a network by name, in one mapping: `params["0:dense.W"]` is `params["W"]` of layer 0."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

import numpy as np

from nnlaw.spec.arrays import Array


class StateDict(MutableMapping[str, Array]):
    """A live view of several dicts as one: reading and writing reach each layer's own dict."""

    def __init__(self, holders: list[tuple[str, dict[str, Array]]]) -> None:
        self.holders = holders
        self.entries = {f"{path}.{key}": (holder, key) for path, holder in holders for key in holder}

    def __getitem__(self, name: str) -> Array:
        holder, key = self.entries[name]
        return holder[key]

    def __setitem__(self, name: str, array: Array) -> None:
        if name not in self.entries:  # some layers create arrays only in their first step
            path, owner = next((path, owner) for path, owner in self.holders if name.startswith(f"{path}."))
            self.entries[name] = (owner, name.removeprefix(f"{path}."))
        holder, key = self.entries[name]
        holder[key] = array

    def owns(self, name: str) -> bool:
        """Whether `name` begins with the path of one of the layers."""
        return any(name.startswith(f"{path}.") for path, _ in self.holders)

    def __delitem__(self, name: str) -> None:
        del self.entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def assign(holder: MutableMapping[str, Array], name: str, array: Array) -> None:
    """Copy `array` to `holder[name]`, into the existing array if shape and dtype match: others may refer to it."""
    old = holder.get(name)
    if isinstance(old, np.ndarray) and old.flags.writeable and (old.shape, old.dtype) == (array.shape, array.dtype):
        old[...] = array
    else:
        holder[name] = array.copy()
