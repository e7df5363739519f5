"""Work out how to call code: values for a constructor, shapes of inputs, random generators that are held still.

    for made in constructions(Dense, scope): made.instance, made.settings        Dense(input_size=4, output_size=3)
    generators = Randomness.of(module)
    generators.reset()                                                             before each call
"""

from __future__ import annotations

import copy
import inspect
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from keyword import iskeyword
from types import ModuleType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.argument_uses import Uses, uses_of
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.nothing import is_base_class
from nnlaw.spec.discovery.scope import Scope, parameters_of_call

N = 5  # the batch; different from every other size
N_IN, N_OUT, N_HIDDEN, N_GROUPED = 4, 3, 6, 4
MAX_CONSTRUCTIONS = 240  # calls of one constructor
RATE_NAMES = re.compile(
    r"(lr|eta|learning_?rate|learn_?rate|l_?rate|step_?size|rate_of_learning|alpha|η|α|lrate|learningrate|rate)$", re.I
)
FLAG_NAMES = re.compile(
    r"_*(is_?|if_?)?(train|training|training_?mode|train_?mode|train_?fla?g|is_?train(ing)?|istraining|istrain|learning)$",
    re.I,
)
TEST_NAMES = re.compile(
    r"_*(is_?)?(test|testing|eval|evaluate|inference|predict|prediction|test_?mode|deterministic)$", re.I
)


MAX_GLOBAL = 10_000  # entries of a global array that is set back


class Randomness:
    """The generators that code may draw from, with the states to which they are set back before each call.

    They are those of np.random and random, and the generators among a module's global names. Generators that an
    instance holds are copied with it. Global arrays of floats, which may be weights of a layer, are set back by
    `reset_arrays`.
    """

    def __init__(self, generators: list[Any], modules: Sequence[ModuleType] = ()) -> None:
        self.generators = generators
        rows = [(vars(module), name, value) for module in modules for name, value in vars(module).items()]
        self.arrays = [
            (names, name, value, value.copy()) for names, name, value in rows
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size <= MAX_GLOBAL
        ]  # fmt: skip
        name, key, *rest = np.random.RandomState(20).get_state(legacy=True)
        self.numpy = (name, np.asarray(key).tolist(), *rest)  # NumPy sets a list 15 times as fast as an array
        self.python = random.Random(20).getstate()
        self.own = [self._state(one) for one in generators]

    @classmethod
    def of(cls, *modules: ModuleType) -> Randomness:
        """The generators of these modules, with np.random and random."""
        kinds = (np.random.Generator, np.random.RandomState, random.Random)
        found = [value for module in modules for value in vars(module).values() if isinstance(value, kinds)]
        return cls(found, modules)

    @staticmethod
    def _state(one: Any) -> Any:
        if isinstance(one, random.Random):
            return one.getstate()
        return one.bit_generator.state if isinstance(one, np.random.Generator) else one.get_state()

    def reset(self, skip: int = 0) -> None:
        """Set all generators back; with `skip`, to another state that depends on it."""
        if skip:
            np.random.seed(skip)
            random.seed(skip)
        else:
            np.random.set_state(self.numpy)
            random.setstate(self.python)
        for one, state in zip(self.generators, self.own, strict=True):
            if isinstance(one, random.Random):
                one.setstate(state)
            elif isinstance(one, np.random.Generator):
                one.bit_generator.state = state
            else:
                one.set_state(state)
            for _ in range(skip % 997):
                one.random()

    def reset_arrays(self) -> None:
        """Set the global arrays back, which a step may have changed."""
        for names, name, array, before in self.arrays:
            names[name] = array
            if not np.array_equal(array, before, equal_nan=True):
                array[...] = before

    def __deepcopy__(self, memo: dict[int, Any]) -> Randomness:
        return self


@dataclass(frozen=True)
class Made:
    """An instance, and the settings that it was constructed with."""

    instance: Any
    settings: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str) -> str:
        """The construction as source: `Dense(4, 3)`."""
        return f"{name}({', '.join(f'{key}={_short(value)}' for key, value in self.settings.items())})"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array {value.shape}"
    if isinstance(value, np.random.Generator):
        return "default_rng(0)"
    name = getattr(value, "__name__", None)
    text = name if isinstance(name, str) else repr(value)
    return text if len(text) < 40 else f"<{type(value).__name__}>"


class Settings(dict[str, Any]):
    """A dict of settings that has a likely value for every key: mode, p, stride, pad, pool_height, n_in, ..."""

    def __missing__(self, key: str) -> Any:
        usual = {"mode": "train", "pool_height": 2, "pool_width": 2, "height": 2, "width": 2, "stride": 1, "pad": 1}
        if key in usual:
            return usual[key]
        for pattern, values in GUESSES:
            if re.search(pattern, str(key).lower()):
                return (values() if callable(values) else values)[0]
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key that was given, or the default; a seed is always given, since None is random."""
        return super().get(key, 0 if default is None and re.search("seed|random_state", str(key)) else default)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class AnyInitializer:
    """Random weights of a shape, from a call or from a method of any name; a vector may be an array of one row."""

    def __init__(self, *, as_row: bool = False) -> None:
        self._as_row = as_row

    def __call__(self, *sizes: Any) -> Array:
        """Weights of the sizes, or of the shape that is the only argument."""
        shape = tuple(map(int, np.ravel(sizes)))
        shape = (1, *shape) if self._as_row and len(shape) == 1 else shape
        return np.random.default_rng(shape).standard_normal(shape) * 0.5

    def __getattr__(self, name: str) -> AnyInitializer:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class AnyActivation:
    """The hyperbolic tangent, with its derivative under any usual name.

    The derivative takes the input or the output of an earlier call; a backward may take dy alone.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[Array, Array]] = []

    def __call__(self, *arguments: Any, **flags: Any) -> Any:
        """The value; with a second argument or a keyword such as derivative=True, the derivative; the class itself."""
        if not arguments:
            return self
        is_slope = arguments[1:2] in ((True,), ("derivative",), ("backward",)) or any(
            value is True for name, value in flags.items() if DERIVATIVE.search(name) or name.lower() == "back"
        )
        return self._slope(arguments[0]) if is_slope else self._value(arguments[0])

    def _value(self, x: Array) -> Array:
        y = np.asarray(np.tanh(x))
        self._calls = [*self._calls[-MAX_CALLS:], (np.array(x), y.copy())]
        return y

    def _slope(self, x: Array, *_: Any) -> Array:
        of_output = not self._is_call(x, 0) and self._is_call(x, 1)
        return np.asarray(1 - np.square(x if of_output else np.tanh(x)))

    def _is_call(self, array: Any, side: int) -> bool:
        return any(np.array_equal(row[side], array) for row in self._calls)

    def _backward(self, *arguments: Any) -> Array:
        """dx, for dy alone, or beside an input or an output of a call; the derivative for one of these alone."""
        known = [one for one in arguments if self._is_call(one, 0) or self._is_call(one, 1)]
        slopes = [one for one in arguments if not any(one is other for other in known)]
        if not slopes:
            return self._slope(known[0])
        at = known[0] if known else self._calls.pop()[0]
        return np.asarray(slopes[0] * (self._slope(at) if known else 1 - np.tanh(at) ** 2))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        if re.search(r"back|bprop|bwd", name):
            return self._backward
        is_slope = DERIVATIVE.search(name) or re.fullmatch(r"d|df|d_\w+|diff\w*|der|slope", name)
        return self._slope if is_slope else self.__call__

    def __repr__(self) -> str:
        return "tanh"


MAX_CALLS = 16  # that an activation remembers


def _tanh_slope(x: Array) -> Array:
    return np.asarray(1 - np.tanh(x) ** 2)


DERIVATIVE = re.compile(r"prime|deriv|grad|^d_?(act|func)")
CONTAINER = re.compile(r"\b(layers|modules|blocks|children|stack|sublayers|components)\b", re.I)


def constructions(
    kind: type, scope: Scope | None = None, limit: int = 6, given: Mapping[str, list[Any]] | None = None
) -> Iterator[Made]:
    """Instances of a class, each with other settings: up to `limit` of them, the most likely ones first.

    `given` has choices for some of its arguments.
    """
    rows = [row for row in parameters_of_call(kind) if row.default is row.empty and row.kind is not row.VAR_KEYWORD
            and (row.kind is not row.VAR_POSITIONAL or (given or {}).get(row.name))]  # fmt: skip
    for row in parameters_of_call(kind):
        if row.kind is row.VAR_KEYWORD:
            names = [key for key in uses_of(kind, row.name).keys if key.isidentifier() and not iskeyword(key)]
            rows += [inspect.Parameter(key, row.KEYWORD_ONLY) for key in names]
    found, large = 0, _large(kind)
    if large:
        for made in itertools.islice(_constructed(kind, [*rows, *large], scope, given or {}), 1):
            yield made
            found += 1
            if found >= limit:
                return
    for chosen in (rows, [*rows, *_unset(kind)]):
        for made in _constructed(kind, chosen, scope, given or {}):
            yield made
            found += 1
            if found >= limit:
                return
        if (found and rows) or not _unset(kind):
            return


def _large(kind: type) -> list[inspect.Parameter]:
    """Arguments whose default is a size of real data, such as 784, larger than a check needs, or 1, which hides.

    With them, the number of heads, which divides such a size.
    """
    rows = [row for row in parameters_of_call(kind) if not re.search("batch|max", row.name)]
    found = [row for row in rows if LARGE.search(row.name) and (
        (type(row.default) is int and row.default > MAX_SIZE)
        or (isinstance(row.default, tuple) and _small_shape(row.default) != row.default)
        or (type(row.default) is int and row.default == 1 and INPUT_OR_OUTPUT.fullmatch(row.name))
    )]  # fmt: skip
    heads = [row for row in rows if "head" in row.name and type(row.default) is int and row not in found]
    return [*found, *heads] if found else []


INPUT_OR_OUTPUT = re.compile(
    r"_?(n_?|num_?)?((in|out|input|output)_?(dims?|size|features|units|nodes|neurons|channels?)?|channels|filters)",
    re.I,
)


MAX_SIZE, SMALL_SIDE = 64, 8
LARGE = re.compile(
    r"(^|_)(in|input|out|output|hidden|hid|h|d|dim|dims|size|shape|features|units|neurons|nodes|classes|vocab\w*|"
    r"embed\w*|n_?[xhyc]|channels?|filters)(_|$)", re.I,
)  # fmt: skip


def _small_shape(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """A shape of an image with short sides."""
    return tuple(SMALL_SIDE if type(size) is int and size > SMALL_SIDE else size for size in shape)


def _unset(kind: type) -> list[inspect.Parameter]:
    """Arguments whose default, 0 or None, leaves a size or a function open."""
    rows = parameters_of_call(kind)
    sizes = [row for row in rows if row.kind is row.POSITIONAL_OR_KEYWORD
             and (row.default is None or (type(row.default) in (int, str) and not row.default))]  # fmt: skip
    return [row for row in sizes if UNSET.search(row.name) and not re.search("seed|init|weight|bias|optim", row.name)]


UNSET = re.compile(
    r"(^|_)(in|out|input|output|n|num|size|dim|len|shape|units|act|activation|channels|features|height|width|kernel|"
    r"filters)(_|$|put)"
)


def _constructed(
    kind: type, rows: list[inspect.Parameter], scope: Scope | None, given: Mapping[str, list[Any]]
) -> Iterator[Made]:
    """Instances with values for these arguments."""
    pair = any(DERIVATIVE.search(row.name) for row in rows)
    choices: list[list[Any]] = [
        given.get(row.name)
        or ([_small_shape(row.default)] if isinstance(row.default, tuple) else guesses(row, scope, kind, pair))
        for row in rows
    ]
    guessed = [choice for choice, row in zip(choices, rows, strict=True) if not given.get(row.name)]
    unknown = [choice for choice in guessed if [type(value) for value in choice[:2]] == [int, float]]
    for choice in unknown[1:]:  # sizes that are equal hide a transposed product
        choice.insert(0, N_OUT)
    inputs = [row.name for row, choice in zip(rows, choices, strict=True) if choice and choice[0] is N_IN]
    for row, choice in zip(rows, choices, strict=True):  # Dense(n_in, size): the same
        if row.name == "size" and row.name in inputs[1:] and not given.get(row.name):
            choice.insert(0, N_OUT)
    for before, choice in itertools.pairwise(guessed):  # two neighbors: of different sizes
        same = len(choice) > 1 and is_object(choice[0]) and type(choice[0]) is type(choice[1]) is type(before[0])
        choice[:2] = choice[1::-1] if same else choice[:2]
    if any(re.match(r"w_?hh?$", row.name, re.I) for row in rows):  # a recurrent layer: weights that fit each other
        choices = [
            _recurrent_biases() if row.name.lower().startswith("b") else choice
            for row, choice in zip(rows, choices, strict=True)
        ]
        combinations = iter(list(zip(*choices, strict=False)))
    else:
        if any(re.search("group", row.name) for row in rows):  # sizes that groups divide
            named = zip((row.name for row in rows), choices, strict=True)
            choices = [choice if "group" in name or type(choice[0]) is not int else [N_GROUPED]
                       for name, choice in named]  # fmt: skip
        combinations = _products(choices)
    for values in itertools.islice(combinations, MAX_CONSTRUCTIONS):
        settings = {row.name: value for row, value in zip(rows, values, strict=True)}
        try:
            np.random.seed(0)
            random.seed(0)
            fresh = _seeds(kind) | copy.deepcopy(settings)
            positional = [fresh.pop(row.name) for row in rows if row.kind is row.POSITIONAL_ONLY]
            several = [row for row in rows if row.kind is row.VAR_POSITIONAL]
            if several:  # all before it by position, too
                positional = [fresh.pop(row.name) for row in rows[: rows.index(several[0])] if row.name in fresh]
                positional += fresh.pop(several[0].name)
            with np.errstate(all="ignore"):
                instance = kind(*positional, **fresh)
            copy.deepcopy(instance)
        except Exception:
            continue
        yield Made(instance, _seeds(kind) | settings)


def _seeds(kind: type) -> dict[str, int]:
    """A number for each seed whose default is None, with which no call would repeat another one."""
    return {
        row.name: 0 for row in parameters_of_call(kind)
        if row.default is None and row.kind in (row.POSITIONAL_OR_KEYWORD, row.KEYWORD_ONLY) and SEED.search(row.name)
    }  # fmt: skip


SEED = re.compile(r"(^|_)(seed|random_state)$", re.I)


def _products(choices: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    """All combinations, those with early choices first."""
    ranks = sorted(
        itertools.islice(itertools.product(*(range(len(row)) for row in choices)), 20_000),
        key=lambda row: (sum(row), max(row, default=0)),
    )
    for row in ranks:
        values = tuple(choice[i] for choice, i in zip(choices, row, strict=True))
        if _fit(values):
            yield values


def _fit(values: tuple[Any, ...]) -> bool:
    """Whether weights and a bias that is next to them have the same number of outputs."""
    shapes: list[tuple[int, ...]] = [value.shape if isinstance(value, np.ndarray) else () for value in values]
    return all(max(b) in (w[0], w[-1]) for w, b in itertools.pairwise(shapes) if len(w) == 4 and 0 < len(b) < 3)


def guesses(
    row: inspect.Parameter, scope: Scope | None = None, owner: Any = None, pair: bool = False
) -> list[Any]:
    """Values to try for a required argument, by its name, its annotation and its uses, the most likely first.

    `pair` means that another argument is the derivative of a function. `owner` is the class to construct, whose
    source is then read.
    """
    usual = _by_name(row, pair)
    likely = usual or _by_type(row)
    found = likely or [N_IN, 0.3, None, "relu", (N_IN, 6), [N_IN, N_HIDDEN, N_OUT]]
    if owner is None:
        return found
    uses = uses_of(owner, row.name)
    if uses.sliced and not likely:  # two sizes are those of a network without a hidden layer
        found = [[N_IN, N_HIDDEN, N_OUT]]
    keys = uses.keys
    if not keys and isinstance(found[0], Settings):
        keys = dict.fromkeys(set(uses.attributes) - set(dir(dict)), ())
    if keys:
        settings = list(itertools.islice(_configurations(keys), MAX_CONFIGURATIONS))
        layers = [two for one in settings if (two := _of_two_layers(one)) is not None] if uses.iterated else []
        return [*layers, *settings, *found]
    if 1 < uses.length <= len(SIZES) and found[0] is N_IN:  # a side of a kernel may be a number or a pair
        return [SIZES[: uses.length], list(SIZES[: uses.length]), *found]
    if uses.texts:
        found = _with_texts(found, uses.texts, first=not usual)
    objects = [] if any(isinstance(value, Step) for value in found) else project_objects(row, uses, owner)
    return [*objects, *found]


MAX_CONFIGURATIONS = 24
SIZES = (N_IN, N_OUT, N_HIDDEN)
"""Of an argument that is indexed."""


def _configurations(keys: Mapping[str, tuple[str, ...]]) -> Iterator[Settings]:
    """Dicts with values for the keys that the code reads; one that is unpacked has a value for each name."""
    choices: list[list[Any]] = []
    for key, names in sorted(keys.items()):
        parts = [_guesses_of(name) for name in names]
        choices.append(list(itertools.islice(_products(parts), 3)) if parts else _guesses_of(key))
    for values in _products(choices):
        yield Settings(zip(sorted(keys), values, strict=True))


def _of_two_layers(one: Settings) -> list[Settings] | None:
    """The settings of two layers that fit each other, from those of one; None if there are no two sizes."""
    ins = [key for key, value in one.items() if type(value) is int and re.search(r"in|prev", key)]
    outs = [key for key, value in one.items() if type(value) is int and key not in ins]
    if not ins or not outs:
        return None
    first, last = copy.deepcopy(one), copy.deepcopy(one)
    first |= {ins[0]: N_IN, outs[0]: N_HIDDEN}
    last |= {ins[0]: N_HIDDEN, outs[0]: N_OUT} | {key: "sigmoid" for key, value in one.items() if value == "relu"}
    return [first, last]


_constructing: list[type] = []
"""The classes that are being constructed: an argument of one may need another, but not itself again."""
NOT_OBJECTS = {*dir(np.ndarray), *dir(dict), *dir(list), *dir(str)}


def project_objects(row: inspect.Parameter, uses: Uses, owner: Any) -> list[Any]:
    """Instances of classes of the project for an argument: those of its annotation, else those with the attributes
    that the code uses. Smooth functions come first; an instance with another size is the last.
    """
    names: dict[str, Any] = getattr(getattr(owner, "__init__", owner), "__globals__", {})
    annotation = names.get(row.annotation) if isinstance(row.annotation, str) else row.annotation
    used = set(uses.attributes)
    if inspect.isclass(annotation) and is_of_project(annotation) and annotation is not row.empty:
        kinds = [annotation, *_subclasses(annotation)]
    elif used and not used & NOT_OBJECTS and not _constructing:
        kinds = [kind for kind in names.values() if inspect.isclass(kind) and is_of_project(kind)]
    else:
        return []
    if len(_constructing) >= MAX_NESTED:
        return []
    found: list[Any] = []
    for kind in sorted(dict.fromkeys(kinds), key=lambda kind: not SMOOTH_NAME.search(kind.__name__)):
        if kind is owner or kind in _constructing or inspect.isabstract(kind) or is_base_class(kind):
            continue
        made = _first_instance(kind)
        if made is not None and (kinds[0] is annotation or all(hasattr(made.instance, name) for name in used)):
            found += [made.instance, *_with_another_size(made)]
        if len(found) >= MAX_OBJECTS:
            break
    return found


def _first_instance(kind: type) -> Made | None:
    """The first instance of a class that is an argument of another; made once."""
    key = id(kind), len(_constructing)
    if key not in _made:
        _constructing.append(kind)
        try:
            _made[key] = kind, next(constructions(kind, None, limit=1), None)
        finally:
            _constructing.remove(kind)
    return _made[key][1]


_made: dict[tuple[int, int], tuple[type, Made | None]] = {}
"""By identity, as in source_text, and by the number of classes around it."""
MAX_OBJECTS, MAX_NESTED = 3, 2
SMOOTH_NAME = re.compile(r"tanh|sigmoid|logistic|softplus|sgd|gradient_?descent", re.I)
LIBRARIES = r"(builtins|numpy|typing|abc|collections|dataclasses|nnlaw|enum|functools)\b"


def is_of_project(thing: Any) -> bool:
    """Whether a class or a function is one of the code under test."""
    return not re.match(LIBRARIES, getattr(thing, "__module__", None) or "builtins")


def is_object(thing: Any) -> bool:
    """Whether a thing is an instance of a class of the code under test."""
    return not inspect.isclass(thing) and not inspect.isroutine(thing) and is_of_project(type(thing))


def _subclasses(kind: type) -> list[type]:
    found: list[type] = []
    children: list[type] = type.__subclasses__(kind)
    for one in children:
        found += [one, *_subclasses(one)]
    return found


def _with_another_size(made: Made) -> list[Any]:
    """The instance with another size, if one size is all that it has."""
    sizes = [name for name, value in made.settings.items() if type(value) is int and value == N_IN]
    if len(sizes) != 1:
        return []
    try:
        return [type(made.instance)(**copy.deepcopy(made.settings | {sizes[0]: N_OUT}))]
    except Exception:
        return []


def _guesses_of(name: str) -> list[Any]:
    """Values for a key of a dict."""
    name = re.sub(r"\W", "_", name)
    return guesses(inspect.Parameter(name if name.isidentifier() and not iskeyword(name) else f"_{name}", POSITIONAL))


def _with_texts(found: list[Any], texts: list[str], first: bool) -> list[Any]:
    """The guesses, with the texts that the code accepts in place of the usual ones."""
    usual = [*SMOOTH, *(value.lower() for value in found if isinstance(value, str))]
    known = sorted(filter(None, texts), key=lambda text: usual.index(text.lower()) if text.lower() in usual else 99)
    others = [value for value in found if not isinstance(value, str)]
    if isinstance(found[0], list) and isinstance(found[0][0], str):  # one for each layer
        rows = [[text] * count for count in (2, 3) for text in known[:3]]
        return [*rows, *found]
    start = first or isinstance(found[0], str)
    return [*known[:MAX_TEXTS], *others] if start else [*others, *known[:MAX_TEXTS]]


MAX_TEXTS = 8
SMOOTH = ("sigmoid", "logistic", "tanh")
POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def _by_name(row: inspect.Parameter, pair: bool) -> list[Any]:
    """Values for an argument by its name; an empty list for any other name."""
    name = row.name.strip("_")
    low = snake_case(name)
    if pair and DERIVATIVE.search(name):
        return [_tanh_slope]
    if pair and re.search(r"act|func|^fn?$", low):
        return [np.tanh]
    if re.search(r"config|cfg|options|params$|parameters$|hparam|settings|^args$|^opts?$", low):
        return [Settings()]
    for pattern, values in GUESSES:
        if re.search(pattern, low):
            found = values() if callable(values) else values
            return list(found)
    return []


def _by_type(row: inspect.Parameter) -> list[Any]:
    """Values for an argument by its annotation, or by the word weight or bias in its name."""
    kind, low = row.annotation, row.name.lower()
    if kind in (float, "float"):
        return [0.3, 1.0]
    if kind in (bool, "bool"):
        return [True, False]
    if kind in (str, "str"):
        return ["relu", "same", "mean"]
    if kind in (int, "int"):
        return [N_IN, N_OUT, 2]
    if low in ("w", "a") or "weight" in low:
        return [np.random.default_rng(1).standard_normal((N_IN, N_OUT))]
    if low == "b" or "bias" in low:
        return [np.random.default_rng(2).standard_normal(N_OUT), np.random.default_rng(2).standard_normal((1, N_OUT))]
    return []


def snake_case(name: str) -> str:
    """A name in lower case, its words separated by underscores: `num_neurons` of `numNeurons`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _weights() -> list[Any]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal((N_IN, N_OUT)), rng.standard_normal((2, 3, 2, 3)), rng.standard_normal((N_OUT, N_IN))]


def _recurrent(rows: int) -> list[Any]:
    """Weights of a recurrent layer, an LSTM and a GRU, which have one, four and three blocks."""
    rng = np.random.default_rng(rows)
    return [rng.standard_normal((rows, blocks * N_HIDDEN)) for blocks in (1, 4, 3)]


def _recurrent_biases() -> list[Any]:
    rng = np.random.default_rng(9)
    return [rng.standard_normal(blocks * N_HIDDEN) for blocks in (1, 4, 3)]


def _biases() -> list[Any]:
    rng = np.random.default_rng(2)
    return [rng.standard_normal(shape) for shape in (N_OUT, 2, (1, N_OUT), (N_OUT, 1))]


PENALTIES = re.compile(
    r"(^|_)(l1|l2|reg|regulari[sz]\w*|weight_?decay|wd|lambd|lambda_?\w*|lamb?|penalty|decay_?rate)(_|$)|^clip", re.I
)
"""Names of penalties on weights; what they add to a gradient belongs to no output."""
IMAGES = [(2, 4, 6), (4, 6, 2), (4, 6), (5, 2, 4, 6), (N_IN,), N_IN, (None, N_IN), (5, N_IN)]

GUESSES: list[tuple[str, list[Any] | Callable[[], list[Any]]]] = [
    (r"^(rng|random_generator|generator)$", lambda: [np.random.default_rng(0), np.random.RandomState(0)]),
    (r"seed|random_state", [0]),
    (PENALTIES.pattern, [0.0, None]),
    (r"^(wx|w_?xh|w_?x)$", lambda: _recurrent(N_IN)),
    (r"^(wh|w_?hh|w_?h|u)$", lambda: _recurrent(N_HIDDEN)),
    (r"^(weights?|w|kernel_weights)$", _weights),
    (r"^(bias|biases|b)$", _biases),
    (r"^(gamma)$", lambda: [np.random.default_rng(3).uniform(0.5, 1.5, N_IN)]),
    (r"^(beta)$", lambda: [np.random.default_rng(4).standard_normal(N_IN), 0.9]),
    (r"(pool|kernel|filter|window|field)\w*shape", [(2, 3), (2, 2), 2]),
    (r"shape", IMAGES),
    (r"(layer|network|net)_?(sizes|dims|shapes?)|^(sizes|dims|layers_?dims|topolog\w*|archi?\w*|arquite\w*|structure|layout)$",
     [[N_IN, N_HIDDEN, N_OUT], (N_IN, N_HIDDEN, N_OUT), N_OUT]),
    (r"^(prev|previous|input|in|n_in|fan_in)_\w*(neurons|units|nodes|size|dim|features|n)$", [N_IN]),
    (r"^(n_?)?(neurons|nodes|units)(_?(per|by|of)_?layers?)?$|^layers?_?(neurons|units|nodes)$",
     [N_OUT, [N_IN, N_HIDDEN, N_OUT], [N_HIDDEN, N_OUT]]),
    (r"^(hidden_?)?layers$", [[N_IN, N_HIDDEN, N_OUT], (N_IN, N_HIDDEN, N_OUT), 2, N_OUT]),
    (r"use_?bias|has_?bias|bias_?flag", [True]),
    (r"(drop|keep).*(rate|prob|p$)|^(rate|p|ratio|prob|keep|dropout|drop_?prob|probability)$", [0.4]),
    (r"learning_?rate|^lr$|^eta$|learn_?rate", [0.5]),
    (r"momentum|decay|^rho$|beta_?[12]$", [0.9]),
    (r"^(eps|epsilon)$", [1e-5]),
    (r"^(alpha|slope|negative_slope|leak|scale|gain|threshold)$", [0.3]),
    (r"init\w*_(fn|func(tion)?)$", lambda: [AnyInitializer(), AnyInitializer(as_row=True)]),
    (r"activations$|act(ivation)?_?(fns|functions|funcs)$|^acts$",
     lambda: [["relu", "sigmoid"], ["tanh", "sigmoid"], ["relu", "relu", "sigmoid"], [AnyActivation(), AnyActivation()],
              AnyActivation(), "sigmoid"]),
    (r"activation|act_?fn|^act$|nonlinearity|^fn$|func",
     lambda: ["relu", "sigmoid", AnyActivation(), "tanh", None, "Sigmoid", "linear"]),
    (r"optimi[sz]er|^opt$", lambda: [None, "sgd", Step(1.0, in_place=True), Step(1.0)]),
    (r"init", lambda: ["xavier", "he", "random", None, "normal", AnyInitializer()]),
    (r"pad", [0, 1, "same", "valid", (0, 0), (1, 1)]),
    (r"stride|step", [1, 2, (1, 1), (2, 2)]),
    (r"pool(ing)?_?(type|mode|method|kind)", ["max", "average", "avg", "mean"]),
    (r"pool.*size|pool_?(h|w|height|width)|^pool|window", [2, (2, 2)]),
    (r"^[hw]_?(field|kernel|filter)$", [2]),
    (r"(kernel|filter|field).*(size|dim|shape|h$|w$|height|width)|^(k|f|kh|kw|fh|fw|ksize|size_filter)$|^kernel$",
     [2, 3, (2, 3), (3, 3)]),
    (r"group", [2, 1, 3]),
    (r"(^|_)(out|num|n|nb|number|count).*(filter|kernel|channel|map)|filters?$|(out|output)_?(ch|c|depth|channels)$",
     [N_OUT]),
    (r"^(n_?f|c_?out|nf)$", [N_OUT]),
    (r"(in|input|prev).*(channel|depth|ch$|planes)|channels?$|depth|^(c_?in|c|ic|nc)$", [2, 1]),
    (r"(img|image|input)_?(h|height|rows)$|^(h|height)$", [4]),
    (r"(img|image|input)_?(w|width|cols)$|^(w|width)$", [6]),
    (r"batch", [N]),
    (r"(seq|sequence|time|context|block|max)_?(len|length|steps?|size)|^(t|seq|timesteps)$", [6]),
    (r"vocab|num_?embeddings|n_?tokens|dictionary", [7]),
    (r"head", [2, 1]),
    (r"^(n|num|nb|number)_?(of_?)?(hidden_?)?layers$", [2, 1]),
    (r"hidden_?\w*(sizes|dims|layers|units|nodes|neurons|channels)$|^hiddens$", [[N_HIDDEN], N_HIDDEN, (N_HIDDEN,)]),
    (r"hid|^h_?(dim|size)?$|d_?ff|latent|^nh$|n_?state|state_?(size|dim)|^n_?h$|recurrent|^n_a$", [N_HIDDEN, N_IN]),
    (r"embed|d_?model|emb_?dim|^d$|^d_?k$|^dim$|^features?$|num_?features|n_?features", [N_IN]),
    (r"(out|output|next|curr|fan_?out|classes|labels|neurons|units|nodes|n_?y|^m$|^o$|d_?out|^out)", [N_OUT]),
    (r"(in|input|prev|fan_?in|n_?x|^n$|^i$|d_?in|^size$|^width$)", [N_IN]),
]
"""Values to try by the argument's name, in the order in which the names are looked up."""


def standard_input(shape: tuple[int, ...], seed: int) -> Array:
    """A float64 batch: Gaussian numbers, none of them close to 0."""
    return _sampled(shape, seed).copy()


@lru_cache(maxsize=200)
def _sampled(shape: tuple[int, ...], seed: int) -> Array:
    x = np.random.default_rng((seed, 7)).standard_normal(shape)
    return np.asarray(x + 0.05 * np.sign(x))


def indices(shape: tuple[int, ...], size: int, seed: int) -> Array:
    """A float64 batch of indices of a table of `size` rows: as many different ones as fit, one of them at least twice.

    Random ones could be few by chance, or each come once, which hides an update that does not add.
    """
    rng, count = np.random.default_rng(seed), int(np.prod(shape))
    different = rng.permutation(size)[: max(1, count - 1)]
    return rng.permutation(np.resize(different, count)).reshape(shape).astype(np.float64)
