"""Begin the first call of each variant before the results of those before it are read.

Another process then makes the calls while this one writes the next variants; in this process nothing is begun early.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from nnlaw.spec.fixes.mutate import Mutation
from nnlaw.spec.fixes.recompile import Source
from nnlaw.spec.subjects.subject import Subject

T = TypeVar("T")
AHEAD = 8  # variants


def ahead(
    variants: Iterable[tuple[Source, Mutation, Subject]], start: Callable[[Subject], T]
) -> Iterator[tuple[Source, Mutation, Subject, T]]:
    """The variants, each with what `start` returns for it."""
    waiting: deque[tuple[Source, Mutation, Subject, T]] = deque()
    for source, mutation, variant in variants:
        waiting.append((source, mutation, variant, start(variant)))
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    yield from waiting
