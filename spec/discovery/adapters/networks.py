"""Whole networks in one class: forward, and a method that computes the gradients of all parameters or takes a step.

How the methods are called, what the targets are, and where parameters and gradients are kept is worked out by trying.
The loss is the network's own or, otherwise the usual ones are tried. The code may leave a factor to its learning
rate, such as 1/N: it must be common to all gradients, and is printed.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import signature_of
from nnlaw.spec.discovery.adapted_network import (
    FACTORS,
    ROLES,
    USUAL_LOSSES,
    AdaptedNetwork,
    Arguments,
    Call,
    NetworkPlan,
    NetworkRun,
    roles_of,
)
from nnlaw.spec.discovery.adapters.layers import is_rate, layer_methods, likely_sizes
from nnlaw.spec.discovery.adapters.losses import VALUES
from nnlaw.spec.discovery.argument_uses import parsed
from nnlaw.spec.discovery.averaging_updates import averaging_update
from nnlaw.spec.discovery.calls import N_IN, N_OUT, Made, N, Randomness, standard_input
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.match_gradients import Kept, match
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.parameters import Aliases, named_places, off_zero, parameters_of
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.second_settings import defaults_of, with_settings
from nnlaw.spec.discovery.sequences import (
    LAYOUTS_OF_SEQUENCES,
    is_recurrent,
    length_of,
    outputs_of,
    state_shapes,
)
from nnlaw.spec.discovery.slots import (
    UNUSED,
    Slot,
    array_slots,
    is_user_object,
    leaves,
    number_leaves,
    number_slots,
)
from nnlaw.spec.discovery.stacks import built
from nnlaw.spec.discovery.trained_numbers import BIAS_NAME, trained_numbers
from nnlaw.spec.subjects.cases import Case, ModelCase
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.settings import PENALTIES, second_value, second_values
from nnlaw.spec.violation import Location

FORWARD = re.compile(
    r"^_*(forward\w*|feed_?forward\w*|fprop|propagate|predict_?proba\w*|query|predict\w*|scores?|run|think|output\w*|"
    r"compute_?output\w*|activate|__call__|call|classify|evaluate|inference|infer|hypothesis|net|fp|fwd|"
    r"reconstruct\w*)$", re.I,
)  # fmt: skip
GRADIENT = (
    re.compile(r"back|bprop|bptt|through_?time|^_*bp$", re.I),
    re.compile(r"grad|prime|deriv", re.I),
    re.compile(r"^_*(\w*loss\w*|\w*cost\w*)$", re.I),
    re.compile(r"train|learn|update|step|optimi", re.I),
    re.compile(r"^fit|sgd|descent", re.I),
)
GRADIENT_WORDS = re.compile(r"prime|deriv|grad|back|delta|d_loss|dloss|bprop", re.I)
LOSS = re.compile(r"loss|cost|error|entropy|objective|mse|criterion|^_?J$", re.I)
IN_THE_LOSS = re.compile(rf"{PENALTIES.pattern}|smoothing|temperature|slope|leak|delta", re.I)
"""Names of settings that change the loss and the gradient alike; others, such as a momentum, change the step."""
AGREES = 1e-4
TRIALS, PATIENCE = 400, 40  # calls that are tried for one class, and after one that agrees in part with its own loss
SYMBOLS = "N samples, C outputs, T steps"
MAX_SIZE = 4096  # of one input
LAYOUTS_TRIED = ("rows", "columns", "one column", "one row", "one", "batch of one row", "batch of one column",
                 "rows of columns")  # fmt: skip


def adapt(scope: Scope) -> Iterator[Found]:
    """The networks of the module."""
    for name, kind in list(scope.classes.items()):
        if not is_base_class(kind) and (layer_methods(kind) is None or _takes_both(kind)):
            found = network_in(kind, name, scope)
            if found is not None:
                yield found


def _takes_both(kind: type) -> bool:
    """Whether backward takes inputs and targets and there is a loss, or follows one that takes both.

    Else it is that of a layer.
    """
    methods = layer_methods(kind)
    roles = roles_of_method(getattr(kind, methods[1])) if methods else None
    has_loss = any(LOSS.search(name) and hasattr(getattr(kind, name), "__code__") for name in dir(kind))
    if roles == ():
        return bool(_losses_before(kind))
    return roles is not None and has_loss and {"x", "t"} <= {role for role, _ in roles}


def _losses_before(kind: type) -> list[Call]:
    """Methods that compute the loss of inputs and targets, which a backward without arguments follows."""
    names = [name for name in dir(kind) if LOSS.search(name) and not GRADIENT_WORDS.search(name)]
    calls = [(name, roles_of_method(getattr(kind, name))) for name in names]
    return [Call(name, roles) for name, roles in calls if roles and {role for role, _ in roles} == {"x", "t"}]


def network_in(kind: type, name: str, scope: Scope) -> Found | None:
    """The class as a network; None if none of its methods takes inputs and targets."""
    methods = gradient_methods(kind)
    if not methods:
        return None
    instances = list(instances_of(kind, scope))
    style = f"network with {methods[0]}"
    location = class_location(kind)
    if not instances:
        try:
            signature = str(inspect.signature(kind))
        except (TypeError, ValueError):
            signature = ""  # such as of `def __init__():`
        reason = f"can't construct {name}{signature}; pass an instance: check({name}(...), x)"
        return Found("model", name, style, location, kind, reason=reason)
    return found_of(instances, methods, name, style, location, kind, Randomness.of(scope.module))


def found_of(
    instances: list[Instance], methods: list[str], name: str, style: str, location: Location, thing: Any,
    randomness: Randomness, names: tuple[str, ...] = (),
) -> Found | None:  # fmt: skip
    """The best way to call one of the instances."""
    best: Trial | None = None
    since = 0
    for one in instances:
        for trial in itertools.islice(trials(one, methods, randomness), TRIALS):
            single = trial.network.plan.layout.single
            if best is not None and best.complete and single > best.network.plan.layout.single:
                break  # a batch of one sample hides factors of the batch size
            since += 1
            if best is None or trial.score > best.score:
                best, since = trial, 0
            if trial.right or (best.own and best.complete and best.agreeing and since > PATIENCE):
                break
        if best is not None and (best.right or (best.complete and best.agreeing)):
            break
    if best is None:
        return None if not any(has_weights(one.made.instance) for one in instances) else Found(
            "model", name, style, location, thing, names=names,
            reason=f"found no inputs and targets that {name}.{methods[0]} takes; pass them: check({name}(...), x, y)",
        )  # fmt: skip
    return best.found(name, style, location, thing, names)


def has_weights(instance: Any) -> bool:
    """Whether an instance holds an array of floats."""
    return any(array.dtype.kind == "f" and array.ndim for _, array in array_slots(instance))


def gradient_methods(kind: type) -> list[str]:
    """Methods that may compute gradients of a loss, by their names and arguments, the most likely first."""
    own = [name for name in dir(kind) if not name.startswith("__") and callable(getattr(kind, name, None))]
    found: list[str] = []
    losses = [name for name in own if LOSS.search(name) and not GRADIENT_WORDS.search(name)]
    alone = any([role for role, _ in roles_of_method(getattr(kind, name)) or ()] == ["x"] for name in losses)
    alone = alone or any(re.match("decode|reconstruct", name, re.I) for name in own)
    bare = [name for name in own if _is_network_call(getattr(kind, name), alone)]
    constructor = roles_of(kind, training=True) or ()
    data = {"x", "t"} <= {role for role, _ in constructor}
    if _losses_before(kind):
        bare += [name for name in own if GRADIENT[0].search(name) and roles_of_method(getattr(kind, name)) == ()]
    for pattern in GRADIENT:
        found += [
            name for name in own
            if pattern.search(name) and name not in found and (name in bare or (data and pattern is GRADIENT[0]))
        ]  # fmt: skip
    return found


def _is_network_call(method: Any, alone: bool) -> bool:
    """Whether a method takes targets or, with `alone`, inputs without them, as that of an autoencoder."""
    roles = [role for role, _ in roles_of_method(method) or ()]
    bare = alone and roles[:1] == ["x"] and set(roles) <= {"x", "rate", "epochs", "count", "false"}
    return "t" in roles or bare or roles_with_pairs(method) is not None


def roles_of_method(method: Any) -> Arguments | None:
    """The roles of the arguments of a method of a class, without self; None if it gets gradients, and takes a step."""
    if not hasattr(method, "__code__") or any(GIVEN_GRADIENTS.search(row.name) for row in required_of(method)):
        return None
    rows = list(inspect.signature(method).parameters.values())
    return roles_of(_Signature(rows[1:] if rows and rows[0].name in ("self", "cls") else rows), training=True)


GIVEN_GRADIENTS = re.compile(r"(^|_)(grads|gradients|delta)(_|$)", re.I)
PAIRS = re.compile(r"^(training_?data|train_?data|train_?set|training_?set|mini_?batch|batch|pairs|data_?set)$", re.I)


def roles_with_pairs(method: Any) -> Arguments | None:
    """The roles of a method that takes a list of pairs of input and target; None if it is not such a method."""
    roles = roles_of_method(method)
    rows = list(inspect.signature(method).parameters) if roles is not None else []
    is_list = sum(bool(PAIRS.match(name)) for name in rows) == 1 and "t" not in [role for role, _ in roles or ()]
    return tuple(("pairs" if role == "x" else role, key) for role, key in roles or ()) if is_list else None


class _Signature:
    """A callable with the given arguments."""

    def __init__(self, rows: list[inspect.Parameter]) -> None:
        self.__signature__ = inspect.Signature(rows)

    def __call__(self) -> None:
        """Only the signature is used."""


@dataclass(frozen=True)
class Instance:
    """An instance, with the attributes with the inputs and targets that its constructor got."""

    made: Made
    data: tuple[tuple[Slot, str], ...] = ()


def instances_of(kind: type, scope: Scope) -> Iterator[Instance]:
    """Instances to try."""
    for made in built(kind, scope, limit=3):
        if not has_weights(made.instance):
            yield from (Instance(replace(made, instance=thing)) for thing in _trained(made.instance))
        yield Instance(made)
    roles = roles_of(kind, training=True) or ()
    if {"x", "t"} <= {role for role, _ in roles}:
        x, t = standard_input((N, N_IN), 0), np.eye(N_OUT)[np.arange(N) % N_OUT]
        values = {"x": x, "t": t, "rate": 0.5, "epochs": 1, "count": N, "zero": 0.0, "false": False, "true": True}
        if all(role in values for role, _ in roles):
            try:
                named = [row.name for row in inspect.signature(kind).parameters.values() if row.default is row.empty]
                given = dict(zip(named, [values[role] for role, key in roles if not key], strict=False))
                instance = kind(**given, **{key: values[role] for role, key in roles if key})
            except Exception:
                return
            slots = [(slot, role) for slot, array in array_slots(instance) for role, value in (("x", x), ("t", t))
                     if array.shape == value.shape and np.array_equal(array, value)]  # fmt: skip
            yield Instance(Made(instance, {"x": x, "y": t}), tuple(slots))


def _trained(instance: Any) -> Iterator[Any]:
    """An instance without arrays, after a method that trains it on a batch and makes its weights."""
    kind = type(instance)
    methods = [name for name in dir(kind) if re.match("train|fit|learn", name) and roles_of_method(getattr(kind, name))]
    x, labels = _data(N, (N_IN,), 0)
    for method, name in itertools.product(methods, ("rows", "columns")):
        for targets in ("labels", "one-hot"):
            roles = roles_of_method(getattr(kind, method)) or ()
            plan = NetworkPlan(LAYOUTS[name], (N_IN,), N_OUT, targets, Call(method, roles))
            try:
                run = AdaptedNetwork(instance, plan, Randomness([]))._runs(x, labels, 0.5)[0]
                with np.errstate(all="ignore"):
                    run.compute()
            except Exception:
                continue
            if any(set(array.shape) == {N_IN, N_OUT} for _, array in array_slots(run.thing)):
                yield run.thing


@dataclass
class Trial:
    """One way to call a network, and how many of its gradients agree with the slopes of its loss."""

    network: AdaptedNetwork
    x: Array
    labels: Array
    made: Made
    agreeing: int = 0
    total: int = 1
    own: bool = False
    shapes: bool = True
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every parameter has a gradient of its shape, of a loss that is known."""
        return (self.own or self.agreeing > 0) and not set(self.missing) - {"loss"} and self.shapes

    @property
    def right(self) -> bool:
        """Whether all gradients agree, with one factor."""
        return self.agreeing == self.total and not set(self.missing) - {"loss"}

    @property
    def score(self) -> tuple[float, ...]:
        """A higher one is better."""
        share = self.agreeing / self.total
        sequence = self.network.plan.sequence and self.complete and self.agreeing > 0
        return (sequence, share == 1, share, self.own, -len(self.missing), self.total)

    def found(self, name: str, style: str, location: Location, thing: Any, names: tuple[str, ...]) -> Found:
        """The Found, without readings if nothing agrees with a loss that was only guessed."""
        plan = self.network.plan
        if not self.own and self.agreeing == 0:
            reason = (
                f"its loss is unknown: {plan.gradient.method} does not compute the gradients of a usual loss; "
                "add a method loss(x, y) that returns it"
            )
            return Found("model", name, style, location, thing, reason=reason, names=names)
        params = self.network.params
        notes = [] if self.own else [f"loss: {plan.loss}"]
        if plan.factor != "1":
            notes.append(f"convention: all gradients have the factor {plan.factor} ({SYMBOLS})")
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            if self.network.adds_up(self.x, self.labels):
                notes.append("gradients are added to those of earlier calls; set them to 0 before each call")
        if plan.steps:
            notes.append("gradients: the step that the code takes, divided by the learning rate")
        made = self.made if self.own and plan.factor == "1" else None
        reading = Reading(
            describe(plan, self.made, name),
            partial(_cases, name, self.network, self.x.shape[1:], made),
            tuple(f"{key} {params[key].shape}" for key in plan.grads),
            dict(self.missing),
            tuple(notes),
        )
        return Found("model", name, style, location, thing, (reading,), names=names)


def describe(plan: NetworkPlan, made: Made, name: str) -> str:
    """How the network is called."""
    calls = [str(call) for call in (plan.forward, plan.before, plan.gradient) if call is not None]
    loss = str(plan.loss) if isinstance(plan.loss, Call) else ""
    text = f"{made.call(name)}: {', '.join(calls)}" + (f"; loss: {loss}" if loss else "")
    if hasattr(made.instance, "describe_functions"):
        text = made.instance.describe_functions()
    return f"{text}; {plan.layout.describe}; targets: {plan.targets}"


def _cases(
    name: str, network: AdaptedNetwork, sample: tuple[int, ...], made: Made | None, seed: int
) -> list[Case]:
    """Two batches; if the loss is the code's own, another one at second values of the settings that change it."""
    found: list[ModelCase] = []
    for count in (N, N - 1):
        x, labels = _data(count, sample, seed)
        subject = subject_of(copy.deepcopy(network))
        found.append(ModelCase(name, subject, _no_model, x, labels, seed=seed, name=name, registered=False))
    if made is not None:
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            second = second_network(network, made, found[-1].x, found[-1].labels)
            if second is not None:
                path = with_settings(name, second[1])
                found.append(replace(found[-1], model=subject_of(second[0]), path=path, is_second=True))
    return list(found)


def second_network(
    network: AdaptedNetwork, made: Made, x: Array, labels: Array
) -> tuple[AdaptedNetwork, dict[str, float]] | None:
    """The network with second values of its settings, such as penalties, and these; None if its loss is the same."""
    defaults = {name: value for name, value in defaults_of(type(network.instance)).items() if name not in made.settings}
    changed = {
        name: value for name, value in second_values(defaults, penalties=True).items() if IN_THE_LOSS.search(name)
    }
    given = {name: second_value(0.0) for name in made.settings if PENALTIES.search(name)}
    if hasattr(network.instance, "penalty"):  # it is made of functions
        return _second_functions(network, x, labels)
    if not changed and not given:
        return None
    instance = type(network.instance)(**copy.deepcopy(made.settings | given), **changed)
    for name, slots in network.plan.aliases.items():
        for slot in slots:
            slot.set(instance, network.params[name].copy())
    second = AdaptedNetwork(instance, network.plan, network.randomness)
    return (second, changed | given) if _changes_the_loss(network, second, x, labels) else None


def _second_functions(
    network: AdaptedNetwork, x: Array, labels: Array
) -> tuple[AdaptedNetwork, dict[str, float]] | None:
    instance = copy.deepcopy(network.instance)
    instance.penalty = second_value(0.0)
    second = AdaptedNetwork(instance, network.plan, network.randomness)
    names = inspect.signature(instance.source_of("backward")).parameters
    changed = {name: instance.penalty for name in names if PENALTIES.search(name)}
    return (second, changed) if changed and _changes_the_loss(network, second, x, labels) else None


def _changes_the_loss(first: AdaptedNetwork, second: AdaptedNetwork, x: Array, labels: Array) -> bool:
    before, after = (each.loss_and_grads(x, labels)[0] for each in (first, second))
    return bool(np.isfinite(after) and after != before)


def _no_model(rng: np.random.Generator) -> None:
    return None


def _data(count: int, sample: tuple[int, ...], seed: int) -> tuple[Array, Array]:
    return standard_input((count, *sample), seed), np.random.default_rng((seed, 3)).permutation(np.arange(count) % 6)


def trials(one: Instance, methods: list[str], randomness: Randomness) -> Iterator[Trial]:
    """Ways to call a network, the most likely first."""
    instance = one.made.instance
    forwards = list(_forward_calls(instance, methods))
    for blank in _inputs(one, methods):
        x, labels = _data(N, blank.sample, 0)
        starts = list(_starts(one, forwards, blank, x, labels, randomness))
        calls = [(method, roles_of(getattr(instance, method), training=True)) for method in methods]
        before = _losses_before(type(instance))
        if blank.layout.single:
            calls += [(method, roles_with_pairs(getattr(type(instance), method, None))) for method in methods]
        for start, (method, roles) in itertools.product(starts, calls):
            if roles is None or (any(role == "cache" for role, _ in roles) and start.forward is None):
                continue
            if start.state is not None and not any(role == "state" for role, _ in roles) and start.forward is None:
                continue
            start = replace(start, gradient=Call(method, roles), before=before[0] if before and not roles else None)
            for plan in _target_plans(start, _takes_vector(instance, method)):
                if _runs(instance, plan, x, labels, randomness):
                    yield from _trials_of(one, plan, x, labels, randomness)
                    if plan.targets == "binary vector":
                        break


def _runs(instance: Any, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness) -> bool:
    """Whether the calls of a plan run, with another number of samples as well: a layout may fit one by chance."""
    try:
        for count in (N, N - 1):
            AdaptedNetwork(instance, plan, randomness)._runs(x[:count], labels[:count], 0.5)[0].compute()
    except Exception:
        return False
    return True


def _forward_calls(instance: Any, methods: list[str]) -> list[Call]:
    names = [name for name in dir(instance) if FORWARD.match(name) and callable(getattr(instance, name))]
    names.sort(key=lambda name: (not re.search(r"forward|fprop|propagate", name, re.I), name.startswith("_")))
    found = []
    for name in names:
        roles = roles_of(getattr(instance, name), training=False)
        known = roles is not None and {role for role, _ in roles} <= {"x", "x2", "true", "false", "state"}
        if roles is not None and known and hasattr(getattr(instance, name), "__code__"):
            found.append(Call(name, roles))
    return found


def _inputs(one: Instance, methods: list[str]) -> Iterator[NetworkPlan]:
    """Plans with a layout and the shape of one input only; those of sequences first if the code is recurrent."""
    instance = one.made.instance
    rates = tuple(slot for slot in number_slots(instance) if is_rate(slot.key))
    blank = NetworkPlan(LAYOUTS["rows"], (), N_OUT, "one-hot", Call(""), data=one.data, rates=rates)
    if is_recurrent(*getattr(instance, "functions", [type(instance)])):
        steps, sizes = length_of(instance, one.made.settings), likely_sizes(one.made)
        blank = replace(blank, sequence=True)
        for name, size in itertools.product(LAYOUTS_OF_SEQUENCES, sizes[:4]):
            yield replace(blank, layout=LAYOUTS[name], sample=(steps, size))
        for name, size in itertools.product(("one", "rows", "columns"), sizes):
            yield replace(blank, layout=LAYOUTS[name], sample=(steps,), integers=size)
        blank = replace(blank, sequence=False)
    if any(role == "x2" for name in methods for role, _ in roles_of(getattr(instance, name), training=True) or ()):
        for name, (sample, _) in itertools.product(LAYOUTS_TRIED[:5], _samples(one)):
            yield replace(blank, layout=LAYOUTS[name], sample=(2, *sample), pair=True)
    for name, (sample, integers) in itertools.product(LAYOUTS_TRIED, _samples(one)):
        yield replace(blank, layout=LAYOUTS[name], sample=sample, integers=integers)


def _samples(one: Instance) -> list[tuple[tuple[int, ...], int]]:
    """Shapes of one input; with the number of different integers, if it is one of these."""
    if one.data:
        return [((N_IN,), 0)]
    sizes = likely_sizes(one.made)
    large = [size for _, array in array_slots(one.made.instance) for size in array.shape if array.ndim == 2]
    sizes += [size for size in dict.fromkeys(large[:8]) if 64 < size <= MAX_SIZE]
    images = any(array.ndim == 4 for _, array in array_slots(one.made.instance))
    channels = [c for c in sizes if c <= 4] if images else []
    shapes: list[tuple[int, ...]] = [*((c, 6, 8) for c in channels), *((6, 8, c) for c in channels)]
    return [*((shape, 0) for shape in shapes), *(((size,), 0) for size in sizes[:7]), ((), max(sizes))]


def _starts(
    one: Instance, forwards: list[Call], blank: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> Iterator[NetworkPlan]:
    """Plans whose forward runs, with the number of its outputs; without forward, guesses of it."""
    works: list[NetworkPlan] = []
    shapes = [None, *(state_shapes(one.made.instance, blank.layout) if blank.sequence else [])]
    for call in forwards:
        if works and not re.search(r"forward|fprop|propagate", call.method, re.I):
            continue
        states = shapes if any(role == "state" for role, _ in call.arguments) else [None]
        for plan in (replace(blank, forward=call, state=state) for state in states):
            try:
                run = AdaptedNetwork(one.made.instance, plan, randomness)._runs(x, labels, 1.0)[0]
                found = list(_with_outputs(plan, run))
            except Exception:
                continue
            works += found
            if found:
                break
    for plan in works[:2]:
        yield plan
    if works:
        yield replace(works[0], forward=None, output=works[0].forward)
    elif blank.sequence:
        for outputs, times in itertools.product(dict.fromkeys([blank.integers or N_OUT, N_OUT]), (blank.sample[0], 0)):
            yield from (replace(blank, outputs=outputs, times=times, state=state) for state in shapes)
    else:
        yield from (replace(blank, outputs=count) for count in (N_OUT, 2, 1))


def _with_outputs(plan: NetworkPlan, run: NetworkRun) -> Iterator[NetworkPlan]:
    """The plan with the number of outputs, for each value that may be the output."""
    y = run.forward()
    if plan.sequence:
        for place, rows in outputs_of(run.context["cache"], plan.layout, run.samples, plan.sample[0]):
            yield replace(plan, part=place, outputs=rows.shape[-1], times=plan.sample[0] * (rows.ndim == 3))
    elif np.asarray(y).dtype.kind == "f" and (count := _outputs(np.asarray(y), plan.layout)):
        yield replace(plan, outputs=count)


def _outputs(y: Array, layout: Layout) -> int:
    """The number of outputs; 0 if the samples are elsewhere."""
    if layout.single:
        return y.size if y.size <= 64 and sorted(y.shape)[:-1] == [1] * (y.ndim - 1) else 0
    y = layout.to_rows(y) if layout.name == "rows of columns" else y
    if y.ndim not in (1, 2) or y.shape[-1 if layout.name == "columns" else 0] != N:
        return 0
    return 1 if y.ndim == 1 else y.size // N


def _takes_vector(instance: Any, method: str) -> bool:
    """Whether the source gives targets an axis, so that they are a vector: its loss must not broadcast them."""
    for thing in getattr(instance, "functions", [getattr(type(instance), method, None)]):
        tree = parsed(thing) if hasattr(thing, "__code__") else None
        names = [row.name for row in arguments_of(thing) if ROLES["t"].match(row.name)] if tree is not None else []
        text = ast.unparse(tree) if tree is not None else ""
        named = "|".join(map(re.escape, names))
        if named and re.search(rf"\b({named})(\.reshape\(\(?-1, 1\)|\[:, (None|np\.newaxis)\])", text):
            return True
    return False


def _target_plans(plan: NetworkPlan, is_vector: bool = False) -> Iterator[NetworkPlan]:
    """The kinds of targets to try; with `is_vector`, one number per sample first."""
    kinds: tuple[str, ...] = ("one-hot", "labels") if plan.outputs > 1 else ("binary", "binary vector")
    kinds = kinds[::-1] if is_vector and plan.outputs == 1 else kinds
    arguments = (plan.before or plan.gradient).arguments
    if not any(role in ("t", "pairs") for role, _ in arguments) and plan.sample and not plan.data:
        plan = replace(plan, outputs=plan.sample[-1]) if plan.forward is plan.output is None else plan
        kinds = ("the input",) if plan.outputs == plan.sample[-1] and not plan.integers else ()
    for kind in kinds:
        yield replace(plan, targets=kind)


def _trials_of(
    one: Instance, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> Iterator[Trial]:
    """A plan with parameters, gradients and each loss that it may be of; nothing if a call fails."""
    try:
        with np.errstate(all="ignore"):
            plan = _with_gradients(one, plan, x, labels, randomness)
    except Exception:
        return
    if not plan.grads:
        return
    missing = {name: "no gradient was found" for name in plan.aliases if name not in plan.grads}
    missing |= dict.fromkeys(plan.unused, UNUSED)
    aliases = {name: slots for name, slots in plan.aliases.items() if name in plan.grads}
    plan = replace(plan, aliases=aliases)
    instance = _moved(one.made.instance, aliases)
    losses = list(own_losses(instance, plan, x, labels, randomness))
    own = bool(losses)
    uncalled = [] if own else loss_methods(instance)
    if uncalled:
        missing["loss"] = f"{uncalled[0]} was not called; the gradients are compared with a usual loss"
    for loss in losses or (list(USUAL_LOSSES) if plan.output or plan.forward else []):
        network = AdaptedNetwork(instance, replace(plan, loss=loss), randomness)
        try:
            with np.errstate(all="ignore"):
                grads = network.gradients(network._runs(x, labels, 1.0))
                shapes = all(grads[name].shape == array.shape for name, array in network.params.items())
                of_part = isinstance(loss, Call) and "." in loss.method
                exact = own and not plan.steps and not of_part  # conventions may lie between a part and the network
                factor, agreeing = compare(network, x, labels, exact=exact)
                if exact and not agreeing and _is_averaged_later(instance):
                    other = compare(network, x, labels, exact=False)
                    factor, agreeing = other if other == ("N", len(network.params)) else (factor, agreeing)
                if not network.steps_are_proportional(x, labels) and not 0 < agreeing < len(network.params):
                    continue  # an optimizer takes the step; no gradient can be read from it
        except Exception:
            continue
        network.plan = replace(network.plan, factor=factor)
        yield Trial(network, x, labels, one.made, agreeing, len(network.params), own, shapes, dict(missing))


def _is_averaged_later(instance: Any) -> bool:
    """Whether an update in the file of the network, or in a file that imports it, divides by the number of samples."""
    module = sys.modules.get(type(instance).__module__)
    return module is not None and bool(averaging_update(module))


def _moved(instance: Any, aliases: dict[str, tuple[Slot, ...]]) -> Any:
    """A copy with parameters in float64, none of them at 0 or 1, which hide mistakes."""
    twin = copy.deepcopy(instance)
    for i, slots in enumerate(aliases.values()):
        array = np.array(slots[0].get(twin), np.float64)
        array = array + 0.1 * np.random.default_rng(i).standard_normal(array.shape)
        for slot in slots:
            slot.set(twin, array)
    return twin


def _with_gradients(
    one: Instance, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> NetworkPlan:
    """The plan with its parameters and the places of their gradients.

    A number that is called like a learning rate, such as alpha, is a slope if the output depends on it.
    """
    by_output = bool(plan.forward or plan.output)
    fixed = replace(plan, rates=())
    rates = [
        slot for slot in plan.rates
        if not by_output or not _depends(one.made.instance, fixed, (slot,), x, labels, randomness)
    ]  # fmt: skip
    plan = replace(plan, rates=tuple(rates))
    aliases, unused = _parameters(one, plan, x, labels, randomness)
    plan = replace(plan, aliases=aliases, unused=unused)
    instance = _moved(one.made.instance, aliases)
    run = AdaptedNetwork(instance, plan, randomness)._runs(x, labels, 0.5)[0]
    trained = _trained_numbers(one, plan, instance, run, x, labels, randomness)
    if trained:
        plan = replace(plan, aliases=named_places([*aliases.values(), *((slot,) for slot in trained)]))
        instance = _moved(one.made.instance, plan.aliases)
    aliases, network = plan.aliases, AdaptedNetwork(instance, plan, randomness)
    run = network._runs(x, labels, 0.5)[0]
    run.forward()
    before = {slot: array.copy() for slot, array in array_slots(run.thing)}
    run.call_gradient()
    returned = leaves(numbers_as_arrays(run.returned)) if not is_user_object(run.returned) else []
    if len(returned) == 1 and returned[0][1].ndim == 0:
        returned = []  # a single number is a loss
    kept = [
        (slot, array) for slot, array in array_slots(run.thing)
        if array.dtype.kind == "f" and (slot not in before or not np.array_equal(before[slot], array))
    ]  # fmt: skip
    own = {slot for slots in aliases.values() for slot in slots}
    stepped = [name for name, slots in aliases.items() if not np.array_equal(slots[0].get(run.thing), run.before[name])]
    if stepped:
        grads = {name: Kept("step") for name in stepped}
    else:
        grads = {name: trained[slots[0]] for name, slots in aliases.items() if slots[0] in trained}
        grads |= match(
            {name: (slots[0], network.params[name]) for name, slots in aliases.items() if name not in grads},
            [row for row in kept if row[0] not in own],
            [row for row in returned if row[1].size > 0],
        )
        numbers = [row for row in returned if row[1].size == 1 and Kept("returned", row[0]) not in grads.values()]
        for name, array in network.params.items():  # a bias of one entry, whose gradient is a number
            if name not in grads and array.size == 1 and numbers:
                grads[name] = Kept("returned", numbers.pop(0)[0])
        grads = {name: place for name, place in grads.items() if _is_array(place, run)}
    if not stepped and not by_output:
        plan = replace(plan, rates=tuple(slot for slot in plan.rates if slot.key.lower() != "alpha"))
    return replace(plan, grads=grads, steps=bool(stepped))


def _trained_numbers(
    one: Instance, plan: NetworkPlan, instance: Any, run: NetworkRun, x: Array, labels: Array, randomness: Randomness
) -> dict[Slot, Kept]:
    """The numbers, and lists of these, that the output depends on and that have a gradient or a step.

    Without a forward, they are those that are called like a bias.
    """
    run.forward()
    start, own = dict(number_leaves(run.thing)), dict(number_leaves(instance))
    arrays = {slot: array.copy() for slot, array in array_slots(run.thing)}
    run.compute()
    kept = [row for row in number_leaves(run.thing) if row[0] not in start or not np.array_equal(start[row[0]], row[1])]
    kept += [
        row for row in array_slots(run.thing) if row[0] not in arrays or not np.array_equal(arrays[row[0]], row[1])
    ]
    returned = [] if is_user_object(run.returned) else [*leaves(run.returned), *number_leaves(run.returned)]
    candidates = {slot: array for slot, array in start.items() if slot in own and np.array_equal(own[slot], array)}
    if not (plan.forward or plan.output):  # what the step depends on may be a counter or a rate
        candidates = {slot: array for slot, array in candidates.items() if BIAS_NAME.match(slot.key)}
    found = trained_numbers(candidates, run.thing, kept, returned, len(x))
    used: dict[Slot, Kept] = {}
    for slot, (array, place) in found.items():
        with contextlib.suppress(Exception):  # no number can be there that is not a whole one
            if array.shape == candidates[slot].shape and _depends(instance, plan, (slot,), x, labels, randomness):
                used[slot] = place
    return used


def numbers_as_arrays(tree: Any) -> Any:
    """Returned tuples, lists and dicts with numbers as arrays without axes; None becomes an empty tuple."""
    if isinstance(tree, dict):
        return {key: numbers_as_arrays(value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return tuple(numbers_as_arrays(value) for value in tree)
    if isinstance(tree, float | np.number):
        return np.asarray(tree)
    return () if tree is None else tree


def _is_array(place: Kept, run: NetworkRun) -> bool:
    found = np.asarray(place.slot.get(run.returned if place.where == "returned" else run.thing))
    return found.dtype.kind in "fi"


def _parameters(
    one: Instance, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> tuple[Aliases, tuple[str, ...]]:
    """The arrays that the output or the gradient call depends on, and the names of those that look like weights."""
    start = off_zero(one.made.instance)
    try:
        AdaptedNetwork(start, plan, randomness)._runs(x, labels, 0.5)[0].compute()
    except Exception:
        start = one.made.instance  # an array of zeros other than weights, such as a counter

    def depends(slots: tuple[Slot, ...]) -> bool | None:
        is_fixed = slots[0].steps[0] == (".", "_fixed")  # of FunctionalNetwork
        return _depends(start, plan, slots, x, labels, randomness) or (None if is_fixed else False)

    data, by_output = {slot for slot, _ in one.data}, bool(plan.forward or plan.output)
    return parameters_of(one.made.instance, depends, data, by_output=by_output)


def _depends(
    instance: Any, plan: NetworkPlan, slots: tuple[Slot, ...], x: Array, labels: Array, randomness: Randomness
) -> bool:
    """Whether the output, or without one the result of the gradient call, changes with an array."""
    found = []
    for shift in (0.0, 0.1):
        twin = copy.deepcopy(instance)
        array = np.array(slots[0].get(twin), np.float64)
        array = array + 0.01 + shift * (1 + np.random.default_rng(3).random(array.shape))
        for slot in slots:
            slot.set(twin, array.copy())
        network = AdaptedNetwork(twin, plan, randomness)
        run = network._runs(x, labels, 0.5)[0]
        if plan.forward or plan.output:
            found.append([np.array(run.output())])
        else:
            run.call_gradient()
            moved = np.asarray(slots[0].get(run.thing)) - array
            found.append([moved, *(np.array(value) for _, value in leaves(numbers_as_arrays(run.returned)))])
    return any(not np.allclose(a, b, rtol=1e-12, atol=0, equal_nan=True) for a, b in zip(*found, strict=False))


def loss_methods(instance: Any) -> list[str]:
    """The methods that may compute the loss, by their names; those of a part such as `cost.fn`, too."""
    names = [name for name in dir(instance) if LOSS.search(name) and not GRADIENT_WORDS.search(name)]
    found = [name for name in names if callable(getattr(instance, name, None))]
    for name in names:
        part = getattr(instance, name, None)
        if part is not None and not hasattr(part, "__code__") and not inspect.ismethod(part):
            values = [value for value in VALUES if hasattr(getattr(part, value, None), "__code__")]
            inner = [f"{name}.{value}" for value in values if len(signature_of(getattr(part, value))) == 2]
            found = [*(other for other in found if other != name or not inner), *inner[:1]]
    return found


def own_losses(
    instance: Any, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> Iterator[Call | str]:
    """The losses of the network itself: a number that the gradient call returns, or methods by their names."""
    names = loss_methods(instance)
    returned = LOSS.search(plan.gradient.method) or not names
    candidates: list[Call | str] = ["returned"] if returned else []
    for name in names:
        roles = roles_of(attrgetter(name)(instance), training=True)
        if roles is not None and name != plan.gradient.method:
            candidates.append(Call(name, roles))
            if [role for role, _ in roles] == ["x", "t"] or [role for role, _ in roles] == ["t", "x"]:
                candidates.append(Call(name, tuple(("o" if role == "x" else role, key) for role, key in roles)))
    for candidate in candidates:
        network = AdaptedNetwork(instance, replace(plan, loss=candidate), randomness)
        try:
            with np.errstate(all="ignore"):
                values = []
                for shift in (0.0, 0.01):
                    for name, array in network.params.items():
                        network.params[name] = array + shift * np.random.default_rng(6).standard_normal(array.shape)
                    runs = network._runs(x, labels, 0.5)
                    values.append([run.loss() for run in runs])
        except Exception:
            continue
        if np.isfinite(values).all() and values[0] != values[1]:
            yield candidate


def compare(network: AdaptedNetwork, x: Array, labels: Array, *, exact: bool) -> tuple[str, int]:
    """The convention's factor that most gradients agree with, and how many agree. With `exact`, the only one is 1."""
    grads = network.gradients(network._runs(x, labels, 1.0))
    rng, rows = np.random.default_rng(5), []
    for name, array in network.params.items():
        if grads[name].shape != array.shape and grads[name].size != array.size:
            rows.append([np.nan])
            continue
        ratios = []
        for _ in range(2):
            direction, values = rng.standard_normal(array.shape), []
            for h in (1e-5, -1e-5):
                network.params[name] = array + h * direction
                values.append(sum(run.loss() for run in network._runs(x, labels, 1.0)))
            network.params[name] = array
            slope = (values[0] - values[1]) / 2e-5
            analytic = float(np.vdot(grads[name], direction))
            if abs(slope) < 1e-9 and abs(analytic) < 1e-9:
                continue
            ratios.append(analytic / slope if slope else np.inf)
        rows.append(ratios)
    best = ("1", -1)
    for text, factor in FACTORS.items():
        if (network.plan.steps and text.startswith("-")) or (exact and text != "1"):
            continue
        value = factor(*network.plan.counts(len(x)))
        agreeing = sum(bool(ratios) and all(abs(r / value - 1) < AGREES for r in ratios) for ratios in rows)
        agreeing += sum(not ratios for ratios in rows) if agreeing else 0
        if agreeing > best[1]:
            best = (text, agreeing)
    return best if best[1] > 0 else ("1", 0)

