"""Functions of several arguments that return a loss and its gradients by some of them.

    loss, grad_center, grad_outside = softmax_loss_and_gradient(center, word_index, outside_vectors, dataset)

    cost, grad = nn_cost(theta, n_in, n_hidden, n_labels, X, y, penalty)

Values for the arguments are found by trying, those that fit the names first. A law sees one argument at a time.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import AdaptedLoss, LossCode
from nnlaw.spec.discovery.adapters.losses import AGREES, LOSS_WORDS, mismatch
from nnlaw.spec.discovery.calls import PENALTIES, Randomness
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.layouts import LAYOUTS
from nnlaw.spec.discovery.scenarios import SCENARIOS
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.source_text import nodes_of
from nnlaw.spec.subjects.cases import Case, LossCase
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.variants import with_another
from nnlaw.spec.violation import Location

MAX_CALLS = 3000
GRADIENT = re.compile(r"d_?[A-Za-z]{1,2}\d?$|d_|\w*(grad|delta|nabla)", re.I)
COUNT, WIDTH = 5, 4


class Sampler:
    """A data set: each method returns the number of the next word."""

    def __init__(self) -> None:
        self._words = itertools.cycle(range(COUNT))

    def __getattr__(self, name: str) -> Callable[..., int]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: next(self._words)


KINDS: dict[str, tuple[str, Callable[[np.random.Generator], Any]]] = {
    "index": (r"idx$|index$|target$|label$|word$", lambda rng: 1),
    "matrix": (r"(vectors|vecs|weights|matrix|embeddings?)$|^[XWUV]$", lambda rng: rng.standard_normal((COUNT, WIDTH))),
    "vector": (r"vec(tor)?$|^predicted$|^[wvhc]$|theta", lambda rng: rng.standard_normal(WIDTH)),
    "batch": (r"^(anchors?|pos(itives?)?|neg(atives?)?)(_\w+)?$|^(x|z|e|h|emb\w*)_?[12ijab]$|^(left|right)$",
              lambda rng: rng.standard_normal((COUNT, WIDTH))),
    "binary": (r"^y", lambda rng: np.arange(COUNT) % 2.0),
    "signs": (r"^y", lambda rng: np.arange(COUNT) % 2.0 * 2 - 1),
    "rows": (r"^y", lambda rng: rng.standard_normal(COUNT)),
    "number": (PENALTIES.pattern, lambda rng: 0.3),
    "data": (r"^data(set)?$|sampler|corpus", lambda rng: Sampler()),
}
"""What an argument may be, with the names that it usually has."""


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The functions of the module that return a loss and gradients."""
    randomness = Randomness.of(scope.module)
    for name, function in list(scope.functions.items()):
        names = [row.name for row in required_of(function)]
        returned = _names_returned(function)
        if len(returned) < 2 or not LOSS_WORDS.search(name + returned[0] + returned[-1]):
            continue
        found = _flat(name, function, names, randomness)
        if found is None and 2 <= len(names) <= 5:
            found = _found(name, function, names, randomness)
        yield found


def _names_returned(function: Callable[..., Any]) -> list[str]:
    """The names in the last return statement, also those in a tuple behind the first: `return loss, (dx, dy)`."""
    returns = [node.value for node in nodes_of(function) if isinstance(node, ast.Return)]
    last = returns[-1] if returns else None
    items = last.elts if isinstance(last, ast.Tuple) else []
    if len(items) == 2 and isinstance(items[1], ast.Tuple):
        items = [items[0], *items[1].elts]
    return [item.id if isinstance(item, ast.Name) else "" for item in items]


def _untied(returned: Any) -> Any:
    """What a function returned, without the tuple around the gradients behind the loss."""
    if isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], tuple):
        return returned[0], *returned[1]
    return returned


class LossOfArguments:
    """The loss as a function of one argument."""

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any], own: str, position: int) -> None:
        self._function, self._arguments, self._own, self._position = function, arguments, own, position

    def source_of(self, which: str) -> Any:
        """The author's function, for locations."""
        return self._function

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        self._function = with_another(self._function, made)

    def _call(self, array: Array) -> Any:
        return _untied(self._function(**copy.deepcopy(self._arguments) | {self._own: array}))

    def value(self, array: Array, target: Array) -> Any:
        """The loss."""
        return next(one for one in self._call(array) if np.ndim(one) == 0)

    def gradient(self, array: Array) -> Any:
        """The gradient by the argument."""
        return self._call(array)[self._position]


def _found(name: str, function: Callable[..., Any], names: list[str], randomness: Randomness) -> Found | None:
    """The unit, with values for which all gradients are right; else with those that fit all names, if they work."""
    wrong: Found | None = None
    own_names = " ".join(filter(None, _names_returned(function)[1:])) or name
    choices = [sorted(KINDS, key=partial(_is_unusual, own)) for own in names]
    for row in itertools.islice(itertools.product(*choices), MAX_CALLS):
        arguments = _arguments(dict(zip(names, row, strict=True)))
        open_names = [own for own, kind in zip(names, row, strict=True) if kind in ("matrix", "vector", "batch")]
        losses = _losses(function, arguments, open_names, randomness)
        if losses and all(_is_right(loss, arguments[own]) for own, loss in losses.items()):
            return _unit(name, function, arguments, losses)
        if losses and not any(map(_is_unusual, names, row)) and all(map(GRADIENT.match, own_names.split())):
            wrong = wrong or _unit(name, function, arguments, losses)
    return wrong


FLAT = re.compile(r"^(\w*theta\w*|\w*params?\w*|weights?|w|x0|p)$", re.I)
SIZE = re.compile(r"size|^n_?|num|hidden|^k$|dim|units|^[LsC]_?(in|out|\d)", re.I)
N_IN, N_HIDDEN, N_LABELS, SAMPLES = 4, 6, 3, 5


def _flat(name: str, function: Callable[..., Any], names: list[str], randomness: Randomness) -> Found | None:
    """The unit, if it is a network of one hidden layer whose weights are one vector, beside three sizes, X and y.

    Each layer may have a bias; labels may begin at 0 or at 1, be a column, or one-hot.
    """
    penalty = names[6:]
    if not 6 <= len(names) <= 7 or not FLAT.match(names[0]) or not all(map(SIZE.search, names[1:4])):
        return None
    rng, labels = np.random.default_rng(5), np.arange(SAMPLES) % N_LABELS
    x, wrong = rng.standard_normal((SAMPLES, N_IN)), None
    for bias, y in itertools.product((1, 0), (labels, labels + 1, labels[:, None] + 1, np.eye(N_LABELS)[labels])):
        length = N_HIDDEN * (N_IN + bias) + N_LABELS * (N_HIDDEN + bias)
        theta = 0.5 * rng.standard_normal(length)
        values: list[Any] = [theta, N_IN, N_HIDDEN, N_LABELS, x, y, *(0.3 for _ in penalty)]
        arguments = dict(zip(names, values, strict=True))
        losses = _losses(function, arguments, names[:1], randomness)
        found = _unit(name, function, arguments, losses) if losses else None
        if losses and _is_right(losses[names[0]], theta):
            return found
        wrong = wrong or found
    return wrong


def _is_unusual(name: str, kind: str) -> bool:
    """Whether an argument of this name usually is of another kind."""
    return not re.search(KINDS[kind][0], name, 0 if len(name) == 1 else re.I)


def _arguments(kinds: dict[str, str]) -> dict[str, Any]:
    rng = np.random.default_rng((1, 5))
    return {name: KINDS[kind][1](rng) for name, kind in kinds.items()}


def _losses(
    function: Callable[..., Any], arguments: dict[str, Any], names: list[str], randomness: Randomness
) -> dict[str, AdaptedLoss]:
    """The loss by each of the named arguments that has a gradient; empty if one number and such gradients are not all
    that the function returns.
    """
    randomness.reset()
    try:
        with np.errstate(all="ignore"):
            returned = _untied(function(**copy.deepcopy(arguments)))
        shapes = [np.shape(one) for one in returned]
    except Exception:  # it takes something else
        return {}
    open_names, found = list(names), dict[str, AdaptedLoss]()
    for i, shape in enumerate(shapes):
        if not shape:
            continue
        own = next((name for name in open_names if arguments[name].shape == shape), None)
        if own is None:
            return {}
        open_names.remove(own)
        code = LossCode(LossOfArguments(function, arguments, own, i), "value", ("p", "t"), "gradient", ("p",))
        found[own] = AdaptedLoss(code, SCENARIOS[0], LAYOUTS["as given"], randomness)
    return found if len(found) == len(shapes) - 1 else {}


def _is_right(loss: AdaptedLoss, array: Array) -> bool:
    with np.errstate(all="ignore"):
        return bool(mismatch(loss, array, np.zeros(1)) <= AGREES)


def _unit(
    name: str, function: Callable[..., Any], arguments: dict[str, Any], losses: dict[str, AdaptedLoss]
) -> Found:
    returned = ", ".join(["the loss", *(f"the gradient of {own}" for own in losses)])
    compared = tuple(f"{own} {arguments[own].shape}" for own in losses)
    cases = partial(_cases, name, arguments, losses)
    reading = Reading(f"{name}({', '.join(arguments)}) -> {returned}", cases, compared)
    location = Location.of(function)
    return Found("loss", name, "function that returns the loss and gradients", location, function, (reading,))


def _cases(name: str, arguments: dict[str, Any], losses: dict[str, AdaptedLoss], seed: int) -> list[Case]:
    rows = [(own, arguments[own], subject_of(loss)) for own, loss in losses.items()]
    return [
        LossCase(name, loss, array, np.zeros(len(array)), array=own, seed=seed, registered=False)
        for own, array, loss in rows
    ]
