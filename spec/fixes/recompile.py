"""A plugin's source on the bench: its functions as trees, and the same plugin with one of them compiled anew.

    for edit, changed in Workshop.of(case).changes(): ...      # `changed` is a case like the first
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import io
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nnlaw.spec.fixes.mutate import EXPRESSIONS, Edit, edits
from nnlaw.spec.fixes.variable_roles import roles_of
from nnlaw.spec.subjects.cases import Case, ModelCase, OptimizerCase

FIRST = ("backward", "step", "loss_and_grads")  # where a mistake is sought first


@dataclass
class Workshop:
    """A case, the functions of its plugin that have a source, and how a changed one is put in their place."""

    case: Case
    home: type | None
    functions: list[types.FunctionType]
    helpers: list[types.FunctionType]

    @property
    def path(self) -> str:
        """The source file."""
        return self.functions[0].__code__.co_filename

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """What a changed backward may use although the class doesn't keep it."""
        own = {name for f in self.functions for name in f.__code__.co_names}
        return tuple(name for name in KEPT.get(self.case.kind, ()) if name.removeprefix("self.") not in own)

    @classmethod
    def of(cls, case: Case) -> Workshop | None:
        """None where there is no source to change."""
        thing: Any = _thing(case)
        if isinstance(thing, types.FunctionType):
            home, own = None, [thing]
        else:
            home = type(thing)
            own = [f for kind in home.__mro__ if kind.__module__ == home.__module__ for f in _methods(kind)]
        own = [f for f in own if f.__closure__ is None]
        names = {name for f in own for name in f.__code__.co_names}
        module = own[0].__globals__ if own else {}
        helpers = [f for name in sorted(names) if isinstance(f := module.get(name), types.FunctionType)]
        helpers = [f for f in helpers if f.__globals__ is module and f.__closure__ is None and f not in own]
        return cls(case, home, own, helpers) if own else None

    def changes(self) -> Iterator[tuple[Edit, Case]]:
        """Every edit of every function, tier by tier, with the case made of it."""
        sources = self.sources()
        kept = [ast.parse(name, mode="eval").body for name in self.kept]
        trees = [source.tree for source in sources]
        streams = [(source, edits(source.tree, [*_operands(source.tree, trees), *kept])) for source in sources]
        waiting = [(source, stream, next(stream, None)) for source, stream in streams]
        for tier in range(len(EXPRESSIONS)):
            for i, (source, stream, edit) in enumerate(waiting):
                if source.tree.name == "forward" and tier > SHALLOW:
                    continue
                while edit is not None and edit.tier == tier:
                    with contextlib.suppress(Exception):  # what doesn't compile is passed over
                        yield edit, self.rebuilt(source)
                    edit = next(stream, None)
                waiting[i] = (source, stream, edit)

    def sources(self) -> list[Source]:
        """The functions as trees, those where a mistake is sought first in front."""
        found = [Source.of(f) for f in [*self.functions, *self.helpers]]
        return [source for source in found if source is not None]

    def roles(self) -> dict[str, str]:
        """What the names in the functions stand for."""
        return roles_of({source.tree.name: source.tree for source in self.sources()})

    def rebuilt(self, *sources: Source, **more: Any) -> Case:
        """The case with some functions compiled anew, which see `more` as globals."""
        space = dict(self.functions[0].__globals__) | more
        made: dict[str, Any] = {}
        for f in self.functions:
            made[f.__name__] = types.FunctionType(f.__code__, space, f.__name__, f.__defaults__)
            made[f.__name__].__kwdefaults__ = f.__kwdefaults__
        for source in sources:
            exec(compile(ast.Module([source.tree], []), source.file, "exec"), space)
            new = space[source.tree.name]
            new.__defaults__, new.__kwdefaults__ = source.function.__defaults__, source.function.__kwdefaults__
            if source.function in self.functions:
                made[source.function.__name__] = new
        if self.kept and "forward" in made:
            made["forward"] = _keeping(made["forward"], KEPT[self.case.kind], self.kept)
        if self.home is None:
            (name,) = made
            made[name].__dict__.update(self.functions[0].__dict__)
            return replace(self.case, thing=made[name])  # type: ignore[call-arg]  # a case of a function has one
        return _recast(self.case, type(self.home.__name__, (self.home,), made))


SHALLOW = 1  # what forward keeps may be at fault where a gradient is, not what it computes
KEPT = {"layer": ("self.input", "self.output"), "loss": ("self.prediction", "self.target")}


def _keeping(forward: Callable[..., Any], names: Sequence[str], wanted: Sequence[str]) -> Callable[..., Any]:
    """`forward` as it is, which leaves behind what it was handed and what it answers."""

    def kept(self: Any, *args: Any) -> Any:
        answer = forward(self, *args)
        for name, array in zip(names, (*args, answer), strict=False):
            if name in wanted:
                setattr(self, name.removeprefix("self."), array)
        return answer

    return kept


@dataclass
class Source:
    """One function and its tree, with the lines of the file."""

    function: types.FunctionType
    tree: ast.FunctionDef
    file: str

    @classmethod
    def of(cls, function: types.FunctionType) -> Source | None:
        try:
            lines, first = inspect.getsourcelines(function)
            tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except (OSError, TypeError, SyntaxError):
            return None
        loops = any(isinstance(node, ast.While) for node in ast.walk(tree))  # changed, it might never end
        if not isinstance(tree, ast.FunctionDef) or loops:
            return None
        ast.increment_lineno(tree, first - 1)
        tree.decorator_list = []
        tree.returns = None
        for argument in ast.walk(tree.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        tree.args.defaults = [ast.Constant(None) for _ in tree.args.defaults]  # the function's own are put back
        tree.args.kw_defaults = [d and ast.Constant(None) for d in tree.args.kw_defaults]
        return cls(function, tree, function.__code__.co_filename)


def _methods(kind: type) -> list[types.FunctionType]:
    found = [f for name, f in vars(kind).items() if isinstance(f, types.FunctionType) and name not in UNTOUCHED]
    return sorted(found, key=lambda f: f.__name__ not in FIRST)


UNTOUCHED = {"__init__", "build", "predict"}


def _operands(tree: ast.FunctionDef, trees: Sequence[ast.FunctionDef]) -> list[ast.expr]:
    """What could stand elsewhere in `tree`: its own names, entries and lengths, and what any function has of self."""
    found: dict[str, ast.expr] = {}
    for each in (tree, *(other for other in trees if other is not tree)):
        called = {id(node.func) for node in ast.walk(each) if isinstance(node, ast.Call)}
        for node in ast.walk(each):
            words = ast.unparse(node) if isinstance(node, ast.expr) else ""
            of_self = words.startswith("self.") and "[" not in words.partition("self.params")[0]
            if isinstance(node, ast.arg) and node.arg != "self" and each is tree:
                found.setdefault(node.arg, ast.Name(node.arg, ast.Load()))
            elif id(node) in called or not (of_self or each is tree) or words in found:
                continue
            elif isinstance(node, ast.Name) and node.id not in ("np", "self"):
                found[words] = ast.Name(node.id, ast.Load())
            elif isinstance(node, ast.Attribute) and of_self and node.attr not in ("params", "grads", "T"):
                found[words] = _loaded(node)
            elif isinstance(node, ast.Subscript | ast.Call) and (_is_loaded(node) or words.startswith("len(")):
                found[words] = node
    return [copy.deepcopy(node) for node in found.values()]  # apart from the trees, which are changed


def _is_loaded(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Load)


def _loaded(node: ast.Attribute | ast.Subscript) -> ast.expr:
    new = copy.copy(node)
    new.ctx = ast.Load()
    return new


def _thing(case: Any) -> Any:
    """The plugin of a case: an instance, or a function."""
    if isinstance(case, OptimizerCase):
        return case.make()
    for name in ("layer", "loss", "model", "thing"):
        if hasattr(case, name):
            return getattr(case, name)
    return None


def _recast(case: Any, kind: type) -> Case:
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


ARRAYS = ("x", "labels", "prediction", "target")  # copied: a change may write into them


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What is tried prints and warns of nothing."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
