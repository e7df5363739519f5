"""Pairs of functions: f(x, w, b, ...) -> out or (out, cache), and g(dout, cache) -> gradients.

The second argument of g may also be the input or the output of f.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapters.functional_networks import CONTAINER, initial_parameters
from nnlaw.spec.discovery.argument_shapes import (
    BATCHES,
    SIDES,
    is_factor,
    is_used_as_array,
    shape_symbols,
    takes_squares,
    written_shapes,
)
from nnlaw.spec.discovery.calls import N_HIDDEN, N_IN, N_OUT, AnyActivation, Made, N, Randomness, Settings, guesses
from nnlaw.spec.discovery.closures import returns_pullback
from nnlaw.spec.discovery.dict_arguments import dict_arguments
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.function_pair import CachedPair
from nnlaw.spec.discovery.layer_attempts import attempts, best_attempt, is_out_of_bounds
from nnlaw.spec.discovery.layer_cases import layer_case, raising_cases
from nnlaw.spec.discovery.layer_gradients import Attempt
from nnlaw.spec.discovery.layer_methods import INCOMING, STORED_X, STORED_Y, TARGETS, mode_value
from nnlaw.spec.discovery.layer_readings import compared_arrays
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.name_pairs import is_derivative_name
from nnlaw.spec.discovery.project_files import definitions_beside, files_beside, imports
from nnlaw.spec.discovery.recipes import recipe_of_pair
from nnlaw.spec.discovery.scenarios import sigmoid
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.slots import UNUSED, array_slots, attributes_of
from nnlaw.spec.discovery.source_text import nodes_of, returned_names, source_text
from nnlaw.spec.violation import Location

_BACK_WORDS = "backward|backprop|bprop|bwd|back|backwards|backpropagation|bp|gradients?|grads?|vjp|pullback|adjoint"
BACK = re.compile(rf"(_?({_BACK_WORDS})(_?pass|_?propagation|_?prop)?_?)", re.I)
FORTH = re.compile(r"(_?(forward|fwd|fprop|forth|forwards|fp)(_?pass|_?propagation|_?prop)?_?)", re.I)
MAX_TRIES = 60
SHORTEST = 2  # letters of a name that is looked for in other files


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The pairs of the module, and those of a function of the module with one of another file of its project."""
    pairs = list(pair_names(list(scope.functions)))
    pairs += [(name, name) for name, function in scope.functions.items() if returns_pullback(function)]
    alone = {name: f for name, f in scope.functions.items() if not any(name in pair for pair in pairs)}
    others = _functions_beside(scope, list(alone))
    crossing = [pair for pair in pair_names([*alone, *others]) if _is_divided(pair, alone, others, scope)]
    functions = scope.functions | {name: others[name] for pair in crossing for name in pair if name in others}
    for back, front in [*pairs, *crossing]:
        with contextlib.suppress(Exception):  # these functions do not form a pair
            yield _pair(front, back, functions, scope)


def _is_divided(
    pair: tuple[str, str], own: Mapping[str, Callable[..., Any]], others: Mapping[str, Callable[..., Any]],
    scope: Scope,
) -> bool:  # fmt: skip
    """Whether one function of a pair is in the other file, which belongs to the first and has no pair of its own."""
    if sum(name in own for name in pair) != 1:
        return False
    there = next(name for name in pair if name not in own)
    names = inspect.unwrap(others[there]).__globals__
    beside = [name for name, f in names.items() if inspect.isfunction(f) and f.__globals__ is names]
    if any(there in found for found in pair_names([*beside, there])):
        return False
    back, front = (Path({**own, **others}[name].__code__.co_filename).stem for name in pair)
    texts = [source_text(scope.module), *files_beside(scope.module).values()]
    imported = any(sum(imports(text, stem) for stem in (back, front)) == 2 for text in texts)
    imported = imported or imports(texts[0], Path(others[there].__code__.co_filename).stem)
    return imported or bool(BACK.search(back) and not BACK.search(front))


def _functions_beside(scope: Scope, names: list[str]) -> dict[str, Callable[..., Any]]:
    """The functions of other files that may be the backward of one of these names, or its forward."""
    patterns = []
    for name in (name for name in names if name.isidentifier()):
        core = BACK.sub("", stem(name), count=1)
        if len(core) >= SHORTEST:
            other = r"\w*" if BACK.search(name) else rf"\w*({_BACK_WORDS})"
            word = "_?".join(core)
            patterns += [rf"{word}{other}"] if BACK.search(name) else [rf"{word}{other}", rf"({_BACK_WORDS})_?{word}"]
    if not patterns:
        return {}
    found = definitions_beside(scope.module, rf"^def ({'|'.join(patterns)})\w*\(")
    return {name: f for name, f in found.items() if inspect.isfunction(f) and name not in scope.everything}


PULLBACK = required_of(lambda dy, cache: cache(dy))
"""The arguments of the function by which the result of f(x, w) -> y, pullback is called."""


def pair_names(names: list[str]) -> Iterator[tuple[str, str]]:
    """Names of a backward function, each with its forward function: f_backward with f_forward or f."""
    stems = {stem(name): name for name in names if FORTH.search(name)}
    bare = {stem(name): name for name in names if not FORTH.search(name) and not BACK.search(name)}
    for name in names:
        front = None
        if BACK.search(name) and not FORTH.search(name):
            key = re.sub(r"[_\.]", "", BACK.sub("", name, count=1)).lower()
            front = stems.get(key) or bare.get(key)
        front = front or next((one for one in names if is_derivative_name(name, one)), None)
        if front is not None and front != name:
            yield name, front


def stem(name: str) -> str:
    """A name without the word for forward, in lower case and without underscores."""
    return re.sub(r"[_\.]", "", FORTH.sub("", name, count=1)).lower()


def _pair(front: str, back: str, functions: Mapping[str, Callable[..., Any]], scope: Scope) -> Found | None:
    name = FORTH.sub("", front).strip("_.") or front
    found = pair_of(name, (front, back), (functions[front], functions[back]), scope)
    owners = {each.rpartition(".")[0] for each in (front, back)}
    if found is not None and len(owners) == 1 and owners <= set(scope.classes):  # static methods of one class
        found = replace(found, names=(*found.names, *owners))
    return found


def pair_of(
    name: str, names: tuple[str, str], functions: tuple[Callable[..., Any], Callable[..., Any]], scope: Scope
) -> Found | None:
    """Two functions, or two methods of one object, as a layer; None if they do not form a pair."""
    (front, back), (forward, backward) = names, functions
    back_rows = PULLBACK if backward is forward else required_of(backward)
    rows = _passed(forward, [row.name for row in back_rows])
    parts = returned_names(forward) if backward is not forward else []
    if not rows or not back_rows or any(TARGETS.match(row.name) and row.name not in parts[1:] for row in back_rows):
        return None
    place = position_of_x(rows)
    rest = [row for row in rows if row is not rows[place]]
    outputs = number_of_outputs(back_rows, parts)
    seconds = second_arguments(back_rows[outputs - 1 :], [rows[place], *rest], parts)
    best: Attempt | None = None
    chosen: tuple[str, ...] = ()
    failed: list[Attempt] = []  # forward takes such shapes, backward does not
    methods, randomness = ("forward", "backward"), Randomness.of(scope.module)
    likely = itertools.chain(
        written_arguments(forward, rows[place].name, rest, scope), square_arguments(forward, backward, rest, scope),
        sequence_arguments(forward, rest), recurrent_arguments(rest),
        dict_arguments(forward, rows[place].name, rest), initial_arguments(rest, scope),
    )  # fmt: skip
    for arguments, shapes in likely:
        for second, incoming in seconds:
            fitted = with_sizes(forward, backward, arguments)
            made = Made(CachedPair(*fitted, arguments, second, incoming, place, outputs))
            tried = [without_other_outputs(one) for one in attempts(made, methods, randomness, shapes)]
            failed += [one for one in tried if one.error is not None and second == seconds[0][0] and len(parts) <= 2]
            found = next((one for one in tried if one.perfect), None)
            if found is not None:
                best, chosen = found, second
                break
        if best is not None:
            break
    else:
        for (second, incoming), arguments in itertools.islice(
            itertools.product(seconds, argument_values(rest, scope, forward)), MAX_TRIES // (3 if failed else 1)
        ):
            instance = CachedPair(forward, backward, arguments, second, incoming, place, outputs)
            found = best_attempt([Made(instance)], methods, scope)
            if found is not None and found.layer is not None and (best is None or found.score > best.score):
                best, chosen = found, second
            if found is not None and found.perfect:
                break
    back = "the returned function" if backward is forward else back
    then = "dy" if backward is forward else ", ".join(row.name for row in back_rows)
    calls = f"{front}({', '.join(row.name for row in rows)}), then {back}({then}); "
    location = Location.of(forward)
    if best is None or best.layer is None:
        error = raised_by_all(failed)
        if error is None:
            return None
        raising = Reading(calls, partial(raising_cases, name, back, error), ("the output",))
        return Found("layer", name, "pair of functions", location, forward, (raising,), names=names)
    if not compared_arrays(best):
        return None  # such as a backward that is left empty
    readings = [_reading(best, calls, name)]
    given = {row.name: vars(best.made.instance)[row.name] for row in rest}
    swapped = [row for row in seconds if {*row[0]} ^ {*chosen} == {"input", "output"}]  # one in place of the other
    others = [(given, *row) for row in swapped]
    called = [row.name for row in rest if given[row.name] is _identity]
    for activation in (AnyActivation(), sigmoid, _rectified) if called else ():  # its slope may be a part of backward
        others.append((given | dict.fromkeys(called, activation), *best.made.instance.second))
    for arguments, second, incoming in others:
        instance = CachedPair(forward, backward, arguments, second, incoming, place)
        found = best_attempt([Made(instance)], methods, scope)
        readings += [_reading(found, calls, name)] if found is not None and found.perfect else []
    return Found("layer", name, "pair of functions", location, forward, tuple(readings), names=names)


def _passed(forward: Callable[..., Any], taken: list[str]) -> list[inspect.Parameter]:
    """The arguments of forward: the required ones, and optional ones as far as backward needs them."""
    rows = [row for row in arguments_of(forward) if row.kind is row.POSITIONAL_OR_KEYWORD]
    needed = [i for i, row in enumerate(rows) if row.default is row.empty or row.name in taken]
    return rows[: needed[-1] + 1] if needed else []


def number_of_outputs(rows: list[inspect.Parameter], parts: list[str]) -> int:
    """How many arguments of backward are gradients, each of an output, if several are and a cache follows."""
    names = [row.name for row in rows]
    cache = next((i for i, name in enumerate(names) if CACHE.match(name)), 0)
    before = names[:cache]
    several = 1 < cache < len(parts) and all(INCOMING.match(name) or is_gradient_of(name, parts) for name in before)
    return cache if several and CACHE.match(parts[-1] or "cache") else 1


def is_gradient_of(name: str, parts: list[str]) -> bool:
    """Whether a name is that of the gradient of one of these: dnext_c, grad_next_c, next_c_grad of next_c."""
    rest = re.sub(r"^(d|grad|g|delta)_?|_?(grad|delta)$", "", name, count=1, flags=re.I)
    return rest != name and rest.lower() in [part.lower() for part in parts]


def without_other_outputs(attempt: Attempt) -> Attempt:
    """The attempt, in which arrays that only outputs without a gradient depend on are a remark."""
    others = []
    for name in [name for name, reason in attempt.missing.items() if reason == UNUSED]:
        found = []
        for shift in (0.0, 0.5):
            pair = copy.deepcopy(attempt.made.instance)
            slot = next(slot for slot, _ in array_slots(pair) if slot.name == name)
            slot.set(pair, np.array(slot.get(pair), np.float64) + shift)
            pair.forward(attempt.plan.layout.to_code(attempt.x))
            found.append(pair.other_outputs)
        if any(not np.array_equal(*rows) for rows in zip(*found, strict=True)):
            others.append(name)
    notes = [f"backward takes no gradient of the output that depends on {', '.join(others)}"] if others else []
    kept = {name: reason for name, reason in attempt.missing.items() if name not in others}
    return replace(attempt, missing=kept, notes=[*attempt.notes, *notes])


def with_sizes(
    forward: Callable[..., Any], backward: Callable[..., Any], arguments: dict[str, Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Two methods of a copy of their object whose dicts of settings have the sizes of the arrays, by their symbols."""
    owner = getattr(forward, "__self__", None)
    symbols = shape_symbols(forward) if owner is not None else {}
    arrays = {name: array for name, array in arguments.items() if isinstance(array, np.ndarray)}
    sizes = {symbol: size for name, array in arrays.items() if len(symbols.get(name, ())) == array.ndim
             for symbol, size in zip(symbols[name], array.shape, strict=True)}  # fmt: skip
    if not sizes:
        return forward, backward
    owner = copy.deepcopy(owner)
    for value in attributes_of(owner).values():
        if isinstance(value, dict):
            value.update({key: size for key, size in sizes.items() if key in value})
    return getattr(owner, forward.__name__), getattr(owner, backward.__name__)


def raised_by_all(attempts: list[Attempt]) -> Exception | None:
    """What backward raised, if it is about shapes or an index in each attempt, and forward returned a cache."""
    errors = [attempt.error for attempt in attempts if attempt.made.instance.second[0] == ("cache",)]
    of_shapes = all(isinstance(error, ValueError) or is_out_of_bounds(error) for error in errors)
    return errors[0] if errors and of_shapes else None


def position_of_x(rows: list[inspect.Parameter]) -> int:
    """The position of the input among the arguments of forward: the first, unless that is named like weights."""
    inputs = [i for i, row in enumerate(rows) if INPUT.match(row.name)]
    return inputs[0] if inputs and WEIGHTS.match(rows[0].name) else 0


INPUT = re.compile(r"^(x\w?|inp|inputs?|in_?x|data|images?|a_?prev|h_?prev|prev_?[ah]|features|samples|batch)$", re.I)
WEIGHTS = re.compile(
    r"^(w\w?\d*|weights?\w*|kernels?|filters?|b\d*|bias\w*|theta\w*|params?|gamma|beta|u|v|emb\w*|scale|shift)$", re.I
)


def written_arguments(
    forward: Callable[..., Any], x: str, rest: list[inspect.Parameter], scope: Scope
) -> Iterator[tuple[dict[str, Any], list[tuple[Layout, tuple[tuple[int, ...], ...], int]]]]:
    """Values for the arguments behind x, with the layout and the shape of x, from the shapes that the source has."""
    for shapes, layout in written_shapes(forward, x):
        if x not in shapes:
            return
        sample = {"columns": shapes[x][:-1], "rows": shapes[x][1:], "one": shapes[x]}[layout]
        unknown = [row for row in rest if row.name not in shapes]
        counts = [size for name, shape in shapes.items() if name != x for size in (shape[0], shape[-1])]
        biases = [shape for size in dict.fromkeys(counts) for shape in ((size,), (size, 1))]
        for values in itertools.islice(argument_values(unknown, scope, forward, biases), MAX_WRITTEN):
            given = {row.name: values[row.name] if row.name in values else random_array(row.name, shapes[row.name])
                     for row in rest}  # fmt: skip
            yield given, [(LAYOUTS[layout], (sample,), 0)]


def square_arguments(
    forward: Callable[..., Any], backward: Callable[..., Any], rest: list[inspect.Parameter], scope: Scope
) -> Iterator[tuple[dict[str, Any], list[tuple[Layout, tuple[tuple[int, ...], ...], int]]]]:
    """Square images, if one of the functions reads one side of an image only."""
    if takes_squares(forward) or takes_squares(backward):
        for given in itertools.islice(argument_values(rest, scope, forward), MAX_WRITTEN):
            yield given, [(LAYOUTS[name], (SQUARE,), 0) for name in ("one", "rows")]


SQUARE = (2, 6, 6)


def sequence_arguments(
    forward: Callable[..., Any], rest: list[inspect.Parameter]
) -> Iterator[tuple[dict[str, Any], list[tuple[Layout, tuple[tuple[int, ...], ...], int]]]]:
    """Sequences for all of several arguments, such as keys and values; the last may have another width."""
    if len(rest) < 2 or not all(is_used_as_array(forward, row.name) for row in rest):
        return
    n, length, width = BATCHES[3], *SIDES[3][0]
    for last in (width - 1, width):
        shapes = {row.name: (n, length, last if row is rest[-1] else width) for row in rest}
        given = {name: random_array(name, shape) for name, shape in shapes.items()}
        yield given, [(LAYOUTS["rows"], ((length, width),), 0)]


def recurrent_arguments(
    rest: list[inspect.Parameter],
) -> Iterator[tuple[dict[str, Any], list[tuple[Layout, tuple[tuple[int, ...], ...], int]]]]:
    """States, and weights of one to four gates side by side, for one step or all steps of a recurrent layer.

    Weights called as others and a letter more, such as Wx and Wxt, are those of one gate, such as the candidate state
    of a GRU, beside two gates.
    """
    names = [row.name for row in rest]
    firsts = {name: next((one for one in names if one != name and name.startswith(one)), "") for name in names}
    if not any(map(STATE.match, names)) or not any(map(OF_STATE.match, names)):
        return
    for (n, sample), gates in itertools.product(
        ((N, (N_IN,)), (BATCHES[3], (STEPS, N_IN))), (2, 3) if any(firsts.values()) else (1, 2, 3, 4)
    ):
        given: dict[str, Any] = {}
        for name, first in firsts.items():
            wide = N_HIDDEN if first else gates * N_HIDDEN
            shapes = ((STATE, (n, N_HIDDEN)), (OF_STATE, (N_HIDDEN, wide)), (OF_INPUT, (N_IN, wide)), (BIAS, (wide,)))
            found = next((shape for kind, shape in shapes if kind.match(first or name)), None)
            given |= {} if found is None else {name: random_array(name, found)}
        if len(given) == len(names):
            yield given, [(LAYOUTS["rows"], (sample,), 0)]


def initial_arguments(
    rest: list[inspect.Parameter], scope: Scope
) -> Iterator[tuple[dict[str, Any], list[tuple[Layout, tuple[tuple[int, ...], ...], int]]]]:
    """The parameters of a whole network, as a function of the module makes them, for the only argument behind x."""
    if len(rest) != 1 or not CONTAINER.match(rest[0].name):
        return
    for _, _, made in initial_parameters(scope.functions, scope):
        for name in ("rows", "columns"):
            yield {rest[0].name: made}, [(LAYOUTS[name], ((N_IN,),), 0)]


STEPS = 3
CACHE = re.compile(r"^(c|caches?|memory|ctx|context|saved?|store\w*|meta)$", re.I)
STATE = re.compile(
    r"^((prev|previous|last|old)_?)?(h|c|s|a|state|hidden|cell)(_?(prev|previous|last|old|init(ial)?|0))?$", re.I
)  # fmt: skip
OF_STATE = re.compile(r"^(w_?(hh?|rec|s|a|state|hidden)|u\w?|r)$", re.I)
OF_INPUT = re.compile(r"^(w_?(x|xh|i|ih|in|input)?|k)$", re.I)
BIAS = re.compile(r"^b\w*$", re.I)


def random_array(name: str, shape: tuple[int, ...]) -> Array:
    """Gaussian numbers; positive ones for a scale."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return rng.uniform(0.5, 1.5, shape) if SCALE.match(name) else rng.standard_normal(shape)


SCALE = re.compile(r"^(gamma|gain|scale)\w*$", re.I)
MAX_WRITTEN = 12  # values of arguments without a written shape, for each set of sizes


def _reading(attempt: Attempt, calls: str, name: str) -> Reading:
    layer = attempt.layer
    assert layer is not None
    layer.forward(attempt.x)
    layer.recipe = recipe_of_pair(layer.runs[0].thing, attempt.plan)
    cases = partial(layer_case, name, layer, attempt.x.shape, attempt.plan.integers, attempt.made)
    missing, notes = dict(attempt.missing), tuple(attempt.notes)
    return Reading(calls + attempt.plan.layout.describe, cases, compared_arrays(attempt), missing, notes)


def second_arguments(
    rows: list[inspect.Parameter], front: list[inspect.Parameter], parts: list[str]
) -> list[tuple[tuple[str, ...], int]]:
    """What backward takes beside dout, and the position of dout; the most likely first.

    `front` are the arguments of forward, x first, and `parts` the names of what it returns.
    """
    names = [row.name for row in rows]
    own = [row.name for row in front[1:]]
    if len(rows) == 1:
        return [((), 0)]
    incoming = next((i for i, name in enumerate(names) if INCOMING.match(name)), 0)
    if "cache" in names:
        incoming = next((i for i, name in enumerate(names) if name != "cache"), 0)
    choices = []
    for i, name in enumerate(names):
        if i == incoming:
            continue
        if name in own or name == front[0].name:
            choices.append([name if name in own else "input"])
        elif name in parts[1:]:
            choices.append([f"result[{parts.index(name)}]"])
        elif is_gradient_of(name, parts):  # of another output, which number_of_outputs did not count
            return []
        elif name.lower() in ("z", "h"):
            choices.append(["cache", "input", "output"])
        elif CACHE.match(name) and len(parts) > 2:
            choices.append([f"result[{len(parts) - 1}]", "cache"])
        elif STORED_X.match(name):
            choices.append(["input", "cache", "output"])
        elif STORED_Y.match(name):
            choices.append(["cache", "output", "input"])
        else:
            choices.append(["cache", "input", "output"])
    return [(row, incoming) for row in itertools.islice(itertools.product(*choices), 9)]


def argument_values(
    rows: list[inspect.Parameter], scope: Scope, forward: Callable[..., Any], biases: Sequence[tuple[int, ...]] = ()
) -> Iterator[dict[str, Any]]:
    """Values for the arguments behind x, as dicts by name; weights and biases that fit each other first.

    `biases` are further shapes of a bias.
    """
    calls = [node.func for node in nodes_of(forward) if isinstance(node, ast.Call)]
    called = [function.id for function in calls if isinstance(function, ast.Name)]
    choices = [
        values_of(row, scope, is_used_as_array(forward, row.name), row.name in called, is_factor(forward, row.name))
        for row in rows
    ]
    for i, choice in enumerate(choices):
        choice[:0] = [random_array(rows[i].name, shape) for shape in biases if BIAS.match(rows[i].name)]
    arrays = [isinstance(choice[0], np.ndarray) for choice in choices]
    ranked = sorted(
        itertools.islice(itertools.product(*(range(len(choice)) for choice in choices)), 2000),
        key=lambda row: (len(set(itertools.compress(row, arrays))) > 1, sum(row)),
    )
    for row in ranked:
        yield {one.name: choice[i] for one, choice, i in zip(rows, choices, row, strict=True)}


def _identity(x: Array) -> Array:
    return x


def _rectified(x: Array) -> Array:
    return np.maximum(x, 0)


def values_of(
    row: inspect.Parameter, scope: Scope, is_array: bool = False, is_called: bool = False, is_gain: bool = False
) -> list[Any]:
    """Values for one argument: arrays for weights and states, a dict for settings, else as for a constructor."""
    low, rng = row.name.lower(), np.random.default_rng(sum(map(ord, row.name)))

    def arrays(*shapes: tuple[int, ...]) -> list[Any]:
        return [rng.standard_normal(shape) for shape in shapes]

    if row.default is not row.empty and row.default is not None:
        return [row.default]
    if is_called:  # an activation, whose slope the caller of backward multiplies in
        return [_identity, *guesses(row, scope)]
    if mode_value(row):
        return mode_value(row)
    if re.search(r"param|config|settings|options|hparam|kwargs", low):
        return [Settings(), Settings(stride=2, pad=0)]
    if re.match(r"^(w_?h\w*|u|whh|w_?hh|u_?h)$", low):
        return arrays((N_HIDDEN, N_HIDDEN), (N_HIDDEN, 4 * N_HIDDEN))
    if re.match(r"^(w_?x\w*|wxh|w_?xh|u_?x)$", low):
        return arrays((N_IN, N_HIDDEN), (N_HIDDEN, N_IN), (N_IN, 4 * N_HIDDEN))
    if re.match(r"^w_?[qkvo]$", low):
        return arrays((N_IN, N_IN))
    if re.match(r"^(prev_?h|h_?prev|h0|h|prev_?c|c_?prev|c|hidden|state)$", low):
        return arrays((N, N_HIDDEN), (N_HIDDEN, N))
    weights = re.match(r"^(w\d*|weights?\w*|kernels?|filters?|theta\w*|f|k|m)$", low) or row.name == "W"
    if re.match(r"^(gamma|gain|scale)$", low) or (is_gain and (weights or len(low) == 1)):
        return [rng.uniform(0.5, 1.5, shape) for shape in ((N_IN,), (1, N_IN), (N_IN, 1), (2,))]
    if re.match(r"^(beta|shift|offset)$", low):
        return arrays((N_IN,), (1, N_IN), (N_IN, 1), (2,))
    if re.match(r"^(b\d*|bias\w*|b_?[a-z]\w?)$", low):
        return arrays((N_OUT,), (1, N_OUT), (N_OUT, 1), (N_HIDDEN,), (1, 1, 1, 3), (3, 1), (3, 1, 1, 1))
    if weights:
        return arrays((N_IN, N_OUT), (N_OUT, N_IN), (3, 2, 2, 3), (2, 3, 2, 3), (3, 3, 2, 3), (7, N_IN))
    if len(low) == 1 and row.annotation is row.empty:
        probability = [0.4] if low == "p" else []
        return [*probability, *arrays((N_IN, N_OUT), (N_OUT,), (N_IN,), (N_OUT, N_IN))]
    found = [value for value in guesses(row, scope) if value is not None] or [1]
    if is_array and not any(isinstance(value, np.ndarray) for value in found):
        return arrays((N_IN, N_OUT), (N_OUT, N_IN), (N_OUT,), (N_IN,), (3, 2, 2, 3))
    return found


__all__ = ["adapt"]
