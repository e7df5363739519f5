"""Inputs, outputs and targets to try for a network."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import AdaptedNetwork, Call, NetworkPlan, NetworkRun, roles_of
from nnlaw.spec.discovery.calls import N_IN, N_OUT, N, Randomness
from nnlaw.spec.discovery.layer_inputs import likely_sizes, shape_settings
from nnlaw.spec.discovery.layer_methods import is_rate
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.network_instances import Instance
from nnlaw.spec.discovery.second_settings import defaults_of
from nnlaw.spec.discovery.sequences import LAYOUTS_OF_SEQUENCES, is_recurrent, length_of, outputs_of, state_shapes
from nnlaw.spec.discovery.slots import array_slots, number_slots

MAX_SIZE, MAX_SIDE = 4096, 32  # of one input, of the side of an image
LAYOUTS_TRIED = ("rows", "columns", "one column", "one row", "one", "batch of one row", "batch of one column",
                 "rows of columns")  # fmt: skip


def inputs_to_try(one: Instance, methods: list[str]) -> Iterator[NetworkPlan]:
    """Plans with a layout and the shape of one input only; those of sequences first if the code is recurrent."""
    instance = one.made.instance
    rates = tuple(slot for slot in number_slots(instance) if is_rate(slot.key))
    rates = tuple(slot for slot in rates if slot.key.lower() != "alpha") or rates  # else a penalty beside a rate
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
    kernels = [array.shape for _, array in array_slots(one.made.instance) if array.ndim == 4]
    channels = [c for c in (*sizes, 1) if c <= 4 and any(c in shape for shape in kernels)]
    shapes: list[tuple[int, ...]] = shape_settings(one.made) if kernels else []
    numbers = [*one.made.settings.values(), *defaults_of(type(one.made.instance)).values()] if kernels else []
    squares = dict.fromkeys(side for side in numbers if type(side) is int and 4 <= side <= MAX_SIDE)
    sides = [(6, 8), *((side, side) for side in squares)]
    shapes += [shape for h, w in sides for c in channels for shape in ((c, h, w), (h, w, c))]
    return [*((shape, 0) for shape in shapes), *(((size,), 0) for size in sizes[:7]), ((), max(sizes))]


def starts_of(
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
                run = AdaptedNetwork(one.made.instance, plan, randomness).first_run(x, labels, 1.0)
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
        yield from _starts_of_classes(one, forwards, blank, x, labels, randomness)
        yield from (replace(blank, outputs=count) for count in (N_OUT, 2, 1))


def _starts_of_classes(
    one: Instance, forwards: list[Call], blank: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> Iterator[NetworkPlan]:
    """Plans whose output is what a method computes before it returns the classes."""
    for call in forwards:
        plan = replace(blank, output=replace(call, inner=True))
        with contextlib.suppress(Exception):
            run = AdaptedNetwork(one.made.instance, plan, randomness).first_run(x, labels, 1.0)
            count = _outputs(np.asarray(run.output()), plan.layout)
            if count:
                yield replace(plan, outputs=count)
                return


def _with_outputs(plan: NetworkPlan, run: NetworkRun) -> Iterator[NetworkPlan]:
    """The plan with the number of outputs, for each value that may be the output."""
    y = run.forward()
    if plan.sequence:
        for place, rows in outputs_of(run.from_forward, plan.layout, run.samples, plan.sample[0]):
            yield replace(plan, part=place, outputs=rows.shape[-1], times=plan.sample[0] * (rows.ndim == 3))
    elif np.asarray(y).dtype.kind == "f" and (count := _outputs(np.asarray(y), plan.layout)):
        is_vector = np.ndim(y) == 1 and not plan.layout.single
        yield replace(plan, outputs=count, targets="binary vector" if is_vector else plan.targets)


def _outputs(y: Array, layout: Layout) -> int:
    """The number of outputs; 0 if the samples are elsewhere."""
    if layout.single:
        return y.size if y.size <= 64 and sorted(y.shape)[:-1] == [1] * (y.ndim - 1) else 0
    y = layout.to_rows(y) if layout.name == "rows of columns" else y
    if y.ndim not in (1, 2) or y.shape[-1 if layout.name == "columns" else 0] != N:
        return 0
    return 1 if y.ndim == 1 else y.size // N


def target_plans(plan: NetworkPlan, is_vector: bool = False) -> Iterator[NetworkPlan]:
    """The kinds of targets to try; with `is_vector`, or if the output is a vector, one number per sample first."""
    kinds: tuple[str, ...] = ("one-hot", "labels") if plan.outputs > 1 else ("binary", "binary vector")
    is_vector = is_vector or plan.targets == "binary vector"
    kinds = kinds[::-1] if is_vector and plan.outputs == 1 else kinds
    arguments = (plan.before or plan.gradient).arguments
    if not any(role in ("t", "pairs", "list of t") for role, _ in arguments) and plan.sample and not plan.data:
        plan = replace(plan, outputs=plan.sample[-1]) if plan.forward is plan.output is None else plan
        kinds = ("the input",) if plan.outputs == plan.sample[-1] and not plan.integers else ()
    for kind in kinds:
        yield replace(plan, targets=kind)
