"""Plugins: one decorator per kind, one grammar for their settings, one answer to an unknown name.

    @layer("swish")            a class, named in `--layers "dense:128 swish dense:10"`
    @optimizer("adam")         a class, named in `--optimizer adam:beta1=0.8`
    @schedule("cosine")        a function, likewise

Settings follow the name: `name:positional,key=value`; `-` and `_` in names are the same.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nnlaw.nn.plugins.base_layer import Layer
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
        """The shape contract as written; for the kinds that need none, the kind is the contract."""
        marked = declaration_of(self.thing)
        return marked.contract.text if marked else ""

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """What follows the name: constructor arguments, or a function's keyword-only defaults."""
        unnamed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return {name: row for name, row in self.parameters.items() if row.kind not in unnamed}

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The settings, and what a constructor takes besides as *args or **kwargs."""
        if getattr(self.thing, "__new__", None) is Layer.__new__ and self.thing.__init__ is object.__init__:
            return {}  # it has no constructor of its own, and the base class takes whatever its heirs do
        rows = inspect.signature(self.thing).parameters
        if inspect.isclass(self.thing):
            protocol = ("n_in", "n_out", "rng") if self.kind == "model" else ()
            return {name: row for name, row in rows.items() if name not in protocol}
        return {name: row for name, row in rows.items() if row.kind is row.KEYWORD_ONLY}

    @property
    def file(self) -> str:
        """Where it is written."""
        return inspect.getsourcefile(inspect.unwrap(self.thing)) or ""


@dataclass
class Registry:
    """All plugins by kind and name. While `user` is set, what registers is a user's own; it may hide a built-in one
    only while `hiding` is set, too."""

    plugins: dict[tuple[str, str], Plugin] = field(default_factory=dict)
    user: bool = False
    hiding: bool = False

    def enter(self, kind: str, name: str, thing: Any) -> None:
        """Register `thing`. Raises BadInput where a layer has no contract, or the name is built in."""
        key = (kind, canonical(name))
        if kind == "layer" and declaration_of(thing) is None:
            raise BadInput(f'layer {name!r} has no contract: put @obeys("N n_in -> N n_out") under @layer({name!r})')
        known = self.plugins.get(key)
        if known is not None and known.built_in and self.user and not self.hiding:
            raise BadInput(f"{kind} {name!r} is built in; give your own another name")
        self.plugins[key] = Plugin(kind, canonical(name), thing, not self.user)

    def find(self, kind: str, name: str) -> Plugin:
        """The plugin of this kind and name. Raises BadInput that names the nearest ones."""
        found = self.plugins.get((kind, canonical(name)))
        if found is None:
            known = [known for (of, known) in self.plugins if of == kind]
            near = difflib.get_close_matches(canonical(name), known, n=3, cutoff=0.4) or sorted(known)
            raise BadInput(f"no {kind} is called {name!r}; nearest: {', '.join(near)}")
        return found

    @contextmanager
    def of_user(self, hiding: bool = False) -> Any:
        """Inside this block a registering plugin is a user's own, and may hide a built-in one only if told so."""
        self.user, self.hiding = True, hiding
        try:
            yield
        finally:
            self.user = self.hiding = False


REGISTRY = Registry()


def canonical(name: str) -> str:
    """`leaky-relu` and `leaky_relu` are one name."""
    return name.strip().replace("-", "_")


def _registrar(kind: str) -> Callable[..., Callable[[Thing], Thing]]:
    def decorator(name: str, **claims: Any) -> Callable[[Thing], Thing]:
        def register(thing: Thing) -> Thing:
            for claim, value in claims.items():
                setattr(thing, claim, value)
            REGISTRY.enter(kind, name, thing)
            return thing

        return register

    decorator.__name__ = kind
    decorator.__doc__ = f"Register the decorated class or function as a plugin of kind {kind}."
    return decorator


layer, loss, optimizer, initializer, schedule, batches, metric, model = map(_registrar, KINDS)
