"""The cases of a network: two batches, and one at second values of the settings that change its loss."""

from __future__ import annotations

import contextlib
import copy
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import clips
from nnlaw.spec.discovery.adapted_network import AdaptedNetwork, NetworkPlan
from nnlaw.spec.discovery.calls import Made, N
from nnlaw.spec.discovery.network_gradients import moved_copy, with_gradients
from nnlaw.spec.discovery.network_instances import Instance, network_data
from nnlaw.spec.discovery.second_settings import Changed, defaults_of, with_other_texts, with_settings
from nnlaw.spec.subjects.cases import Case, ModelCase
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.settings import PENALTIES, second_value, second_values

ACTIVATION = re.compile(r"activ|^act_?|nonlin|hidden_act", re.I)
ATTEMPTS, FAR = 20, 1009  # of inputs for code that clips its gradients; the distance between their seeds
IN_THE_LOSS = re.compile(rf"{PENALTIES.pattern}|smoothing|temperature|slope|leak|delta", re.I)
"""Names of settings that change the loss and the gradient alike; others, such as a momentum, change the step."""


def network_cases(
    name: str, network: AdaptedNetwork, sample: tuple[int, ...], made: Made, seed: int,
    *, is_exact: bool, deeper: Deeper,
) -> list[Case]:  # fmt: skip
    """Two batches, and one for a network with another hidden layer, if there is such a network.

    If the loss is the code's own, `is_exact`, another one at second values of the settings that change it.
    """
    found: list[ModelCase] = []
    for count in (N, N - 1):
        x, labels = _data(network, count, sample, seed)
        subject = subject_of(copy.deepcopy(network))
        found.append(ModelCase(name, subject, _no_model, x, labels, seed=seed, name=name, registered=False))
    if deeper.network is not None:
        path = with_settings(name, deeper.changed)
        found.append(replace(found[0], model=subject_of(copy.deepcopy(deeper.network)), path=path, is_second=True))
    for instance, changed in _other_instances(network, made) if is_exact else ():
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            other = _like(network, instance)
            if changed and _changes_the_loss(network, other, found[1].x, found[1].labels):
                path = with_settings(name, changed)
                found.append(replace(found[1], model=subject_of(other), path=path, is_second=True))
    return list(found)


@dataclass
class Deeper:
    """A network with one more hidden layer and its setting; and what its gradients raised for sizes that differ."""

    network: AdaptedNetwork | None = None
    changed: Changed = field(default_factory=dict)
    error: Exception | None = None


def deeper_network(network: AdaptedNetwork, made: Made, x: Array, labels: Array) -> Deeper:
    """The network with one more hidden layer, if a list of sizes is a setting: what is wrong between two hidden layers
    shows there alone. Empty if its constructor or forward does not take it, or a parameter has no gradient.

    The sizes of the hidden layers differ or, if backward then raises an error of shapes or indices, are equal.
    """
    sizes = {name: value for name, value in made.settings.items() if _are_sizes(value)}
    found = Deeper()
    for name, value in sizes.items() if len(sizes) == 1 else ():
        size = value[:2][-1]
        for hidden in (size - 1, size):
            found.changed = {name: type(value)((*value[:2], hidden, *value[2:]))}
            with contextlib.suppress(Exception):
                instance = type(network.instance)(**copy.deepcopy(made.settings | found.changed))
                plan = replace(network.plan, aliases={}, unused=(), grads={})
                run = AdaptedNetwork(instance, plan, network.randomness).first_run(x, labels, 0.5)
                if run.rows_of_output().shape[-1] != network.plan.outputs:
                    return found
                try:
                    AdaptedNetwork(instance, plan, network.randomness).first_run(x, labels, 0.5).compute()
                except (ValueError, LookupError) as error:
                    found.error = found.error or error
                    continue
                found.network = _with_gradients(network, replace(made, instance=instance), plan, x, labels)
            break
    return found


def _with_gradients(
    network: AdaptedNetwork, made: Made, plan: NetworkPlan, x: Array, labels: Array
) -> AdaptedNetwork | None:
    """The network of another instance; None if it has no more parameters than the first, or one has no gradient."""
    plan = with_gradients(Instance(made, plan.data), plan, x, labels, network.randomness)
    if len(plan.aliases) <= len(network.plan.aliases) or set(plan.grads) != set(plan.aliases):
        return None
    found = AdaptedNetwork(moved_copy(made.instance, plan.aliases), plan, network.randomness)
    loss, grads = found.loss_and_grads(x, labels)
    shapes = all(grads[key].shape == array.shape for key, array in found.params.items())
    return found if np.isfinite(loss) and shapes and plan.steps == network.plan.steps else None


def _are_sizes(value: Any) -> bool:
    """Whether it lists the numbers of inputs, hidden units and outputs, or of hidden units alone."""
    return isinstance(value, list | tuple) and len(value) in (1, 3) and all(type(size) is int for size in value)


def _data(network: AdaptedNetwork, count: int, sample: tuple[int, ...], seed: int) -> tuple[Array, Array]:
    """Inputs and labels; for code that clips, such that no gradient is as large as the limit, if such are found."""
    first = network_data(count, sample, seed)
    if not clips(*getattr(network.instance, "functions", [type(network.instance)])):
        return first
    for other in range(ATTEMPTS):
        x, labels = network_data(count, sample, seed + other * FAR) if other else first
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            if not _is_at_a_limit(network, x, labels):
                return x, labels
    return first


def _is_at_a_limit(network: AdaptedNetwork, x: Array, labels: Array) -> bool:
    """Whether the largest entry of a gradient, or its norm, is a number of few digits, as limits are."""
    runs = copy.deepcopy(network).runs(x, labels, 1.0)
    for run in runs:
        run.compute()
        gradients = [np.asarray(run.read(name), np.float64) for name in network.plan.grads]
        found = [np.abs(gradient).max(initial=0) for gradient in gradients]
        found += [np.linalg.norm(gradient) for gradient in gradients]
        found.append(float(np.linalg.norm(found[len(gradients) :])))
        if any(size and np.isclose(size, round(float(size), 3), rtol=1e-9, atol=0) for size in found):
            return True
    return False


def _like(network: AdaptedNetwork, instance: Any) -> AdaptedNetwork:
    """Another instance with the parameters of the network, behind the same protocol."""
    for name, slots in network.plan.aliases.items():
        for slot in slots:
            slot.set(instance, network.params[name].copy())
    return AdaptedNetwork(instance, network.plan, network.randomness)


def _other_instances(network: AdaptedNetwork, made: Made) -> Iterator[tuple[Any, Changed]]:
    """The network with second values of its settings, such as penalties, and with each other activation that its
    constructor has a text for.
    """
    if hasattr(network.instance, "penalty"):  # it is made of functions
        names = inspect.signature(network.instance.source_of("backward")).parameters
        instance = copy.deepcopy(network.instance)
        instance.penalty = second_value(0.0)
        yield instance, {name: instance.penalty for name in names if PENALTIES.search(name)}
    else:
        known = made.settings
        defaults = {name: value for name, value in defaults_of(type(network.instance)).items() if name not in known}
        second = second_values(defaults, penalties=True)
        changed = {name: value for name, value in second.items() if IN_THE_LOSS.search(name)}
        given = {name: second_value(0.0) for name in known if PENALTIES.search(name)}
        with contextlib.suppress(Exception):
            yield type(network.instance)(**copy.deepcopy(known | given), **changed), changed | given
    for instance, texts in with_other_texts(network.instance, made.settings):
        if all(map(ACTIVATION.search, texts)):
            yield instance, texts


def _changes_the_loss(first: AdaptedNetwork, second: AdaptedNetwork, x: Array, labels: Array) -> bool:
    before, after = (each.loss_and_grads(x, labels)[0] for each in (first, second))
    return bool(np.isfinite(after) and after != before)


def _no_model(rng: np.random.Generator) -> None:
    return None
