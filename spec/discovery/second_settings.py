"""A second value of every setting of code that is not registered, as far as it can be constructed again.

    elu, changed = second_instance(elu, {"units": 3})      another ELU(3), with {"alpha": 0.7} instead of 1.0

Settings are arguments with a default of a constructor, or of both functions of a pair, and constants of a class that
nothing else in it is computed from. What is wrong only at other values than the author's shows there.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

from nnlaw.spec.discovery.argument_uses import uses_of
from nnlaw.spec.discovery.function_pair import Activation, CachedPair
from nnlaw.spec.discovery.scope import parameters_of_call
from nnlaw.spec.discovery.source_text import definition_of
from nnlaw.spec.subjects.settings import second_values

Changed = dict[str, Any]


def second_instance(thing: Any, settings: Mapping[str, Any]) -> tuple[Any, Changed] | None:
    """Another instance like `thing`, which was constructed with `settings`, and the settings that were changed.

    None if there is no setting to change. What its constructor raises is raised.
    """
    if isinstance(thing, Activation | CachedPair):
        return second_pair(thing)
    kind = type(thing)
    changed = {name: value for name, value in defaults_of(kind).items() if name not in settings}
    changed = second_values(changed, penalties=False)
    constants = second_values(_constants(kind), penalties=False)
    if not changed and not constants:
        return None
    found = kind(**copy.deepcopy(dict(settings)), **changed)
    constants = {name: value for name, value in constants.items() if name not in changed}
    for name, value in constants.items():
        setattr(found, name, value)
    return found, changed | constants


STRIDE = re.compile(r"^_?(strides?|steps?|hop|stride_?size)$", re.I)


def with_other_stride(thing: Any, settings: Mapping[str, Any]) -> tuple[Any, Changed] | None:
    """Another instance like `thing`, or another pair, whose stride is 2, or 1 if it is larger; None without one."""
    if isinstance(thing, CachedPair):
        return _pair_with_other_stride(thing)
    kind = type(thing)
    known = {**defaults_of(kind), **settings}
    named = {name: value for name, value in known.items() if STRIDE.match(name) and is_stride(value)}
    changed: Changed = {name: _other_stride(value) for name, value in named.items()}
    return None if len(changed) != 1 else (kind(**{**copy.deepcopy(dict(settings)), **changed}), changed)


COUNT = re.compile(
    r"^_?((n|num|number_?of)_?)?(attention_?|attn_?)?"
    r"(heads?|groups?|layers|blocks|dilations?|dilation_?(rate|size)|pad|padding)_?$", re.I,
)  # fmt: skip
COUNTS = (2, 3, 1)
FLAG = re.compile(
    r"^_?((use|with|has|add|include|is)_?)?(bias(es)?|affine|center|return_?sequences?|approximate|causal|causal_mask|"
    r"peepholes?|residual|bidirectional|pre_?norm|norm_?first)_?$", re.I,
)  # fmt: skip
"""Settings that are true or false and leave what backward has to compute as it is: the gradients of what forward does.

A flag such as `from_logits` or `first_layer` would change that.
"""


def with_other_counts(thing: Any, settings: Mapping[str, Any]) -> Iterator[tuple[Any, Changed]]:
    """Other instances like `thing`, each with one other setting: the number of heads, groups, ..., or no bias.

    Numbers that the constructor does not take are left out; a sum over a single head is right with any order of axes.
    """
    pair = thing if isinstance(thing, CachedPair) else None
    kind = type(thing)
    known = defaults_of(pair.functions[0]) if pair is not None else {**defaults_of(kind), **settings}
    for name, value in known.items():
        others: tuple[int, ...] = COUNTS if type(value) is int and COUNT.match(name) else ()
        others = (not value,) if type(value) is bool and FLAG.match(name) else others
        for other in others:
            with contextlib.suppress(Exception):
                if other == value:
                    continue
                if pair is None:
                    yield kind(**{**copy.deepcopy(dict(settings)), name: other}), {name: other}
                elif (twin := _pair_with_default(pair, {name: other})) is not None:
                    yield twin


MAX_TEXTS = 5
def with_other_windows(thing: Any, settings: Mapping[str, Any], sides: Sequence[int]) -> Iterator[tuple[Any, Changed]]:
    """Other instances like `thing` in which a window that is as long as one of these sides of an image has length 2."""
    for name, value in settings.items():
        if type(value) is int and value in sides and value > 2:
            with contextlib.suppress(Exception):
                yield type(thing)(**{**copy.deepcopy(dict(settings)), name: 2}), {name: 2}


OPPOSITE = {"mean": "sum", "sum": "mean"}
"""What the code may leave to its `else`."""
WITH_THE_LOSS = re.compile(r"soft_?max", re.I)
"""An activation whose gradient is often computed together with that of the loss."""


def with_other_texts(thing: Any, settings: Mapping[str, Any]) -> Iterator[tuple[Any, Changed]]:
    """Other instances like `thing`, each with another text for a setting that the code compares with texts.

    Such as activation="tanh". Texts that the constructor does not take are left out.
    """
    kind = type(thing)
    if isinstance(thing, CachedPair):
        for name, value in thing.arguments.items():
            for text in _other_texts(thing.functions[0], name, value):
                yield _with_argument(thing, name, text), {name: text}
    if isinstance(thing, Activation | CachedPair):
        for functions, changed in functions_with_other_texts(thing._functions):
            yield _with_functions(thing, functions), changed
        return
    for name, value in {**defaults_of(kind), **settings}.items():
        for text in _other_texts(kind, name, value):
            with contextlib.suppress(Exception):
                yield kind(**{**copy.deepcopy(dict(settings)), name: text}), {name: text}


def functions_with_other_texts(
    functions: Sequence[Callable[..., Any]]
) -> Iterator[tuple[list[Callable[..., Any]], Changed]]:
    """The functions with each other text as the default of an argument that all of them have."""
    own = [function for function in functions if isinstance(function, FunctionType)]
    if len(own) < len(functions):
        return
    for name, value in _shared_defaults(own).items():
        for text in _other_texts(own[0], name, value):
            yield [_withdefaults_of(function, {name: text}) for function in own], {name: text}


def _shared_defaults(functions: Sequence[Callable[..., Any]]) -> dict[str, Any]:
    """The defaults, numbers and texts, that all functions have."""
    first, *others = (defaults_of(function) for function in functions)
    simple = {name: value for name, value in first.items() if value is None or isinstance(value, int | float | str)}
    same = {name for name in simple if all(_equal(simple[name], row.get(name, ...)) for row in others)}
    return {name: value for name, value in simple.items() if name in same}


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _other_texts(function: Any, name: str, value: Any) -> list[str]:
    """Texts in place of a text, or of None, that a function or constructor compares its argument with."""
    if value is not None and not isinstance(value, str):
        return []
    texts = [*uses_of(function, name).texts, OPPOSITE.get(str(value), "")]
    texts = [text for text in dict.fromkeys(texts) if text and text.lower() != str(value).lower()]
    return [text for text in texts if not WITH_THE_LOSS.search(text)][:MAX_TEXTS]


def _pair_with_other_stride(pair: CachedPair) -> tuple[CachedPair, Changed] | None:
    for name, value in pair.arguments.items():
        keys = [key for key in uses_of(pair.functions[0], name).keys if STRIDE.match(key)]
        if isinstance(value, dict) and len(keys) == 1 and is_stride(value[keys[0]]):
            changed: Changed = {keys[0]: _other_stride(value[keys[0]])}
            return _with_argument(pair, name, type(value)(value | changed)), changed
        if STRIDE.match(name) and is_stride(value):
            return _with_argument(pair, name, _other_stride(value)), {name: _other_stride(value)}
    defaults = defaults_of(pair.functions[0])
    changed = {name: _other_stride(value) for name, value in defaults.items()
               if STRIDE.match(name) and is_stride(value)}  # fmt: skip
    return _pair_with_default(pair, changed) if len(changed) == 1 else None


def _with_argument(pair: CachedPair, name: str, value: Any) -> CachedPair:
    twin = copy.deepcopy(pair)
    setattr(twin, name, value)
    return twin


def _pair_with_default(pair: CachedPair, changed: Changed) -> tuple[CachedPair, Changed] | None:
    """A default of the first function is changed, which the second has as well or gets from a cache."""
    functions = pair.functions
    defaults = [defaults_of(function) for function in functions]
    if any(defaults[1].get(name, defaults[0][name]) != defaults[0][name] for name in changed):
        return None
    if not all(isinstance(function, FunctionType) for function in functions):
        return None
    if not changed.keys() & defaults[1].keys() and "cache" not in pair.second[0]:
        return None
    twin = copy.deepcopy(pair)
    first, second = (_withdefaults_of(function, {k: v for k, v in changed.items() if k in row})
                     for function, row in zip(functions, defaults, strict=True)
                     if isinstance(function, FunctionType))  # fmt: skip
    twin._functions = first, second
    return twin, changed


def is_stride(value: Any) -> bool:
    """Whether a value can be a stride."""
    return type(value) is int and 0 < value < 4


def _other_stride(value: int) -> int:
    return 2 if value == 1 else 1


def second_pair(pair: Activation | CachedPair) -> tuple[Activation | CachedPair, Changed] | None:
    """The same pair, its functions called with second values of the settings that both have."""
    found = second_functions(pair._functions)
    return None if found is None else (_with_functions(pair, found[0]), found[1])


def _with_functions(pair: Activation | CachedPair, functions: list[Callable[..., Any]]) -> Activation | CachedPair:
    """The same pair of other functions."""
    if isinstance(pair, Activation):
        return Activation(functions[0], functions[1], pair._of)
    twin = copy.deepcopy(pair)
    twin._functions = functions[0], functions[1]
    return twin


def second_functions(functions: Sequence[Callable[..., Any]]) -> tuple[list[Callable[..., Any]], Changed] | None:
    """These functions with other defaults for the settings that all of them have; None if there is no such setting."""
    owners = [getattr(function, "__self__", None) for function in functions]
    if owners[0] is not None and all(owner is owners[0] for owner in owners) and not inspect.isclass(owners[0]):
        other = second_instance(owners[0], {})  # methods of one object
        return other and ([getattr(other[0], function.__name__) for function in functions], other[1])
    if not all(isinstance(function, FunctionType) for function in functions):
        return None
    changed = second_values(_shared_defaults(functions), penalties=False)
    twins = [_withdefaults_of(function, changed) for function in functions if isinstance(function, FunctionType)]
    return (list(twins), changed) if changed else None


def with_settings(name: str, changed: Mapping[str, float | str | list[float]]) -> str:
    """The name in diagnostics: ELU(alpha=0.7)."""
    numbers = [isinstance(value, float | int) and not isinstance(value, bool) for value in changed.values()]
    texts = [f"{value:g}" if number else repr(value) for number, value in zip(numbers, changed.values(), strict=True)]
    return f"{name}({', '.join(f'{key}={text}' for key, text in zip(changed, texts, strict=True))})"


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The defaults of the arguments of a function or a constructor, by name."""
    return {row.name: row.default for row in parameters_of_call(function) if row.default is not row.empty}


def _withdefaults_of(function: FunctionType, changed: Changed) -> FunctionType:
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    names = [row.name for row in inspect.signature(function).parameters.values() if row.default is not row.empty]
    twin.__kwdefaults__ = {k: changed.get(k, v) for k, v in (function.__kwdefaults__ or {}).items()}
    positional = [name for name in names if name not in twin.__kwdefaults__]
    twin.__defaults__ = tuple(
        changed.get(name, value) for name, value in zip(positional, function.__defaults__ or (), strict=True)
    )
    twin.__dict__.update(function.__dict__)
    return twin


def _constants(kind: type) -> dict[str, float]:
    """The numbers written in the class, or stored by its constructor as they are, that it computes nothing from."""
    tree = definition_of(kind)
    if not isinstance(tree, ast.ClassDef):
        return {}
    constructor = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    statements = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    found: dict[str, float] = {}
    for node in [*statements, *(node for each in constructor for node in each.body)]:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if len(targets) == 1 and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            name = _own_name(targets[0], in_class=node in statements)
            if name and type(node.value.value) is float:
                found[name] = node.value.value
    used = {
        _own_name(node, in_class=False) or _own_name(node, in_class=True)
        for part in [*statements, *constructor]
        for node in ast.walk(part)
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    return {name: value for name, value in found.items() if name not in used}


def _own_name(node: ast.expr, *, in_class: bool) -> str:
    """The name of an attribute of the class or of `self`; "" for anything else."""
    if in_class:
        return node.id if isinstance(node, ast.Name) else ""
    is_self = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if is_self and isinstance(node, ast.Attribute) else ""
