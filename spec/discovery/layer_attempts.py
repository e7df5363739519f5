"""The ways to call a layer that are tried, and the best of them."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import Given, Plan
from nnlaw.spec.discovery.adapted_network import ROLES
from nnlaw.spec.discovery.backward_arguments import backward_arguments
from nnlaw.spec.discovery.calls import PENALTIES, Made, Randomness, indices, standard_input
from nnlaw.spec.discovery.hints import hints
from nnlaw.spec.discovery.layer_forward import forward_probe
from nnlaw.spec.discovery.layer_gradients import MOMENTUM, NO_GRADIENT, Attempt, complete
from nnlaw.spec.discovery.layer_inputs import count_of, input_shapes
from nnlaw.spec.discovery.layer_methods import (
    FORWARD_WORD,
    KEEPS,
    OPTIMIZER,
    SAMPLES,
    forward_methods,
    is_method,
    is_rate,
    mode_attribute,
    mode_value,
    other_names,
)
from nnlaw.spec.discovery.layer_setup import prepared
from nnlaw.spec.discovery.layouts import Layout
from nnlaw.spec.discovery.match_gradients import Kept
from nnlaw.spec.discovery.scope import Scope, arguments_of, decorated, required_of
from nnlaw.spec.discovery.sequences import state_shapes
from nnlaw.spec.discovery.slots import array_slots, leaves
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.traceback_location import raised_at


def best_attempt(made: list[Made], methods: tuple[str, str], scope: Scope) -> Attempt | None:
    """The best way to call one of the instances; the first perfect one is taken."""
    best: Attempt | None = None
    before: list[Attempt] = []
    randomness = Randomness.of(scope.module)
    for one in made:
        for attempt in attempts(one, methods, randomness):
            if best is None or attempt.score > best.score:
                best = attempt
            if attempt.perfect:
                if (batch := _meant_for_batches(attempt, before)) is not None:
                    return batch
                failed = _failed_at_other_sizes(attempt, before)
                larger = _with_larger_sides(attempt, methods, randomness)
                return larger if failed is None else replace(larger, missing=_failure_of(failed))
            before.append(attempt)
    if best is not None and best.reshaped:
        images = attempts(best.made, methods, randomness, [(best.plan.layout, (best.reshaped,), best.plan.integers)])
        best = next((one for one in images if one.perfect), best)
    if best is not None and best.layer is None:
        best.always_raises = all(has_wrong_shapes(attempt.error) for attempt in before if attempt.error is not None)
    return best if best is not None and best.score[0] >= 1 else None


def best_of_forwards(made: list[Made], methods: tuple[str, str], scope: Scope) -> Attempt | None:
    """The best way to call one of the instances, also with another method whose name is one of a forward, such as one
    that stores what backward needs.
    """
    best = best_attempt(made, methods, scope)
    others = forward_methods(type(made[0].instance))[1:] if best is None or best.layer is None else []
    for name in (other for other in others if FORWARD_WORD.search(other) or other == "__call__"):
        attempt = best_attempt(made, (name, methods[1]), scope)
        if attempt is not None and attempt.layer is not None:
            return attempt
    return best


def _meant_for_batches(found: Attempt, before: list[Attempt]) -> Attempt | None:
    """The incomplete attempt with a batch, if `found` has one sample per call, but backward sums over a batch: then its
    gradients have to be right for one, as np.outer(self.x, dy) is not.
    """
    if not found.plan.layout.single:
        return None
    text = source_text(decorated(getattr(type(found.made.instance), found.plan.backward)))
    batches = (one for one in before if one.plan.layout.name == "rows" and one.layer is not None and not one.perfect)
    return next(batches, None) if OVER_A_BATCH.search(text) else None


OVER_A_BATCH = re.compile(r"\b(sum|mean)\(([\w.]+,\s*)?(axis\s*=\s*)?0\s*[,)]")


def has_wrong_shapes(error: Exception | None) -> bool:
    """Whether an error is one of shapes that do not fit, or of an index that is too large."""
    return isinstance(error, ValueError) or is_out_of_bounds(error)


def _failed_at_other_sizes(found: Attempt, before: list[Attempt]) -> Attempt | None:
    """The first attempt with an input of the same layout and number of axes, for which forward runs, and
    backward raises or swaps axes with all arguments: the sizes of `found` may hide a mistake, as those of a square do.

    With another layout or number of axes, the input may be one that the author does not mean.
    """
    axes = [len(shape) for shape in found.plan.inputs]
    groups: dict[tuple[tuple[int, ...], ...], list[Attempt]] = {}
    for attempt in before:
        own = attempt.plan.inputs
        if attempt.plan.layout is found.plan.layout and [*map(len, own)] == axes and own != found.plan.inputs:
            groups.setdefault(attempt.plan.inputs, []).append(attempt)
    fails = (
        rows[0] for rows in groups.values()
        if all(row.swapped or (row.layer is None and has_wrong_shapes(row.error)) for row in rows)
    )  # fmt: skip
    return next(fails, None)


def _failure_of(attempt: Attempt) -> dict[str, str]:
    """What can't be compared, with the failure of backward."""
    text = f"{attempt.plan.backward} returned dx of shape {attempt.swapped}"
    if attempt.error is not None:
        place = raised_at(attempt.error)
        at = f" at line {place.line}" if place.line else ""
        text = f"{attempt.plan.backward} raised {type(attempt.error).__name__}{at}: {text_of(attempt.error)}"
    return {f"x {', '.join(str((len(attempt.x), *shape)) for shape in attempt.plan.inputs)}": text}


def is_out_of_bounds(error: Exception | None) -> bool:
    """Whether an index was too large for its axis."""
    return isinstance(error, IndexError) and "out of bounds for axis" in str(error)


def _with_larger_sides(attempt: Attempt, methods: tuple[str, str], randomness: Randomness) -> Attempt:
    """The attempt with a larger input, if its input or output has an axis of one entry: sizes of 1 prove nothing."""
    plan, layer = attempt.plan, attempt.layer
    assert layer is not None
    weights = [array for _, array in array_slots(attempt.made.instance)]
    if len(plan.inputs) > 1 or len(plan.inputs[0]) < 2 or (weights and max(array.ndim for array in weights) < 3):
        return attempt
    shape = plan.inputs[0]
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        if 1 not in (*shape, *layer.forward(attempt.x).shape[1:]):
            return attempt
    grown = [size + LARGER for size in shape]
    for larger in ((shape[0], *grown[1:]), (*grown[:-1], shape[-1]), tuple(grown)):
        one = replace(attempt.made, instance=layer.instance)
        for found in attempts(one, methods, randomness, [(plan.layout, (larger,), plan.integers)]):
            if found.perfect:
                return found
    return attempt


LARGER = 3


def attempts(
    made: Made,
    methods: tuple[str, str],
    randomness: Randomness,
    shapes_to_try: list[tuple[Layout, tuple[tuple[int, ...], ...], int]] | None = None,
    point: Array | None = None,
) -> Iterator[Attempt]:
    """Ways to call one instance, the most likely first; those whose forward fails are left out.

    With `point`, that is the input. An attention whose backward fails for three inputs may return two gradients: its
    keys and values are then the same input.
    """
    kind = type(made.instance)
    forward, backward = methods
    rows = required_of(getattr(kind, forward), bound=True)
    flags = [row for row in arguments_of(getattr(kind, forward), bound=True) if row not in rows]
    training = tuple(Given("mode", value, row.name) for row in flags for value in mode_value(row))
    keeping = tuple(Given("value", True, row.name) for row in flags if row.default is False and KEEPS.search(row.name))
    counts = [row for row in rows[1:] if SAMPLES.match(row.name)]
    small = [row for row in rows[1:] if SMALL.match(row.name)]
    needed = [row for row in rows if not mode_value(row) and row not in (*counts, *small)]
    unprepared = made
    given_shapes = [(layout, shapes, 0) for layout, shapes, _ in hints().inputs()]
    states = [row for row in needed[1:] if ROLES["state"].match(row.name)]
    arrays = [row for row in needed if not MASK.match(row.name) and row not in states]
    orders = [(needed, tuple(range(len(needed))))]
    if 0 < len(arrays) < len(needed) and not shapes_to_try:
        orders.append((arrays, tuple(range(len(arrays)))))
    if len(arrays) == 3 and all(map(OF_ATTENTION.match, (row.name for row in arrays))) and not shapes_to_try:
        orders.append((arrays, (0, 1, 1)))
    works = False
    choices = (
        (*order, *row) for order in orders
        for row in shapes_to_try or given_shapes or input_shapes(unprepared, len(set(order[1])))
    )  # fmt: skip
    for taken, order, layout, shapes, integers in choices:
        is_first, is_tied = (taken, order) == orders[0], len(set(order)) < len(order)
        if (not hints().allows(layout) and not shapes_to_try) or (works and not is_first):
            continue
        if point is None and len(shapes) == 1:
            made = prepared(unprepared, shapes[0])
        for constant, extra in itertools.product(
            [None] if len(taken) == len(needed) else first_states(made, layout, shapes) if states else masks_of(shapes),
            (training, ()) if training else ((),),
        ):
            numbers = iter(order)
            given = tuple(
                Given("mode", mode_value(row)[0]) if mode_value(row)
                else Given("count") if row in counts
                else Given("value", 1e-5) if row in small
                else Given("x", next(numbers)) if row in taken else Given("value", constant)
                for row in rows
            )  # fmt: skip
            plan = Plan(
                forward, given + keeping + extra, backward, (), layout, shapes, Kept("returned"), integers=integers,
                mode=mode_attribute(made.instance),
            )  # fmt: skip
            found = list(try_plan(made, plan, randomness, point))
            if not is_first:
                found = [
                    attempt for attempt in found
                    if attempt.perfect and (not is_tied or _returns_gradients_of_inputs(attempt))
                ]  # fmt: skip
            of_all = [not any(attempt.plan.dx) or all(attempt.plan.dx) for attempt in found if attempt.error is None]
            works = works or any(of_all)
            yield from found
            if not any(attempt.perfect for attempt in found) and point is None and len(shapes) == 1:
                other = prepared(unprepared, shapes[0], optimizer=bool(found), by_sizes=not found)
                others = try_plan(other, plan, randomness) if other is not unprepared else iter(())
                yield from (attempt for attempt in others if attempt.perfect)
            if found:
                break


SMALL = re.compile(r"^eps(ilon)?$", re.I)
MASK = re.compile(r"^(\w+_)?mask$", re.I)
OF_ATTENTION = re.compile(r"^(x_?)?(q(uer(y|ies))?|k(eys?)?|v(al(ue)?s?)?)(_?(x|in|inputs?))?$", re.I)


def first_states(made: Made, layout: Layout, shapes: tuple[tuple[int, ...], ...]) -> Iterator[Array]:
    """First states of a recurrent layer, whose gradient backward does not compute: zeros, as in its definition."""
    for sizes in state_shapes(made.instance, layout):
        yield np.zeros([size or count_of(shapes[0]) for size in sizes])


def masks_of(shapes: tuple[tuple[int, ...], ...]) -> list[Array | None]:
    """Masks for the products of all queries and keys, and None.

    Each row and column has both values, since either may be the one that is left out.
    """
    if any(len(shape) != 2 for shape in shapes):
        return [None]
    rows, columns = np.indices((shapes[0][0], shapes[-1][0]))
    mask = ((rows + columns) % 3 > 0)[None]
    return [mask, mask.astype(np.float64), None]


def _returns_gradients_of_inputs(attempt: Attempt) -> bool:
    """Whether backward returned as many arrays as there are inputs."""
    assert attempt.layer is not None
    return len(leaves(attempt.layer.runs[0].returned)) == len(attempt.plan.inputs)


def try_plan(
    made: Made, plan: Plan, randomness: Randomness, point: Array | None = None
) -> Iterator[Attempt]:
    """Complete a plan whose forward runs, by trying the arguments of backward; nothing if forward fails."""
    sizes = sum(int(np.prod(shape)) for shape in plan.inputs)
    shape = plan.inputs[0] if len(plan.inputs) == 1 else (sizes,)
    count = 3 if plan.layout.single else count_of(shape)
    count = next((n for layout, shapes, n in hints().inputs() if (layout, shapes) == (plan.layout, plan.inputs)), count)
    x = standard_input((count, *shape), 0)
    if plan.integers:
        x = indices((count, *shape), plan.integers, 0)
    x = x if point is None else point
    try:
        with np.errstate(all="ignore"):
            probe = forward_probe(made, plan, x, randomness)
    except Exception:
        return
    if probe is None:
        return
    plan, template = probe
    made = replace(made, instance=template)
    works = False
    choices = [(row, False) for row in backward_arguments(made, plan)]
    choices += [(row, True) for row, _ in choices] if plan.layout.name == "one" else []
    for (backward, preset), as_rows in choices:
        if as_rows and works:
            return
        if not backward and not preset and plan.aliases:
            continue  # a derivative alone has no gradients of parameters: backward computes those of a loss
        incoming = sum(given.what == "dy" for given in backward)
        chosen = replace(
            plan, backward_arguments=backward, preset=preset, more=plan.more[: max(0, incoming - 1)],
            multiplies=not backward and not preset, as_rows=as_rows,
        )  # fmt: skip
        attempt = Attempt(made, chosen, x, (1.0,))
        try:
            with np.errstate(all="ignore"):
                complete(attempt, randomness)
        except Exception as error:
            attempt.error = error
        works = works or not has_wrong_shapes(attempt.error)
        if attempt.layer is not None and NO_GRADIENT in attempt.missing.values():
            attempt = _with_step_after(attempt, Attempt(made, chosen, x, (1.0,)), randomness)
        if not as_rows or attempt.perfect:
            yield attempt
        if attempt.perfect:
            return


def _with_step_after(attempt: Attempt, fresh: Attempt, randomness: Randomness) -> Attempt:
    """The attempt, or that with a method such as update(lr) after backward, if it moves what has no gradient yet."""
    kind: Any = type(fresh.made.instance)
    for name in other_names(kind):
        if not STEP_AFTER.match(name) or not is_method(kind, name):
            continue
        given = tuple(given_after(row) for row in required_of(getattr(kind, name), bound=True))
        if None in given:
            continue
        after = name, tuple(one for one in given if one is not None)
        other = replace(fresh, plan=replace(fresh.plan, after=after), missing={}, notes=[], numbers={}, unknown={})
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            complete(other, randomness)
            if other.layer is not None and len(other.missing) < len(attempt.missing):
                return other
    return attempt


STEP_AFTER = re.compile(
    r"^_?(update|step|apply|descend|learn|adjust|optimi[sz]e)(_?(weights?|params?|parameters|grads?|gradients?|step))?$",
    re.I,
)


def given_after(row: inspect.Parameter) -> Given | None:
    """The argument of a method that takes the step; None if it is unknown."""
    if is_rate(row.name):
        return Given("rate")
    if OPTIMIZER.match(row.name):
        return Given("optimizer")
    if PENALTIES.search(row.name) or MOMENTUM.match(row.name):
        return Given("value", 0.0)
    return Given("value", 1) if re.match(r"^(batch_?size|normali[sz]ation|m|n)$", row.name) else None
