"""Register plugins by one decorator per kind, and find them by name.

    @layer("swish")            a class, named in `--layers "dense:128 swish dense:10"`
    @optimizer("adam")         a class, named in `--optimizer adam:beta1=0.8`
    @schedule("cosine")        a function, likewise

Settings follow the name: `name:positional,key=value`; `-` and `_` in names are the same.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from nnlaw.spec.contracts.obeys import declaration_of
from nnlaw.spec.violation import BadInput

KINDS = ("layer", "loss", "optimizer", "initializer", "schedule", "batches", "metric", "model")
PLURAL = {"loss": "losses", "batches": "batches"}

Thing = TypeVar("Thing", bound=Callable[..., Any])


@dataclass(frozen=True)
class Plugin:
    """One registered class or function."""

    kind: str
    name: str
    thing: Any
    built_in: bool

    @property
    def contract(self) -> str:
        """The shape contract as written; "" for kinds without one."""
        marked = declaration_of(self.thing)
        return marked.contract.text if marked else ""

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """The settings after the name: constructor arguments, or keyword-only arguments of a function."""
        unnamed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return {name: row for name, row in self.parameters.items() if row.kind not in unnamed}

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The settings, and *args or **kwargs if the constructor has them."""
        rows = inspect.signature(self.thing).parameters
        if inspect.isclass(self.thing):
            protocol = ("n_in", "n_out", "rng") if self.kind == "model" else ()
            return {name: row for name, row in rows.items() if name not in protocol}
        return {name: row for name, row in rows.items() if row.kind is row.KEYWORD_ONLY}

    @property
    def file(self) -> str:
        """The source file."""
        return inspect.getsourcefile(inspect.unwrap(self.thing)) or ""


@dataclass
class Registry:
    """All plugins by kind and name.

    While `loading_user_file` is set, a plugin counts as the user's; with `override`, it may have a built-in name.
    """

    plugins: dict[tuple[str, str], Plugin] = field(default_factory=dict)
    loading_user_file: bool = False
    override: bool = False

    def register(self, kind: str, name: str, thing: Any) -> None:
        """Add a class or function. Raises BadInput if a layer has no contract, or the name is built in."""
        key = (kind, canonical(name))
        if kind == "layer" and declaration_of(thing) is None:
            raise BadInput(f'layer {name!r} has no contract: put @obeys("N n_in -> N n_out") under @layer({name!r})')
        known = self.plugins.get(key)
        if known is not None and known.built_in and self.loading_user_file and not self.override:
            raise BadInput(f"{kind} {name!r} is built in; give yours another name")
        if known is not None and self.loading_user_file and _is_other_of_same_file(known.thing, thing):
            both = f"{known.thing.__qualname__} and {thing.__qualname__}"
            raise BadInput(f"{kind} {name!r}: {both} are registered under one name; give one of them another name")
        self.plugins[key] = Plugin(kind, canonical(name), thing, not self.loading_user_file)

    def find(self, kind: str, name: str) -> Plugin:
        """The plugin of this kind and name. Raises BadInput with the nearest names."""
        found = self.plugins.get((kind, canonical(name)))
        if found is None:
            known = [key[1] for key in self.plugins if key[0] == kind]
            near = difflib.get_close_matches(canonical(name), known, n=3, cutoff=0.4) or sorted(known)
            raise BadInput(f"no {kind} is called {name!r}; nearest: {', '.join(near)}")
        return found

    @contextmanager
    def user_plugins(self, override: bool = False) -> Iterator[None]:
        """Inside this block, plugins count as the user's; with `override`, they may have built-in names."""
        self.loading_user_file, self.override = True, override
        try:
            yield
        finally:
            self.loading_user_file = self.override = False


REGISTRY = Registry()


def canonical(name: str) -> str:
    """`leaky-relu` and `leaky_relu` are one name."""
    return name.strip().replace("-", "_")


def _is_other_of_same_file(first: Any, second: Any) -> bool:
    """Whether two classes or functions are defined in one file under different names."""
    places = [(getattr(each, "__module__", None), getattr(each, "__qualname__", None)) for each in (first, second)]
    return None not in places[0] and places[0][0] == places[1][0] and places[0][1] != places[1][1]


def _registrar(kind: str) -> Callable[..., Callable[[Thing], Thing]]:
    def decorator(name: str, **declared: Any) -> Callable[[Thing], Thing]:
        def register(thing: Thing) -> Thing:
            for attribute, value in declared.items():
                setattr(thing, attribute, value)
            REGISTRY.register(kind, name, thing)
            return thing

        return register

    decorator.__name__ = kind
    decorator.__doc__ = f"Register the decorated class or function as a plugin of kind {kind}."
    return decorator


layer, loss, optimizer, initializer, schedule, batches, metric, model = map(_registrar, KINDS)
