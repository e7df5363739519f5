"""Placeholders for what could not be computed or imported.

    Unavailable("line 12: FileNotFoundError: train.csv")    any use raises UnavailableError with this reason
    Placeholder("torch")                                    attributes, calls, decorators and base classes work;
                                                            computing with it raises UnavailableError

So a definition that does not need the missing value works, and one that does need it fails with the true reason.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any


class UnavailableError(Exception):
    """A value was used that could not be computed or imported: the reason, and the file in which that failed."""

    def __init__(self, reason: str, path: Path | None = None) -> None:
        super().__init__(f"{path.name}, {reason}" if path else reason)
        self.reason, self.path = reason, path


class Unavailable:
    """The value of a name that could not be computed: any use raises UnavailableError."""

    def __init__(self, reason: str, path: Path | None = None) -> None:
        self.__dict__.update(_reason=reason, _path=path)

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise UnavailableError(self.__dict__.get("_reason", "not available"), self.__dict__.get("_path"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # copy, inspect and NumPy look for these
        return self._fail()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()}: {self.__dict__.get('_reason', '')}>"


_OPERATORS = (
    "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor radd rsub rmul rmatmul rtruediv "
    "rfloordiv rmod rdivmod rpow rlshift rrshift rand ror rxor neg pos abs invert int float complex index round "
    "lt le gt ge eq ne len iter next contains reversed array array_ufunc array_function bool call getitem setitem "
    "delitem setattr enter exit mro_entries instancecheck subclasscheck"
)
for _name in _OPERATORS.split():
    setattr(Unavailable, f"__{_name}__", Unavailable._fail)


class Placeholder(Unavailable):
    """An absent third-party module, or anything reached through it.

    Calling it with one function or class returns that, so that a decorator such as @njit is the identity; tqdm(rows)
    is `rows`. Computing with it, or iterating over it, raises UnavailableError.
    """

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(f"{name.partition('.')[0]} is not installed")
        self.__dict__.update(_name=name, **attributes)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Placeholder(f"{self.__dict__['_name']}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__dict__["_name"].rpartition(".")[2]
        if name in ("tqdm", "tqdm_notebook", "track", "prange", "trange") and args:
            return args[0] if not isinstance(args[0], int) else range(*args)
        if len(args) == 1 and not kwargs and (inspect.isroutine(args[0]) or inspect.isclass(args[0])):
            return args[0]
        return Placeholder(f"{self.__dict__['_name']}()")

    def __getitem__(self, key: Any) -> Any:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __setattr__(self, name: str, value: Any) -> None:
        pass

    def __or__(self, other: Any) -> Any:  # in annotations
        return self

    __ror__ = __or__

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    __hash__ = object.__hash__

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        name = self.__dict__["_name"].rpartition(".")[2]
        return (type(name, (_PlaceholderBase,), {}),)


class _PlaceholderBase:
    """The base class of classes that derive from a placeholder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        pass


def reason_of(value: Unavailable, path: Path) -> str:
    """Why a value is not available in a file: `line 12: ...`, or `data.py, line 12: ...` if another file is meant."""
    reason, origin = value.__dict__["_reason"], value.__dict__["_path"]
    return reason if origin in (None, path) else f"{origin.name}, {reason}"
