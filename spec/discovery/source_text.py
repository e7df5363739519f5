"""The source of a function or a class, read once: discovery looks at it in every attempt to call the code.

    source_text(Dense)      raises OSError where there is no source, as of classes written in C
"""

from __future__ import annotations

import inspect
from typing import Any

_known: dict[int, tuple[Any, str]] = {}
"""By identity: a metaclass may have a __hash__ that raises. The thing is kept, so that no other gets its id."""


def source_text(thing: Any) -> str:
    """The source of a function, a method, a class or a module. Raises OSError if it is not available."""
    thing = getattr(thing, "__func__", thing)
    if id(thing) not in _known:
        try:
            text = inspect.getsource(thing)
        except (OSError, TypeError):
            text = ""
        _known[id(thing)] = thing, text
    text = _known[id(thing)][1]
    if not text:
        raise OSError("no source")
    return text
