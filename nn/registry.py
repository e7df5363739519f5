"""Plugins: one decorator per kind, one grammar for their settings, one answer to an unknown name.

    @layer("swish")            a class, named in `--layers "dense:128 swish dense:10"`
    @optimizer("adam")         a class, named in `--optimizer adam:beta1=0.8`
    @schedule("cosine")        a function, likewise

Settings follow the name: `name:positional,key=value`; `-` and `_` in names are the same.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from spec.contract import obligation_of
from spec.violation import BadInput

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
        marked = obligation_of(self.thing)
        return marked.contract.text if marked else ""

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """What follows the name: constructor arguments, or a function's keyword-only defaults."""
        parameters = inspect.signature(self.thing).parameters
        if inspect.isclass(self.thing):
            protocol = ("n_in", "n_out", "rng") if self.kind == "model" else ()
            return {name: row for name, row in parameters.items() if name not in protocol}
        return {name: row for name, row in parameters.items() if row.kind is row.KEYWORD_ONLY}

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
        if kind == "layer" and obligation_of(thing) is None:
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


@dataclass(frozen=True)
class Choice:
    """A plugin with its settings, as a line such as `dropout:rate=0.2` names it."""

    plugin: Plugin
    text: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def make(self, **supplied: Any) -> Any:
        """Construct the class, or bind a function's settings. `supplied` fills settings that are not given.

        Raises BadInput where the constructor refuses them.
        """
        accepted = self.plugin.settings
        given = set(self.kwargs) | set(list(accepted)[: len(self.args)])
        extra = {k: v for k, v in supplied.items() if k in accepted and k not in given}
        if not inspect.isclass(self.plugin.thing):
            return lambda *args: self.plugin.thing(*args, **self.kwargs, **extra)
        try:
            return self.plugin.thing(*self.args, **self.kwargs, **extra)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{self.plugin.kind} {self.text!r}: {error}") from error


def choose(kind: str, text: str) -> Choice:
    """Read `name:positional,key=value` for a plugin of `kind`.

    Raises BadInput for an unknown name, an unknown setting, or a value of the wrong type.
    """
    name, _, rest = text.strip().partition(":")
    plugin = REGISTRY.find(kind, name)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in rest.split(",") if rest else []:
        key, equals, value = word.partition("=")
        if equals:
            kwargs[canonical(key)] = _value(value)
        else:
            args.append(_value(word))
    settings = plugin.settings
    _check(plugin, text, settings, args, kwargs)
    if args and not inspect.isclass(plugin.thing):
        names = list(settings)
        kwargs = dict(zip(names, args, strict=False)) | kwargs
        args = []
    return Choice(plugin, text.strip(), tuple(args), kwargs)


def _check(plugin: Plugin, text: str, settings: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    what = f"{plugin.kind} {text!r}"
    if any(p.kind is p.VAR_KEYWORD for p in settings.values()):
        return
    unknown = [key for key in kwargs if key not in settings]
    if unknown:
        raise BadInput(f"{what}: unknown setting {unknown[0]!r}; known: {', '.join(settings) or 'none'}")
    if len(args) > len(settings):
        raise BadInput(f"{what}: {len(args)} values, expected at most {len(settings)}")
    given = dict(zip(settings, args, strict=False)) | kwargs
    for name, row in settings.items():
        if name not in given and row.default is row.empty:
            raise BadInput(f"{what}: {name} is missing; write {plugin.name}:{name}=...")
        if name in given and not _fits(given[name], row):
            wanted = row.annotation if row.annotation is not row.empty else type(row.default).__name__
            raise BadInput(f"{what}: {name} = {given[name]!r}, expected {getattr(wanted, '__name__', wanted)}")


def _fits(value: Any, row: inspect.Parameter) -> bool:
    kind = row.annotation if isinstance(row.annotation, str) else getattr(row.annotation, "__name__", "")
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value
    if kind in ("bool", "str"):
        return type(value).__name__ == kind
    return True


def _value(word: str) -> Any:
    word = word.strip()
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        value = ast.literal_eval(word)
    except (ValueError, SyntaxError):
        try:
            return float(word)  # nan and inf
        except ValueError:
            return word
    return value if isinstance(value, int | float | str) else word


def load_file(path: Path, *, hiding: bool = False) -> list[Plugin]:
    """Import a user's plugin file and return what it registered, which may hide a built-in one where `hiding` is set.

    Raises BadInput with file and line where it cannot be read or parsed, raises on import, or registers nothing.
    """
    import importlib.util
    import sys
    import traceback

    if not path.is_file():
        raise BadInput(f"plugin file {path}: no such file")
    before = dict(REGISTRY.plugins)
    spec = importlib.util.spec_from_file_location(f"nn_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"plugin file {path}: expected a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    if str(path.parent.resolve()) not in sys.path:  # last, so that its neighbors can be imported but hide nothing
        sys.path.append(str(path.parent.resolve()))
    try:
        with REGISTRY.of_user(hiding):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        place = f"{path}:{error.lineno}" if error.lineno else path  # null bytes have no line
        raise BadInput(f"plugin file {place}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        raise BadInput(f"plugin file {place}: {type(error).__name__} on import: {error}") from error
    new = [plugin for key, plugin in REGISTRY.plugins.items() if before.get(key) is not plugin]
    if not new:
        raise BadInput(f"plugin file {path}: registers nothing; {_how_to_register(module)}")
    return new


def _how_to_register(module: Any) -> str:
    """What to write above the first class that looks like a layer or a loss, or in general."""
    for thing in vars(module).values():
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and hasattr(thing, "forward"):
            if not hasattr(thing, "backward"):
                continue
            line, name = thing.forward.__code__.co_firstlineno, thing.__name__.lower()
            if len(inspect.signature(thing.forward).parameters) > 2:
                return f'{thing.__name__} (line {line}) looks like a loss: put @loss("{name}") from nn above it'
            return (
                f'{thing.__name__} (line {line}) has forward and backward: put @layer("{name}") and '
                '@obeys("N n_in -> N n_out") above it (from nn import layer; from spec import obeys)'
            )
    return "expected a decorator such as @layer('name')"
