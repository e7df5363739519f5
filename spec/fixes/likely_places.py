"""Where a single mistake can be: the expressions on which every wrong gradient depends, but not the value.

    likely = find_places(builder, case)
    likely.may_be_at(function, node)        False if it can't fix all gradients

Each expression is changed a little in turn. A gradient that stays as it was does not depend on it. Those whose values
are not real numbers, such as masks and indices, may contain the mistake if the expression around them may.
"""

from __future__ import annotations

import ast
import contextlib
from dataclasses import dataclass, field
from time import thread_time

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.fixes.expression_tracer import Place, TracedExpression, place_of, traced
from nnlaw.spec.fixes.float64_probe import FEW, Float64Probe, ProbeFailed, code_under_test, probes
from nnlaw.spec.fixes.recompile import VariantBuilder, is_forward
from nnlaw.spec.subjects.cases import Case

MAX_SECONDS = 1.0  # of CPU time
DIRECTIONS = 3
WRONG, CHANGED = 1e-5, 1e-9  # relative: a slope is another one, a gradient depends on an expression


@dataclass(frozen=True)
class LikelyPlaces:
    """For each function, the places of expressions, and whether they may contain the mistake."""

    places: dict[str, dict[Place, bool]] = field(default_factory=dict)
    others: dict[str, dict[Place, bool]] = field(default_factory=dict)
    """The same if correct gradients may depend on the expression, too; empty if there are no correct ones."""

    def may_be_at(self, function: str, node: ast.AST) -> bool:
        """Whether a change of the node may fix all gradients: of the expressions around it, the innermost decides.

        A statement of forward may have to store another array.
        """
        known = self.places.get(function)
        if not known or not hasattr(node, "lineno") or (isinstance(node, ast.stmt) and is_forward(function)):
            return True
        here = place_of(node)
        around = [place for place in known if place[:2] <= here[:2] and here[2:] <= place[2:]]
        if around:
            return known[max(around, key=lambda place: (place[:2], (-place[2], -place[3])))]
        inside = [known[place] for place in known if here[:2] <= place[:2] and place[2:] <= here[2:]]
        return any(inside) or not inside or not isinstance(node, ast.stmt)


def find_places(builder: VariantBuilder, case: Case) -> LikelyPlaces:
    """The places on which every gradient depends that is wrong at the first point of the case."""
    with contextlib.suppress(ProbeFailed, TypeError, ValueError):  # of gradients that are not arrays of numbers
        probe = next(probes(case, rows=FEW), None)
        return LikelyPlaces() if probe is None else _found(builder, probe)
    return LikelyPlaces()


def _found(builder: VariantBuilder, probe: Float64Probe) -> LikelyPlaces:
    value, grads = probe.run({})
    wrong = _wrong_arrays(probe, grads)
    right = set(probe.arrays) - wrong
    if not wrong:
        return LikelyPlaces()
    tracer, expressions, owners = builder.subject.tracer(), list[TracedExpression](), list[str]()
    sources = builder.sources()
    for source in sources:
        source.tree = traced(source.tree, expressions)
        owners += [source.tree.name] * (len(expressions) - len(owners))
    with code_under_test():  # not every function can be replaced by another
        kind = builder.variant(sources, tracer=tracer)
    places, others = dict[str, dict[Place, bool]](), dict[str, dict[Place, bool]]()
    unknown = set[int]()
    began = thread_time() + builder.subject.cpu_time()
    for i, (owner, expression) in enumerate(zip(owners, expressions, strict=True)):
        if thread_time() + builder.subject.cpu_time() > began + MAX_SECONDS:
            break
        tracer.call("nudge", i)
        moved, changed = value, grads
        with contextlib.suppress(ProbeFailed):  # of a number that must not change
            moved, changed = probe.run({}, kind)
        was_nudged = tracer.call("stop")
        if not was_nudged:  # such as an integer: it is unknown what depends on it, and on parts of it
            unknown.update(expression.parts)
        if was_nudged and changed is not grads and i not in unknown:
            of_value = abs(moved - value) > CHANGED * max(1.0, abs(value))
            affects_all = all(_differ(changed[name], grads[name]) for name in wrong) and not of_value
            affects_right = any(_differ(changed[name], grads[name]) for name in right)
            places.setdefault(owner, {})[expression.place] = affects_all and not affects_right
            others.setdefault(owner, {})[expression.place] = affects_all
    return LikelyPlaces(places, others if right else {})


def _wrong_arrays(probe: Float64Probe, grads: dict[str, Array]) -> set[str]:
    """The arrays whose gradient is not the slope along some direction, or has another shape."""
    rng, found = np.random.default_rng(0x5EED), set[str]()
    for name, array in probe.arrays.items():
        gradient = np.asarray(grads[name], np.float64)
        if gradient.shape != array.shape:
            found.add(name)
            continue
        for _ in range(DIRECTIONS):
            step = rng.standard_normal(array.shape)
            numeric, analytic = probe.slope({name: step}), float(np.vdot(gradient, step))
            if abs(numeric - analytic) > WRONG * max(abs(numeric), abs(analytic)):
                found.add(name)
    return found


def _differ(one: Array, other: Array) -> bool:
    if np.shape(one) != np.shape(other) or not np.size(other):
        return True  # nothing to compare
    return bool(np.abs(one - other).max(initial=0) > CHANGED * np.abs(other).max(initial=0))
