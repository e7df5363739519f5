"""Arrays that the laws and the process of the code under test both hold, kept equal.

An array that is passed or returned is the same array at the next call: if one side writes into it, the other sees the
change, as it would in one process. `changes()` lists what this side has written since both were equal, `apply()` takes
in what the other side has written.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.wire import ByValue

MAX_SHARED = 10_000  # arrays that the other side may hold at once

Change = tuple[int, Array]


class SharedArrays:
    """The arrays of one side by number. New numbers are even on one side and odd on the other.

    With `weak`, an array is kept only as long as this side uses it; `dropped` lists the numbers of those that are gone.
    """

    def __init__(self, *, first: int, weak: bool) -> None:
        self.next, self.weak = first, weak
        self.by_number: dict[int, Any] = {}
        self.by_id: dict[int, int] = {}
        self.synced: dict[int, bytes] = {}
        self.dropped: list[int] = []

    def number(self, array: Array) -> int | None:
        """The number of an array that both sides hold."""
        number = self.by_id.get(id(array))
        return number if number is not None and self._get(number) is array else None

    def add(self, array: Array) -> int:
        """A new number for an array of this side."""
        number, self.next = self.next, self.next + 2
        self._store(number, array)
        return number

    def keep(self, number: int, array: Array) -> None:
        """Keep an array of the other side. Raises KeyError if it has no right to this number."""
        if number in self.synced or number % 2 == self.next % 2 or len(self.synced) >= MAX_SHARED:
            raise KeyError(number)
        self._store(number, array)

    def get(self, number: int, writable: bool = True) -> Array:
        """The array of this number, or a view of it that can't be written. Raises KeyError."""
        array: Array | None = self._get(number)
        if array is None:
            raise KeyError(number)
        if writable or not array.flags.writeable:
            return array
        view = array.view()
        view.flags.writeable = False
        return view

    def changes(self) -> list[list[Any]]:
        """The arrays that differ from what the other side holds, which are then taken to be equal."""
        found: list[list[Any]] = []
        for number in list(self.synced):
            array = self._get(number)
            if array is not None and (content := array.tobytes()) != self.synced[number]:
                self.synced[number] = content
                found.append([number, ByValue(array)])
        return found

    def apply(self, changes: Iterable[Change]) -> None:
        """Write what the other side has changed. Raises ValueError if a change does not fit."""
        for number, content in changes:
            array = self._get(number)
            if array is None:  # this side no longer uses it
                continue
            if array.dtype != content.dtype or array.size != content.size:
                raise ValueError(f"it changed an array of shape {array.shape} to one of shape {content.shape}")
            if array.shape != content.shape:
                array.shape = content.shape
            if array.flags.writeable:
                np.copyto(array, content)
                self.synced[number] = array.tobytes()

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget arrays that the other side no longer uses."""
        for number in numbers:
            array = self._get(number)
            if array is not None and self.by_id.get(id(array)) == number:
                del self.by_id[id(array)]
            self.by_number.pop(number, None)
            self.synced.pop(number, None)

    def take_dropped(self) -> list[int]:
        """The numbers of the arrays that are gone since the last call."""
        found, self.dropped = self.dropped, []
        return found

    def _get(self, number: int) -> Any:
        found = self.by_number.get(number)
        return found() if self.weak and found is not None else found

    def _store(self, number: int, array: Array) -> None:
        key = id(array)
        self.by_number[number] = weakref.ref(array, lambda _: self._gone(number, key)) if self.weak else array
        self.by_id[key] = number
        self.synced[number] = array.tobytes()

    def _gone(self, number: int, key: int) -> None:
        if self.by_number.pop(number, None) is not None:
            self.synced.pop(number, None)
            self.dropped.append(number)
            if self.by_id.get(key) == number:
                del self.by_id[key]
