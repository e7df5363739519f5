"""Hints of the caller of check(), for code whose calls can't be worked out.

    with hinted(Hints(input_shape=(2, 3, 8, 8), layout="rows")):
        found = find(module)
    hints().input_shape        inside; None without hints
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.scenarios import SCENARIOS
from nnlaw.spec.violation import BadInput

Shape = tuple[int, ...]
TARGETS = tuple(dict.fromkeys(scenario.targets for scenario in SCENARIOS))


@dataclass(frozen=True)
class Hints:
    """Hints; None or "" leaves it open.

    `input_shape` is the shape of the input with its batch, or one such shape per input; `layout` is "rows", "columns",
    "one" and so on; `targets` is "labels", "one-hot", "real", "binary" and so on; `learning_rate` is the name of the
    argument or attribute that is the learning rate.
    """

    input_shape: Any = None
    layout: str = ""
    targets: str = ""
    learning_rate: str = ""

    def __post_init__(self) -> None:
        for word, value, known in (("layout", self.layout, tuple(LAYOUTS)), ("targets", self.targets, TARGETS)):
            if value and value not in known:
                raise BadInput(f"{word}={value!r}: expected one of {', '.join(known)}")
        for shape in self.shapes:
            if not all(isinstance(size, int) and size > 0 for size in shape):
                raise BadInput(f"input_shape={self.input_shape!r}: expected sizes, such as (2, 3, 8, 8)")

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each input."""
        if self.input_shape is None:
            return ()
        given = tuple(self.input_shape)
        return tuple(map(tuple, given)) if given and isinstance(given[0], tuple | list) else (given,)

    def allows(self, layout: Layout) -> bool:
        """Whether a layout may be tried."""
        return self.layout in ("", layout.name)

    def inputs(self) -> Iterator[tuple[Layout, tuple[Shape, ...], int]]:
        """Layouts, the shapes of one sample, and the number of samples, that fit the shapes."""
        for layout in LAYOUTS.values() if self.shapes else ():
            if not self.allows(layout) or layout.name == "as given":
                continue
            axis = {"rows": 0, "columns": -1, "time first": 1, "time first, columns": -1}.get(layout.name)
            if layout.name in ("one row", "one column"):
                axis = 0 if layout.name == "one row" else -1
                if any(len(shape) < 2 or shape[axis] != 1 for shape in self.shapes):
                    continue
            if axis is None:
                yield layout, self.shapes, 3
            elif all(len(shape) > axis for shape in self.shapes) and len({shape[axis] for shape in self.shapes}) == 1:
                samples = tuple(_without(shape, axis) for shape in self.shapes)
                yield layout, samples, 3 if layout.single else self.shapes[0][axis]


def _without(shape: Shape, axis: int) -> Shape:
    at = axis % len(shape)
    return shape[:at] + shape[at + 1 :]


_CURRENT: ContextVar[Hints | None] = ContextVar("hints", default=None)


def hints() -> Hints:
    """The hints of the check that runs now."""
    return _CURRENT.get() or Hints()


@contextlib.contextmanager
def hinted(given: Hints) -> Iterator[None]:
    """Inside this block, hints() are these."""
    token = _CURRENT.set(given)
    try:
        yield
    finally:
        _CURRENT.reset(token)
