"""The ways to call a network that are tried, and how many of its gradients agree with the slopes of its loss."""

from __future__ import annotations

import ast
import contextlib
import copy
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import USUAL_LOSSES, AdaptedNetwork, Call, NetworkPlan, roles_of
from nnlaw.spec.discovery.averaging_updates import averaging_update
from nnlaw.spec.discovery.calls import Made, N, Randomness
from nnlaw.spec.discovery.climbing_steps import climbing_method, climbs
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.network_cases import deeper_network, network_cases
from nnlaw.spec.discovery.network_gradients import moved_copy, with_gradients
from nnlaw.spec.discovery.network_inputs import inputs_to_try, starts_of, target_plans
from nnlaw.spec.discovery.network_instances import Instance, has_weights, network_data
from nnlaw.spec.discovery.network_losses import compare, factor_of_most_entries, named_loss, own_losses
from nnlaw.spec.discovery.network_methods import (
    forward_calls,
    forwards_with_targets,
    loss_methods,
    losses_before,
    roles_of_method,
    roles_with_lists,
    roles_with_pairs,
    roles_with_parts,
    takes_vector,
)
from nnlaw.spec.discovery.slots import UNUSED
from nnlaw.spec.discovery.source_text import nodes_of
from nnlaw.spec.discovery.summed_steps import sums_steps
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.violation import Location

TRIALS, PATIENCE = 400, 40  # calls that are tried for one class, and after one that agrees in part with its own loss
MAX_RATES = 4
LOOP = re.compile("fit|train|learn", re.I)
SYMBOLS = "N samples, C outputs, T steps"


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
    return (best if best.own or best.agreeing else _of_most_entries(best)).found(name, style, location, thing, names)


def _of_most_entries(trial: Trial) -> Trial:
    """The trial with the usual loss of which most entries of the gradients are; itself if there is none."""
    for loss in USUAL_LOSSES:
        network = copy.copy(trial.network)
        network.plan = replace(network.plan, loss=loss, factor="1")
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            factor = factor_of_most_entries(network, trial.x, trial.labels)
            if factor:
                network.plan = replace(network.plan, factor=factor)
                return replace(trial, network=network, own=True)
    return trial


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
    def climbs(self) -> bool:
        """Whether the step that the code takes is along the gradient."""
        return self.network.plan.steps and self.network.plan.factor.startswith("-")

    @property
    def right(self) -> bool:
        """Whether all gradients agree, with one factor."""
        return self.agreeing == self.total and not set(self.missing) - {"loss"} and not self.climbs

    @property
    def score(self) -> tuple[float, ...]:
        """A higher one is better."""
        share = self.agreeing / self.total
        covered = self.agreeing / (self.total + len(set(self.missing) - {"loss"}))
        sequence = self.network.plan.sequence and self.complete and self.agreeing > 0
        return (sequence, covered, share == 1, not self.climbs, share, self.own, -len(self.missing), self.total)

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
        notes = [f"loss: {plan.loss}"] if plan.loss in USUAL_LOSSES else []
        if plan.factor != "1" and not self.climbs:
            notes.append(f"convention: all gradients have the factor {plan.factor} ({SYMBOLS})")
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            if self.network.adds_up(self.x, self.labels):
                notes.append("gradients are added to those of earlier calls; set them to 0 before each call")
        if plan.steps:
            rate = "the learning rate" if plan.fixed_rate == 1 else f"{plan.fixed_rate:g}"
            notes.append(f"gradients: the step that the code takes, divided by {rate}")
        with np.errstate(all="ignore"):
            deeper = deeper_network(self.network, self.made, self.x, self.labels)
        missing = dict(self.missing)
        if deeper.error is not None:
            error = f"{type(deeper.error).__name__}: {text_of(deeper.error)}"
            missing["another hidden layer"] = f"{plan.gradient.method} raised {error}"
        cases: Callable[[int], list[Case]] = partial(
            network_cases, name, self.network, self.x.shape[1:], self.made,
            is_exact=self.own and plan.factor == "1", deeper=deeper,
        )  # fmt: skip
        kind = type(self.network.instance)
        loops = [Call(method, roles) for method in dir(kind) if LOOP.match(method)
                 if (roles := roles_of_method(getattr(kind, method)))]  # fmt: skip
        with np.errstate(all="ignore"):
            summed = self.network.adds_up_over_steps(self.x, self.labels, loops) if self.right else ""
        if summed:
            cases = partial(sums_steps, name, Location.of(getattr(kind, summed, None)))
        climbing = plan.gradient.method if self.climbs else climbing_method(self.network, self.x, self.labels)
        if self.climbs or (self.right and climbing):
            loss = plan.loss if isinstance(plan.loss, str) and plan.loss in USUAL_LOSSES else "the loss"
            cases = partial(climbs, name, Location.of(getattr(kind, climbing, None)), loss)
        reading = Reading(
            describe(plan, self.made, name),
            cases,
            tuple(f"{key} {params[key].shape}" for key in plan.grads),
            missing,
            tuple(notes),
        )
        return Found("model", name, style, location, thing, (reading,), names=names)


def describe(plan: NetworkPlan, made: Made, name: str) -> str:
    """How the network is called."""
    output = plan.output if plan.output is not None and plan.output.inner else None
    calls = [str(call) for call in (plan.forward, output, plan.before, plan.gradient) if call is not None]
    loss = str(plan.loss) if isinstance(plan.loss, Call) else ""
    text = f"{made.call(name)}: {', '.join(calls)}" + (f"; loss: {loss}" if loss else "")
    if hasattr(made.instance, "describe_functions"):
        text = made.instance.describe_functions()
    return f"{text}; {plan.layout.describe}; targets: {plan.targets}"


def trials(one: Instance, methods: list[str], randomness: Randomness) -> Iterator[Trial]:
    """Ways to call a network, the most likely first."""
    instance = one.made.instance
    forwards = list(forward_calls(instance, methods))
    for blank in inputs_to_try(one, methods):
        x, labels = network_data(N, blank.sample, 0)
        starts = list(starts_of(one, forwards, blank, x, labels, randomness))
        calls = [(method, roles_of(getattr(instance, method), training=True)) for method in methods]
        before, with_targets = losses_before(type(instance)), forwards_with_targets(type(instance))
        with_targets = [] if hasattr(instance, "functions") else with_targets  # methods of FunctionalNetwork
        if blank.layout.single:
            functions = [(method, getattr(type(instance), method, None)) for method in methods]
            calls += [(method, roles_with_pairs(function)) for method, function in functions]
            calls += [(method, roles_with_lists(function)) for method, function in functions if LOOP.search(method)]
        calls += [(method, roles_with_parts(type(instance), method)) for method in methods]
        for start, (method, roles) in itertools.product(starts, calls):
            if roles is None or (start.forward is None and Call(method, roles).takes_cache):
                continue
            if start.state is not None and not any(role == "state" for role, _ in roles) and start.forward is None:
                continue
            first = before if not roles and before else with_targets if start.forward is None else []
            start = replace(start, gradient=Call(method, roles), before=first[0] if first else None)
            for plan in target_plans(start, takes_vector(instance, method)):
                if _runs(instance, plan, x, labels, randomness):
                    yield from _trials_of(one, plan, x, labels, randomness)
                    if plan.targets == "binary vector":
                        break


def _runs(instance: Any, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness) -> bool:
    """Whether the calls of a plan run, with another number of samples as well: a layout may fit one by chance."""
    try:
        for count in (N, N - 1):
            AdaptedNetwork(instance, plan, randomness).first_run(x[:count], labels[:count], 0.5).compute()
    except Exception:
        return False
    return True


def _trials_of(
    one: Instance, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> Iterator[Trial]:
    """A plan with parameters, gradients and each loss that it may be of; nothing if a call fails."""
    try:
        with np.errstate(all="ignore"):
            plan = with_gradients(one, plan, x, labels, randomness)
    except Exception:
        return
    if not plan.grads:
        return
    missing = {name: "no gradient was found" for name in plan.aliases if name not in plan.grads}
    missing |= dict.fromkeys(plan.unused, UNUSED)
    aliases = {name: slots for name, slots in plan.aliases.items() if name in plan.grads}
    plan = replace(plan, aliases=aliases)
    instance = moved_copy(one.made.instance, aliases)
    losses = list(own_losses(instance, plan, x, labels, randomness))
    own, named = bool(losses), "" if losses else named_loss(instance, plan)
    uncalled = [] if own else loss_methods(instance)
    if uncalled:
        missing["loss"] = f"the gradients are compared with a usual loss, not with {uncalled[0]}"
    fixed = _written_rates(instance, plan) if plan.steps and not plan.takes_rate else [1.0]
    usual = list(USUAL_LOSSES) if plan.output or plan.forward else []
    for rate, loss in itertools.product(fixed, losses or usual):
        network = AdaptedNetwork(instance, replace(plan, loss=loss, fixed_rate=rate), randomness)
        try:
            with np.errstate(all="ignore"):
                grads = network.gradients(network.runs(x, labels, 1.0))
                shapes = all(grads[name].shape == array.shape for name, array in network.params.items())
                of_part = isinstance(loss, Call) and "." in loss.method
                exact = own and not plan.steps and not of_part  # conventions may lie between a part and the network
                factor, agreeing = compare(network, x, labels, exact=exact)
                if exact and not agreeing and _is_averaged_later(instance):
                    other = compare(network, x, labels, exact=False)
                    factor, agreeing = other if other == ("N", len(network.params)) else (factor, agreeing)
                if not network.steps_are_proportional(x, labels) and not 0 < agreeing < len(network.params):
                    continue  # an optimizer takes the step; no gradient can be read from it
                is_one = not own and not agreeing and len(network.params) == 1
                partly = factor_of_most_entries(network, x, labels) if is_one else ""
        except Exception:
            continue
        network.plan = replace(network.plan, factor=partly or factor)
        is_own = own or loss == named or bool(partly)
        yield Trial(network, x, labels, one.made, agreeing, len(network.params), is_own, shapes, dict(missing))


def _written_rates(instance: Any, plan: NetworkPlan) -> list[float]:
    """1, and the numbers in the source of the step that may be its learning rate."""
    method = getattr(type(instance), plan.gradient.method, None)
    nodes = nodes_of(method) if isinstance(method, FunctionType) else []
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [1.0, *dict.fromkeys(c for c in constants if type(c) is float and 1e-6 < c < 1)][:MAX_RATES]


def _is_averaged_later(instance: Any) -> bool:
    """Whether an update in the file of the network, or in a file that imports it, divides by the number of samples."""
    module = sys.modules.get(type(instance).__module__)
    return module is not None and bool(averaging_update(module))
