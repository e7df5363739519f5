"""Compile changed functions, and put them into a copy of the code under test.

    for mutation, variant in VariantBuilder.of(case).variants():       # `variant` is a case like the first
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import linecache
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nnlaw.spec.fixes.mutate import Mutation, mutations
from nnlaw.spec.fixes.rules import TIERS, Operands
from nnlaw.spec.fixes.source_edits import function_at, smallest_edit
from nnlaw.spec.subjects.cases import Case, ModelCase, OptimizerCase
from nnlaw.spec.violation import Edit

LIKELY_METHODS = ("backward", "step", "loss_and_grads")  # tried first
SKIPPED_METHODS = {"__init__", "build", "predict"}
MAX_TIER_OF_FORWARD = 1  # forward may store the wrong array for backward, but it computes what it should
STORED = {"layer": ("self.input", "self.output"), "loss": ("self.prediction", "self.target")}
"""What a changed backward may use even if forward does not store it."""


@dataclass
class VariantBuilder:
    """A case, the functions of its code that have a source, and how to replace them."""

    case: Case
    owner: type | None
    functions: list[types.FunctionType]
    helpers: list[types.FunctionType]

    @classmethod
    def of(cls, case: Case) -> VariantBuilder | None:
        """None if there is no source to change."""
        thing = _thing(case)
        if isinstance(thing, types.FunctionType):
            owner, own = None, [thing]
        else:
            owner = type(thing)
            own = [f for kind in owner.__mro__ if kind.__module__ == owner.__module__ for f in _methods(kind)]
        own = [f for f in own if f.__closure__ is None]
        names = {name for f in own for name in f.__code__.co_names}
        module = own[0].__globals__ if own else {}
        helpers = [f for name in sorted(names) if isinstance(f := module.get(name), types.FunctionType)]
        helpers = [f for f in helpers if f.__globals__ is module and f.__closure__ is None and f not in own]
        return cls(case, owner, own, helpers) if own else None

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """The names of STORED that the class does not use itself."""
        own = {name for f in self.functions for name in f.__code__.co_names}
        return tuple(name for name in STORED.get(self.case.kind, ()) if name.removeprefix("self.") not in own)

    def variants(self) -> Iterator[tuple[Source, Mutation, Case]]:
        """Every change of every function, tier by tier, and the case with it."""
        sources = self.sources()
        stored = [ast.parse(name, mode="eval").body for name in self.stored]
        trees = [source.tree for source in sources]
        streams = [mutations(tree, [*_operands(tree, trees), *stored]) for tree in trees]
        waiting = [next(stream, None) for stream in streams]
        for tier in range(len(TIERS)):
            for i, (source, stream) in enumerate(zip(sources, streams, strict=True)):
                if source.tree.name == "forward" and tier > MAX_TIER_OF_FORWARD:
                    continue
                mutation = waiting[i]
                while mutation is not None and mutation.tier == tier:
                    with contextlib.suppress(Exception):  # some changes do not compile
                        yield source, mutation, self.rebuilt(source)
                    mutation = next(stream, None)
                waiting[i] = mutation

    def sources(self) -> list[Source]:
        """The functions as trees, the likely methods first."""
        found = [Source.of(f) for f in [*self.functions, *self.helpers]]
        return [source for source in found if source is not None]

    def rebuilt(self, *sources: Source, **more: Any) -> Case:
        """The case with these functions compiled from their trees, with `more` as further globals."""
        namespace = dict(self.functions[0].__globals__) | more
        made: dict[str, Any] = {}
        for f in self.functions:
            made[f.__name__] = types.FunctionType(f.__code__, namespace, f.__name__, f.__defaults__)
            made[f.__name__].__kwdefaults__ = f.__kwdefaults__
        for source in sources:
            exec(compile(ast.Module([source.tree], []), source.path, "exec"), namespace)
            new = namespace[source.tree.name]
            new.__defaults__, new.__kwdefaults__ = source.function.__defaults__, source.function.__kwdefaults__
            if source.function in self.functions:
                made[source.function.__name__] = new
        if self.stored and "forward" in made:
            made["forward"] = _storing(made["forward"], STORED[self.case.kind], self.stored)
        if self.owner is None:
            (name,) = made
            made[name].__dict__.update(self.functions[0].__dict__)
            return replace(self.case, thing=made[name])  # type: ignore[call-arg]  # a case of a function has one
        return _of_class(self.case, type(self.owner.__name__, (self.owner,), made))


def _storing(forward: Callable[..., Any], names: Sequence[str], used: Sequence[str]) -> Callable[..., Any]:
    """`forward`, which also stores its arguments and its result under those names that are used."""

    def storing(self: Any, *args: Any) -> Any:
        result = forward(self, *args)
        for name, array in zip(names, (*args, result), strict=False):
            if name in used:
                setattr(self, name.removeprefix("self."), array)
        return result

    return storing


@dataclass
class Source:
    """A function, its tree, which may be changed, and the text of its file."""

    function: types.FunctionType
    tree: ast.FunctionDef
    text: str

    @classmethod
    def of(cls, function: types.FunctionType) -> Source | None:
        """None if it has no source, or a loop that might never end once it is changed."""
        path = function.__code__.co_filename
        linecache.checkcache(path)
        text = "".join(linecache.getlines(path, function.__globals__))
        try:
            tree = function_at(text, function.__code__.co_name, function.__code__.co_firstlineno)
        except SyntaxError:
            return None
        if tree is None or any(isinstance(node, ast.While) for node in ast.walk(tree)):
            return None
        return cls(function, _without_annotations(tree), text)

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.function.__code__.co_filename

    def edit(self) -> Edit | None:
        """The edit of the file that makes the function read as its tree does now."""
        original = function_at(self.text, self.tree.name, self.function.__code__.co_firstlineno)
        return smallest_edit(self.path, self.text, original, self.tree) if original else None


def _without_annotations(tree: ast.FunctionDef) -> ast.FunctionDef:
    """The function without what is evaluated when it is defined."""
    tree.decorator_list = []
    tree.returns = None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    tree.args.defaults = [ast.Constant(None) for _ in tree.args.defaults]  # the function's own are put back later
    tree.args.kw_defaults = [d and ast.Constant(None) for d in tree.args.kw_defaults]
    return ast.fix_missing_locations(tree)


def _methods(kind: type) -> list[types.FunctionType]:
    found = [f for name, f in vars(kind).items() if isinstance(f, types.FunctionType) and name not in SKIPPED_METHODS]
    return sorted(found, key=lambda f: f.__name__ not in LIKELY_METHODS)


def _operands(tree: ast.FunctionDef, trees: Sequence[ast.FunctionDef]) -> Operands:
    """What may be inserted into `tree`: its own names, entries and lengths, and the attributes of any function."""
    found: dict[str, ast.expr] = {}
    for each in (tree, *(other for other in trees if other is not tree)):
        called = {id(node.func) for node in ast.walk(each) if isinstance(node, ast.Call)}
        for node in ast.walk(each):
            text = ast.unparse(node) if isinstance(node, ast.expr) else ""
            of_self = text.startswith("self.") and "[" not in text.partition("self.params")[0]
            if isinstance(node, ast.arg) and node.arg != "self" and each is tree:
                found.setdefault(node.arg, ast.Name(node.arg, ast.Load()))
            elif id(node) in called or not (of_self or each is tree) or text in found:
                continue
            elif isinstance(node, ast.Name) and node.id not in ("np", "self"):
                found[text] = ast.Name(node.id, ast.Load())
            elif isinstance(node, ast.Attribute) and of_self and node.attr not in ("params", "grads", "T"):
                found[text] = _loaded(node)
            elif isinstance(node, ast.Subscript | ast.Call) and (_is_loaded(node) or text.startswith("len(")):
                found[text] = node
    return [copy.deepcopy(node) for node in found.values()]  # apart from the trees, which are changed


def _is_loaded(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Load)


def _loaded(node: ast.Attribute) -> ast.expr:
    new = copy.copy(node)
    new.ctx = ast.Load()
    return new


def _thing(case: Any) -> Any:
    """The code under test: an instance or a function."""
    if isinstance(case, OptimizerCase):
        return case.make()
    for name in ("layer", "loss", "model", "thing"):
        if hasattr(case, name):
            return getattr(case, name)
    return None


def _of_class(case: Any, kind: type) -> Case:
    """The case with its instance, and those that it makes, of another class."""

    def cast(thing: Any) -> Any:
        twin = copy.copy(thing)
        twin.__class__ = kind
        return twin

    if isinstance(case, OptimizerCase):
        return replace(case, make=lambda: cast(case.make()))
    own = {name: getattr(case, name).copy() for name in ARRAYS if hasattr(case, name)}
    if isinstance(case, ModelCase):
        own["make"] = lambda rng: cast(case.make(rng))
    found: Case = replace(case, **{case.kind: cast(getattr(case, case.kind))}, **own)
    return found


ARRAYS = ("x", "labels", "prediction", "target")  # copied, because a change may write into them


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Suppress what the variants print and warn of."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
