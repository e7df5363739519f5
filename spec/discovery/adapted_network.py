"""A whole network that computes its own gradients, behind the protocol of models.

    network = AdaptedNetwork(instance, plan, randomness)
    loss, grads = network.loss_and_grads(x, labels)      x has samples as rows, labels are (N,) integers

Gradients are those that the code returns or keeps, or the step that it takes, divided by the learning rate. The loss is
the code's own, or a usual one of its output. Each call runs on a new copy of the author's object.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import RATES
from nnlaw.spec.discovery.calls import FLAG_NAMES, RATE_NAMES, Randomness
from nnlaw.spec.discovery.last_computed import last_computed
from nnlaw.spec.discovery.layouts import Layout
from nnlaw.spec.discovery.match_gradients import Kept, in_shape_of
from nnlaw.spec.discovery.scenarios import sigmoid, softmax
from nnlaw.spec.discovery.sequences import outputs_of, without_time
from nnlaw.spec.discovery.slots import Slot, array_slots
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.subjects.gradient_names import is_gradient_of
from nnlaw.spec.subjects.one_epoch import EPOCHS

ROLES = {
    "rate": RATE_NAMES,
    "loss": re.compile(r"^(loss|cost|criterion|objective)_?(fn|f|func|function|object|class|layer)?$", re.I),
    "t": re.compile(
        r"^(y|t|ys?_?\d?|\w*targets?\w*|\w*labels?\w*|\w*true\w*|truth|y_?train\w*|train_?y|y_?batch|batch_?y|"
        r"\w*expected\w*|\w*desired\w*|actions?|one_?hot\w*|yt|yd|d|actual\w*|replies|y_?data|outputs?_?(list|vector|data)|context)$",
        re.I,
    ),
    "o": re.compile(r"^(o|out|output|outputs|y_?hat|yhat|y_?pred\w*|pred\w*|probs?|ps?|y_?caps?|a2|a3|al|a_?last|a|"
                    r"scores|final_?outputs?|y_?out\w*|activations?|x_?(hat|rec\w*)|recon\w*)$", re.I),
    "negatives": re.compile(
        r"^neg(atives?)?_?(samples?|words?|ids?|idxs?|indices|indexes)?$|^(noise|sampled)_?(words?|ids?|indices)$", re.I
    ),
    "sample weights": re.compile(
        r"^(advantages?|advs?|returns?|rewards?|discounted_?\w*|(episode|epoch)_?rewards?|sample_?weights?|td_?errors?)$",
        re.I,
    ),
    "epochs": EPOCHS,
    "count": re.compile(r"^(mini_?)?(batch_?size|m|n|num_?samples|n_?samples|batch|bs)$", re.I),
    "zero": re.compile(r"^(momentum|mu|reg\w*|lamb?da?_?\w*|lmbda|decay|weight_?decay|l2\w*|l1\w*|dropout\w*|noise|"
                       r"beta|drop\w*)$", re.I),
    "false": re.compile(
        r"^(verbose|debug|print\w*|plot\w*|shuffle|log\w*|disp\w*|show\w*|graph\w*|save(?!d)\w*)$", re.I
    ),
    "state": re.compile(
        r"^(h|c|a|s)_?(prev|init|t_?1|tm1|last|old|0)\w*$|^h$|^(prev|previous|init|initial|last|start)_?(h|c|a|s|state|hidden|cell)\w*$|"
        r"^(hidden|cell|rnn)(_?states?)?(_prev)?$|^states?$", re.I,
    ),
    "cache": re.compile(r"^(c|caches?|memory|memories|store|saved\w*|intermediates?|ctx|fwd|forward_\w*)$", re.I),
    "true": FLAG_NAMES,
    "x2": re.compile(r"^(x|inputs?|img|image|samples?|left|in|a|s|u)_?(2|b|two|right)$|^(right|second)\w*$", re.I),
    "x": re.compile(
        r"^(x|xs|x_?\w*|row|inputs?\w*|data\w*|features?|samples?|images?|img|a0|a_?0|in_?put\w*|training_?\w*|pixels|vector|"
        r"train_?x|batch_?x|batch|examples?|obs|center|words?|observations?)$", re.I,
    ),
}
"""What an argument of a network's methods is, by its name."""

AFTER_X = ("state", "x2")
"""Roles of arguments that follow the input."""

PART = "result of forward"


def part_of_forward(i: int) -> str:
    """The role of an argument that is this entry of the tuple that forward returns."""
    return f"{PART}[{i}]"


Arguments = tuple[tuple[str, str], ...]
"""For each argument its role and, if it is passed by name, its name."""


@dataclass(frozen=True)
class Call:
    """A method, and the roles of its arguments."""

    method: str
    arguments: Arguments = ()
    inner: bool = False
    """Whether the last array that it computes is the output, not the classes that it returns."""

    @property
    def takes_cache(self) -> bool:
        """Whether it takes what forward returned beside the output, or parts of what it returned."""
        return any(role == "cache" or role.startswith(PART) for role, _ in self.arguments)

    def __str__(self) -> str:
        words = {"t": "targets", "o": "output", "rate": "learning_rate", "epochs": "1", "count": "N",
                 "sample weights": "sample_weights", "zero": "0.0", "false": "False", "true": "True",
                 "loss": "half_squares", "pairs": "[(x, targets)]", "list of x": "[x]",
                 "list of t": "[targets]"}  # fmt: skip
        rows = [(words.get(role, role), key) for role, key in self.arguments]
        text = ", ".join(f"{key}={word}" if key else word for word, key in rows)
        return f"{self.method}({text})" + (" before it chooses classes" if self.inner else "")


def roles_of(function: Any, *, training: bool) -> Arguments | None:
    """The roles of the arguments of a method; None if one is unknown. With `training`, targets and rates among the
    optional ones are passed, too.
    """
    try:
        rows = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    found: list[tuple[str, str]] = []
    for row in rows:
        if row.kind in (row.VAR_POSITIONAL, row.VAR_KEYWORD):
            continue
        taken = [role for role, _ in found]
        role = role_of(row.name, taken)
        if row.default is not row.empty:
            passed = ("rate", "epochs", "count", "false", *(("t",) if row.default is None else ())) if training else ()
            if role in passed:
                found.append((role, row.name))
            continue
        if not training and not found and role not in ("false", "true"):
            role = "x"  # forward(a), query(data)
        if not role:
            role = "x" if "x" not in taken else "t" if training and "t" not in taken else ""
        if not role:
            return None
        found.append((role, row.name if row.kind is row.KEYWORD_ONLY else ""))
    return tuple(found)


def role_of(name: str, taken: Collection[str]) -> str:
    """The role of an argument by its name, beside roles that are taken; "" if there is none."""
    free = (role for role in ROLES if (role not in taken or role == "state") and (role not in AFTER_X or "x" in taken))
    return next((role for role in free if ROLES[role].match(name)), "")


def _sums(o: Array, t: Array) -> float:
    return float(0.5 * np.sum((o - t) ** 2))


def _log_softmax(o: Array) -> Array:
    return np.asarray(np.log(softmax(o)))


MAX_PARTS = 4
"""The longest list that may be one of different things."""

PROPORTIONAL = 1e-4
"""How far steps at two rates may differ in a step that has a small weight decay of its own."""


USUAL_LOSSES: dict[str, Callable[[Array, Array], float]] = {
    "half the sum of squared errors": _sums,
    "cross-entropy of the output": lambda o, t: float(-np.sum(t * np.log(o))),
    "binary cross-entropy of the output": lambda o, t: float(-np.sum(t * np.log(o) + (1 - t) * np.log(1 - o))),
    "cross-entropy of the softmax of the output": lambda o, t: float(-np.sum(t * _log_softmax(o))),
    "binary cross-entropy of the sigmoid of the output": lambda o, t: float(np.sum(np.logaddexp(0, o) - t * o)),
    "half the sum of squared errors of the sigmoid of the output": lambda o, t: _sums(sigmoid(o), t),
}
"""Losses of outputs and targets, (N, C) both, to try for code without a loss of its own."""

Factor = Callable[[int, int, int], float]


def _negative(factor: Factor) -> Factor:
    return lambda n, c, t: -factor(n, c, t)


_POSITIVE: dict[str, Factor] = {
    "1": lambda n, c, t: 1.0,
    "1/N": lambda n, c, t: 1 / n,
    "N": lambda n, c, t: n,
    "2": lambda n, c, t: 2.0,
    "1/2": lambda n, c, t: 0.5,
    "2/N": lambda n, c, t: 2 / n,
    "1/(2N)": lambda n, c, t: 0.5 / n,
    "N/2": lambda n, c, t: 0.5 * n,
    "1/C": lambda n, c, t: 1 / c,
    "2/C": lambda n, c, t: 2 / c,
    "C": lambda n, c, t: c,
    "C/2": lambda n, c, t: 0.5 * c,
    "1/(NC)": lambda n, c, t: 1 / (n * c),
    "2/(NC)": lambda n, c, t: 2 / (n * c),
    "NC": lambda n, c, t: n * c,
    "NC/2": lambda n, c, t: 0.5 * n * c,
    "1/T": lambda n, c, t: 1 / t,
    "T": lambda n, c, t: t,
    "1/(NT)": lambda n, c, t: 1 / (n * t),
    "2/(NT)": lambda n, c, t: 2 / (n * t),
}
FACTORS = _POSITIVE | {f"-{text}": _negative(factor) for text, factor in _POSITIVE.items()}
"""Factors that are conventions if all gradients have them, by their text: N samples, C outputs, T steps."""


@dataclass(frozen=True)
class NetworkPlan:
    """How to call one network.

    `sample` is the shape of one input, `outputs` the number of outputs. `targets` is "one-hot", "labels", "binary",
    "binary vector" or "the input". `loss` is a method, "returned" for the number that the gradient call returns, or a
    usual loss.
    """

    layout: Layout
    sample: tuple[int, ...]
    outputs: int
    targets: str
    gradient: Call
    forward: Call | None = None
    before: Call | None = None
    """The method that computes the loss, if the gradient call has no arguments and follows it."""
    output: Call | None = None
    """The method that computes the output, if `forward` is not it."""
    loss: Call | str = ""
    aliases: dict[str, tuple[Slot, ...]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    """Arrays that look like weights, but that neither the output nor the gradient call depends on."""
    grads: dict[str, Kept] = field(default_factory=dict)
    rates: tuple[Slot, ...] = ()
    data: tuple[tuple[Slot, str], ...] = ()
    """The attributes with the inputs and targets that the constructor got."""
    integers: int = 0
    pair: bool = False
    """Whether there are two inputs, which are the halves of one along its first axis."""
    sequence: bool = False
    """Whether an input is a sequence, whose first axis is time."""
    times: int = 0
    """The number of steps of a sequence, if there is a target for each; else 0."""
    part: int = 0
    """Which of the returned values is the output of a sequence."""
    state: tuple[int, ...] | None = None
    """The shape of the initial state, if there is such an argument; 0 means the number of samples."""
    factor: str = "1"
    steps: bool = False
    fixed_rate: float = 1.0
    """The learning rate that is written in the code."""

    def __deepcopy__(self, memo: dict[int, Any]) -> NetworkPlan:
        return self  # nothing changes it

    @property
    def takes_rate(self) -> bool:
        """Whether a learning rate is known: an attribute or an argument. Else the step is the gradient."""
        return bool(self.rates) or any(role == "rate" for role, _ in self.gradient.arguments)

    def counts(self, samples: int) -> tuple[int, int, int]:
        """The numbers that a mean may run over: N samples, C outputs, T steps with targets."""
        return (1 if self.layout.single else samples), self.outputs, max(self.times, 1)


class AdaptedNetwork:
    """The protocol over an instance and a plan."""

    def __init__(self, instance: Any, plan: NetworkPlan, randomness: Randomness) -> None:
        self.instance, self.plan, self.randomness = instance, plan, randomness
        self.params = {name: np.array(slots[0].get(instance), np.float64) for name, slots in plan.aliases.items()}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.training = True

    def source_of(self, method: str) -> Any:
        """The author's function, for locations."""
        found = getattr(self.instance, "source_of", None)
        if callable(found):
            return found(self.plan.gradient.method)
        return getattr(type(self.instance), self.plan.gradient.method, None)

    def predict(self, x: Array) -> Array:
        """The outputs, (N, C)."""
        found = [run.rows_of_output() for run in self.runs(x, np.zeros(len(x), np.int64), RATES[0])]
        return np.concatenate(found).reshape(len(x), -1)

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        """The loss, and the gradient of each parameter divided by the convention's factor."""
        runs = self.runs(x, labels, RATES[0])
        losses = [run.loss() for run in runs]
        runs = runs if self.plan.loss == "returned" else self.runs(x, labels, RATES[0])  # with the same random numbers
        grads = self.gradients(runs)
        factor = FACTORS[self.plan.factor](*self.plan.counts(len(x)))
        total = sum(losses)
        return float(total), {name: gradient / factor for name, gradient in grads.items()}

    def gradients(self, runs: list[NetworkRun]) -> dict[str, Array]:
        """The gradients, as the code has them, summed over calls."""
        for run in runs:
            run.compute()
        return {name: np.asarray(sum(run.read(name) for run in runs)) for name in self.plan.grads}

    def adds_up(self, x: Array, labels: Array) -> bool:
        """Whether a second call on the same batch doubles all gradients: they are added to those of earlier calls."""
        if self.plan.steps or not self.plan.grads:
            return False
        runs = self.runs(x, labels, RATES[0])
        first = self.gradients(runs)
        for run in runs:
            run.computed = False
        second = self.gradients(runs)
        return all(first[name].any() and np.allclose(second[name], 2 * first[name], rtol=1e-9) for name in first)

    def adds_up_over_steps(self, x: Array, labels: Array, loops: list[Call]) -> str:
        """The method of the author that trains with sums of the gradients of all earlier steps; "" if there is none.

        It is the method that takes a step, if a second one from the same weights is twice as long; or one of the
        `loops`, if its second epoch adds its step to the first one.
        """
        try:
            if self.plan.steps:
                return self.plan.gradient.method if self._doubles(self.runs(x, labels, RATES[0])) else ""
            if not self.adds_up(x, labels):
                return ""
            return next((call.method for call in loops if self._repeats_steps(x, labels, call)), "")
        except Exception:  # it is called in a way that it need not support
            return ""

    def _doubles(self, runs: list[NetworkRun]) -> bool:
        """Whether a second step from the same weights is twice the first, for all parameters."""
        first = self.gradients(runs)
        for run in runs:
            run.put_back()
        second = self.gradients(runs)
        return all(first[name].any() and np.allclose(second[name], 2 * first[name], rtol=1e-9) for name in first)

    def _repeats_steps(self, x: Array, labels: Array, loop: Call) -> bool:
        """Whether the second epoch repeats the first step before its own, which is that of a new instance."""

        def trained(start: dict[str, Array], epochs: int) -> dict[str, Array]:
            run = self.first_run(x, labels, RATES[1])
            run.context["epochs"] = epochs
            for name, slots in self.plan.aliases.items():
                for slot in slots:
                    slot.set(run.thing, start[name].copy())
            run.call(loop)
            return {name: np.array(slots[0].get(run.thing)) for name, slots in self.plan.aliases.items()}

        one = trained(self.params, 1)
        two, other = trained(self.params, 2), trained(one, 1)
        steps = {name: one[name] - self.params[name] for name in self.plan.grads}
        return all(
            step.any() and np.allclose(two[name] - other[name], step, rtol=1e-6, atol=1e-9 * np.abs(step).max())
            for name, step in steps.items()
        )

    def steps_are_proportional(self, x: Array, labels: Array) -> bool:
        """Whether the step that the code takes is the learning rate times one gradient."""
        if not self.plan.steps or not self.plan.takes_rate:
            return True
        first, second = (self.gradients(self.runs(x, labels, rate)) for rate in RATES)
        return all(np.allclose(first[name], second[name], rtol=PROPORTIONAL, atol=1e-9) for name in first)

    def runs(self, x: Array, labels: Array, rate: float) -> list[NetworkRun]:
        """A copy of the network for each call."""
        return list(self._runs(x, labels, rate))

    def first_run(self, x: Array, labels: Array, rate: float) -> NetworkRun:
        """A copy of the network for the first call."""
        return next(self._runs(x, labels, rate))

    def _runs(self, x: Array, labels: Array, rate: float) -> Iterator[NetworkRun]:
        self.randomness.reset()
        given = np.floor(np.abs(x) * 997).astype(int) % self.plan.integers if self.plan.integers else x
        targets = [(None, rows.reshape(-1, self.plan.outputs)) for rows in (x if self.plan.layout.single else [x])] if (
            self.plan.targets == "the input"
        ) else targets_of(labels, self.plan)
        split = self.plan.layout.split
        inputs: list[Any] = split(given)
        if self.plan.pair:
            inputs = list(zip(split(given[:, 0]), split(given[:, 1]), strict=True))
        for one, (t, rows) in zip(inputs, targets, strict=True):
            yield NetworkRun(self, one, t, rows, rate)


def targets_of(labels: Array, plan: NetworkPlan) -> list[tuple[Any, Array]]:
    """For each call, the targets as the code takes them, and the same as rows (N, C).

    The last class is always among them: code may count the classes by the largest label.
    """
    layout, kinds = plan.layout, labels
    if plan.times:  # each step has another target
        kinds = labels[:, None] + np.arange(plan.times) ** 2
    elif plan.sequence:
        layout = without_time(layout)
    if plan.targets in ("one-hot", "labels"):
        kinds = kinds % plan.outputs
        kinds = np.where(kinds == kinds.max(), plan.outputs - 1, kinds)
        rows = np.eye(plan.outputs)[kinds]
    elif plan.targets == "real":
        rows = np.random.default_rng(8).uniform(0.1, 0.9, (8, plan.outputs))[kinds % 8]
    else:
        rows = (kinds % 2).astype(np.float64)[..., None]
    if plan.targets == "labels":
        given = _numbers(kinds, layout)
    elif plan.targets == "binary vector":
        given = _numbers(rows[..., 0], layout)
    else:
        given = layout.split(rows)
    given = [one.item() if np.ndim(one) == 0 else one for one in given]
    calls = list(rows) if layout.single else [rows]
    return [(t, each.reshape(-1, plan.outputs)) for t, each in zip(given, calls, strict=True)]


def _numbers(targets: Array, layout: Layout) -> list[Any]:
    """For each call, targets of one number for each sample (N,), or each step (N, T)."""
    return list(targets) if layout.single else [targets.T if layout.name.startswith("time first") else targets]


class HalfSquares:
    """Half the sum of squared errors, where code takes a loss as an argument, with its derivative under any name."""

    def __init__(self, targets: Any) -> None:
        self._targets = targets

    def __call__(self, first: Any, second: Any, *flags: Any, **named: Any) -> Any:
        """The value; with a further argument that is true, the derivative."""
        if any(flag is True for flag in (*flags, *named.values())):
            return self._slope(first, second)
        return 0.5 * np.sum(np.subtract(first, second) ** 2)

    def _slope(self, first: Any, second: Any) -> Any:
        is_second = np.array_equal(second, self._targets)
        return np.subtract(first, second) if is_second else np.subtract(second, first)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        is_slope = re.search(r"prime|deriv|grad|back|delta|slope|^d_?$|^d[A-Z_]|^d_?loss", name)
        return self._slope if is_slope else self.__call__


class Continuing:
    """Part of the class of a network whose training makes the weights: see fitted_models.py."""

    _made_first: frozenset[str] = frozenset()
    """The attributes of weights, which training makes first."""
    _made_by = ""
    """The method that makes them."""

    @contextlib.contextmanager
    def continuing(self, method: str) -> Iterator[None]:
        """Let the weights of now take the place of what the method that makes them assigns first."""
        names = self._made_first if method == self._made_by else ()
        vars(self)["_first"] = {name: getattr(self, name) for name in names}
        try:
            yield
        finally:
            del vars(self)["_first"]

    def __setattr__(self, name: str, value: Any) -> None:
        first = vars(self).get("_first", {})
        super().__setattr__(name, first.pop(name) if name in first else value)


class NetworkRun:
    """One batch, or one sample, on a copy of the network."""

    def __init__(self, network: AdaptedNetwork, x: Any, t: Any, rows: Array, rate: float) -> None:
        self.plan, self.rate, self.rows = network.plan, rate, rows
        self.thing = copy.deepcopy(network.instance)
        for name, slots in self.plan.aliases.items():
            array = network.params[name].copy()
            for slot in slots:
                slot.set(self.thing, array)
        for slot in self.plan.rates:
            slot.set(self.thing, rate)
        self.before = {name: array.copy() for name, array in network.params.items()}
        self.samples = 1 if self.plan.layout.single else len(rows) // max(self.plan.times, 1)
        self.context = {"x": x, "t": t, "rate": rate, "epochs": 1, "zero": 0.0, "false": False, "true": True}
        self.context["sample weights"] = np.linspace(-0.7, 1.3, len(rows)) if not self.plan.layout.single else -0.7
        self.context["negatives"] = [self.plan.outputs]  # a class other than the target
        self.context |= {"count": self.samples, "state": None, "loss": HalfSquares(t), "pairs": [(x, t)]}
        self.context |= {"list of x": np.array([x]), "list of t": np.array([t])}
        if self.plan.pair:
            self.context |= {"x": x[0], "x2": x[1]}
        if self.plan.state is not None:
            shape = [size or self.samples for size in self.plan.state]
            self.context["state"] = 0.3 * np.sin(1 + np.arange(np.prod(shape))).reshape(shape)
        for slot, role in self.plan.data:
            slot.set(self.thing, copy.deepcopy(self.context[role]))
        self.returned: Any = None
        self.from_forward: Any = None
        self.computed = False

    def call(self, call: Call) -> Any:
        """Call a method of the copy."""
        values = [(copy.deepcopy(self.context[role]), key) for role, key in call.arguments]
        args, named = [value for value, key in values if not key], {key: value for value, key in values if key}
        method = attrgetter(call.method)(self.thing)
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            found = last_computed(method, args, named, self.samples) if call.inner else method(*args, **named)
        return _as_tuple(found)

    def forward(self) -> Any:
        """Run forward, and keep what it returns for backward."""
        if self.plan.forward is None:
            return None
        found = self.call(self.plan.forward)
        parts = found if isinstance(found, tuple) else (found,)
        output = parts[self.plan.part] if self.plan.sequence else self._output_in(found)
        self.context["o"], self.context["cache"], self.from_forward = output, found, found
        if isinstance(found, tuple) and len(found) == 2:
            self.context["cache"] = found[1]
        self.context |= {part_of_forward(i): part for i, part in enumerate(parts)}
        return self.context["o"]

    def output(self) -> Any:
        """The output; for a sequence, all that was returned."""
        if self.plan.output is not None:
            found = self.call(self.plan.output)
            return found if self.plan.sequence else self._output_in(found)
        returned = self.forward()
        return self.from_forward if self.plan.sequence else np.asarray(returned)

    def _output_in(self, returned: Any) -> Any:
        return output_in(returned, self.thing, self.rows, [slot for slot, _ in self.plan.data])

    def rows_of_output(self) -> Array:
        """The output as rows, (N, C)."""
        plan, found = self.plan, self.output()
        if not plan.sequence:
            return plan.layout.join([np.asarray(found)]).reshape(self.samples, -1)
        for place, y in outputs_of(found, plan.layout, self.samples, plan.sample[0]):
            if place == plan.part and (y.ndim == 3) == bool(plan.times):
                return y.reshape(-1, plan.outputs)
        raise ValueError("no output for each sample")

    def compute(self) -> None:
        """Run forward, unless the method that computes gradients or takes a step calls it, and that method."""
        if not self.computed:
            if self.plan.before is not None or not self._calls_forward(self.plan.gradient):
                self.forward()
            self.call_gradient()
            self.computed = True

    def _calls_forward(self, call: Call) -> bool:
        """Whether a method calls forward by itself: a second call would draw other random numbers."""
        forward, method = self.plan.forward, getattr(type(self.thing), call.method, None)
        if forward is None or method is None or call.takes_cache or any(role == "o" for role, _ in call.arguments):
            return False
        return f"self.{forward.method}(" in source_text(method)

    def own_loss(self, call: Call) -> Any:
        """The value of the network's own loss; its arguments may be the output that forward computed."""
        if not self._calls_forward(call):
            self.forward()
        if self.plan.output is not None and any(role == "o" for role, _ in call.arguments):
            self.context["o"] = self.output()
        found = self.call(call)
        return number_in(found) if isinstance(found, tuple | list) else found

    def put_back(self) -> None:
        """Set the weights back, and let the gradients be computed once more."""
        for name, slots in self.plan.aliases.items():
            for slot in slots:
                slot.set(self.thing, self.before[name].copy())
        self.computed = False

    def call_gradient(self) -> None:
        """Call the method that computes gradients, after the loss if it has no arguments."""
        if self.plan.before is not None:
            self.call(self.plan.before)
        call, thing = self.plan.gradient, self.thing
        with thing.continuing(call.method) if isinstance(thing, Continuing) else contextlib.nullcontext():
            self.returned = self.call(call)

    def read(self, name: str) -> Array:
        """The gradient of a parameter."""
        kept = self.plan.grads[name]
        if kept.where == "step":
            after = np.asarray(self.plan.aliases[name][0].get(self.thing))
            rate = self.rate if self.plan.takes_rate else self.plan.fixed_rate
            found = np.array((self.before[name] - after) / rate)
        else:
            found = np.array(kept.slot.get(self.returned if kept.where == "returned" else self.thing), np.float64)
        before = self.before[name]
        return found.reshape(before.shape) if found.size == 1 == before.size else in_shape_of(found, before)

    def loss(self) -> float:
        """The loss of this batch."""
        loss = self.plan.loss
        if isinstance(loss, Call):
            return float(np.sum(self.own_loss(loss)))
        if loss == "returned":
            self.compute()
            return float(np.sum(number_in(self.returned, self.plan.aliases)))
        return USUAL_LOSSES[loss](self.rows_of_output(), self.rows)


def _as_tuple(returned: Any) -> Any:
    """A list of a few arrays with other numbers of axes or entries, such as `[outputs, states]`, as a tuple."""
    if not isinstance(returned, list) or not 1 < len(returned) <= MAX_PARTS:
        return returned
    is_arrays = all(isinstance(part, np.ndarray) and part.ndim for part in returned)
    return tuple(returned) if is_arrays and len({len(part) for part in returned}) > 1 else returned


def number_in(returned: Any, parameters: Collection[str] = ()) -> Any:
    """The number in a returned value: itself, or the only number in a tuple. Raises ValueError if there is none.

    It is not an array of a dict, or a number under the name of the gradient of a parameter: a sum over too many axes.
    """
    rows = list(returned) if isinstance(returned, tuple | list) else [returned]
    if isinstance(returned, dict):
        rows = [
            one for name, one in returned.items()
            if not isinstance(one, np.ndarray) and not any(is_gradient_of(str(name), each) for each in parameters)
        ]  # fmt: skip
    found = [one for one in rows if isinstance(one, int | float | np.number) or (
        isinstance(one, np.ndarray) and one.size == 1 and one.dtype.kind == "f")]  # fmt: skip
    if len(found) != 1:
        raise ValueError("no number was returned")
    return found[0]


def output_in(returned: Any, thing: Any, rows: Array, data: Sequence[Slot] = ()) -> Any:
    """The output: what forward returns, part of a returned tuple, or the last layer's array that it keeps."""
    if isinstance(returned, np.ndarray | float | np.number):
        return returned
    if isinstance(returned, tuple | list) and returned:
        arrays = [one for one in returned if isinstance(one, np.ndarray)]
        lists = [one for one in returned if isinstance(one, list) and one and isinstance(one[-1], np.ndarray)]
        if not arrays and lists:
            return max(lists, key=len)[-1]  # that of activations begins with the input
        if isinstance(returned, list) or (len(arrays) == len(returned) > 1):
            return arrays[-1]
        return arrays[0] if arrays else returned
    if isinstance(returned, dict):
        return [one for one in returned.values() if isinstance(one, np.ndarray)][-1]
    slots = [(slot, array) for slot, array in array_slots(thing) if slot not in data]
    kept = [(slot, array) for slot, array in slots if array.dtype.kind == "f" and len(rows) in array.shape]
    named = [array for slot, array in kept if ROLES["o"].match(slot.key.strip("_"))]
    fit = [array for _, array in kept if array.size == rows.size]
    return (fit or named or [array for _, array in kept])[-1] if kept else returned

