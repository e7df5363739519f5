"""Search for a fix: change the source in one place at a time, and return the changes that make every law pass.

    search(case, "gradient", passes_law=..., passes_all=...).suggestion

A change is returned only if every law passes with it: on the case, on the other cases of the unit, which have other
settings and shapes, after a batch of another size, and for an optimizer with another learning rate. It must not change
what forward computes, unless a reference defines what that should be. Changes that compute the same are one: the
nearest to the author's source is returned. Fixes are searched only for the laws in SEARCHED: other laws leave open what
the code should do.
Source: W. Weimer et al., Automatically finding patches using genetic programming, ICSE 2009; here without chance.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import thread_time
from typing import Any, TypeVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.fixes.ahead import ahead
from nnlaw.spec.fixes.describe_change import describe
from nnlaw.spec.fixes.distance import distance
from nnlaw.spec.fixes.float64_probe import FEW, Float64Probe, ProbeFailed, probes
from nnlaw.spec.fixes.likely_places import LikelyPlaces, find_places
from nnlaw.spec.fixes.mutate import Mutation
from nnlaw.spec.fixes.plainer import plainer
from nnlaw.spec.fixes.recompile import Source, VariantBuilder, is_forward
from nnlaw.spec.subjects.cases import Case, InitializerCase, LayerCase, OptimizerCase, ScheduleCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, Edit, Suggestion, together

SEARCHED = {
    "gradient", "input-gradient", "shape", "linear-backward", "repeatable-backward", "stale-gradient", "batch-additive",
    "definition",
}  # fmt: skip
MAX_SECONDS = 4.0  # of CPU time
LAW_SECONDS, ALL_SECONDS = 0.5, 10.0  # of CPU time for one change: whether it is promising, every law
STORING, IN_FORWARD = 4, 4  # tokens, for each array that forward stores besides; if forward itself is changed
MOVED = 2  # tokens, if only parentheses move: more changes of that kind fit by chance
NUMBER, SQUARE = 3, 1  # tokens, if it inserts a number, or 2: a name of the same value is right for others, too
PLAINER = 0.01  # tokens that a plainer form is nearer than the change that it is a form of
MAX_PROMISING, MAX_CONFIRMED = 40, 3  # changes of one tier
OTHER_RATE = 0.7  # of the first learning rate
TOLERANCE = 1e-4  # of the slope along one direction
EQUAL = 1e-7  # of the largest value: two changes compute the same

Passes = Callable[[Case], bool]
T = TypeVar("T")


@dataclass(frozen=True)
class Fix:
    """The suggested edits, and the mistakes that they correct. If `certain`, there are at most two."""

    suggestion: Suggestion | None = None
    cause: Cause = NO_CAUSE
    certain: bool = False


@dataclass(frozen=True)
class _Candidate:
    """A change that may fix the code; the lowest `cost` is the nearest to the author's source.

    `needs_store` is whether forward must store more for it, `changes_forward` also whether it is a change of forward;
    `form_of` is the change of which it is a form.
    """

    variant: Subject
    edit: Edit
    cause: Cause
    cost: float
    inserts_number: bool
    needs_store: bool
    changes_forward: bool
    form_of: _Candidate | None = None


def search(
    case: Case, law: str, *, passes_law: Passes, passes_all: Passes, others: Sequence[Case] = ()
) -> Fix:
    """The changes of one place that fix `case` and the `others` of its unit; an empty Fix if the time is over first.

    `passes_law` checks the failed law alone, `passes_all` every law, on a case with the changed source.
    """
    # many distributions have the variance, and many curves the form, of what is called with one set of arguments
    is_vague = isinstance(case, InitializerCase | ScheduleCase) and not case.registered
    builder = VariantBuilder.of(case) if law in SEARCHED and not is_vague else None
    if builder is None or not builder.subject.can_be_limited:
        return Fix()
    subject, of_value = builder.subject, law == "definition"
    try:
        quick = None if of_value else _quick_check(case)
    except ProbeFailed:  # without a value there is no slope
        return Fix()

    right_here = False  # the law fails at another point
    with contextlib.suppress(ProbeFailed, ValueError):  # of a gradient of another shape
        right_here = quick is not None and quick(None)()

    def may_fix(variant: Subject, is_promising: Callable[[], bool] | None) -> bool:
        with contextlib.suppress(Exception), subject.limited(LAW_SECONDS):  # some changes break the code
            if is_promising is not None and not is_promising():
                return False
            return (quick is not None and not right_here) or passes_law(builder.case_of(variant))
        return False

    confirm = _Confirmation(builder, case, [*_other_cases(case), *others], passes_law, passes_all)
    found: list[_Candidate] = []
    with subject.silenced(), np.errstate(all="ignore"):
        likely = LikelyPlaces() if quick is None or right_here else find_places(builder, case)
        until = _cpu_time(subject) + MAX_SECONDS
        for places in (likely, LikelyPlaces(likely.others))[: 2 if likely.others else 1]:
            variants = ahead(
                builder.variants(of_value=of_value, may_be_at=places.may_be_at), quick or (lambda variant: None)
            )
            for candidates in _tiers(builder, variants, may_fix, until, conditions=law != "stale-gradient"):
                was_found = bool(found)
                found = confirm.confirmed([*found, *candidates])
                if was_found or not all(each.changes_forward for each in found):  # else try one more tier
                    break
            if found:
                break
    fix = _fix(found) if found else Fix()
    several = of_value and len(found) > 2  # a definition with free settings fits them all
    return replace(fix, cause=NO_CAUSE) if several else fix


def _tiers(
    builder: VariantBuilder,
    variants: Iterator[tuple[Source, Mutation, Subject, T]],
    may_fix: Callable[[Subject, T], bool],
    until: float,
    *,
    conditions: bool,
) -> Iterator[list[_Candidate]]:
    """The promising changes of each tier, each with its plainer forms, until this CPU time.

    Without `conditions` no test of an `if` is changed: what is wrong is that an array is kept, and a test that is
    always true only hides it.
    """
    tier, promising, found = 0, 0, list[_Candidate]()
    for count, (source, mutation, variant, started) in enumerate(variants):
        if mutation.tier > tier:
            yield found
            tier, promising, found = mutation.tier, 0, []
        if count % 4 == 0 and _cpu_time(builder.subject) > until:
            break
        if promising == MAX_PROMISING or (not conditions and _is_in_condition(mutation)):
            continue
        if not may_fix(variant, started):
            continue
        with mutation.applied():
            if change := _candidate(builder, source, mutation, variant):
                promising += 1
                found += [*_forms(builder, source, mutation, change), change]
    yield found


def _is_in_condition(mutation: Mutation) -> bool:
    """Whether it changes the test of an `if`, as a statement or in an expression."""
    with mutation.applied():
        tests = [node.test for node in ast.walk(mutation.statement) if isinstance(node, ast.If | ast.IfExp)]
        return any(node is mutation.new for test in tests for node in ast.walk(test))


def _candidate(
    builder: VariantBuilder, source: Source, mutation: Mutation, variant: Subject
) -> _Candidate | None:
    """The change as it is in the tree now; None if the text of the file does not allow it."""
    edit, stores = source.edit(), builder.needed(source, mutation)
    if edit is None or mutation.is_empty:
        return None
    in_forward = is_forward(source.tree.name)
    number = SQUARE if mutation.code == "missing-square" else NUMBER
    cost = distance(mutation, builder.known) + number * mutation.inserts_number
    cost += STORING * len(stores) + IN_FORWARD * in_forward + MOVED * (mutation.code == "wrong-parentheses")
    edit, cause = together([edit, *(store.edit for store in stores)]), describe(mutation, stores)
    needs = bool(stores), in_forward or bool(stores)
    return _Candidate(variant, edit, cause, cost, mutation.inserts_number, *needs)


def _forms(
    builder: VariantBuilder, source: Source, mutation: Mutation, change: _Candidate
) -> Iterator[_Candidate]:
    """Plainer forms of a change, each a little nearer than the next one."""
    forms: list[_Candidate] = []
    for form in plainer(mutation):
        with contextlib.suppress(Exception):  # some do not compile
            variant = builder.variant([source], builder.needed(source, mutation))
            if candidate := _candidate(builder, source, form, variant):
                forms.append(candidate)
    for i, found in enumerate(forms):
        yield replace(found, cost=min(found.cost, change.cost - PLAINER * (len(forms) - i)), form_of=change)


def _other_cases(case: Case) -> list[Case]:
    """An optimizer with another learning rate, so that a number that equals the first one is not mistaken for it."""
    return [replace(case, lr=OTHER_RATE * case.lr)] if isinstance(case, OptimizerCase) else []


@dataclass
class _Confirmation:
    """Tries promising changes with every law, on every case of the unit."""

    builder: VariantBuilder
    case: Case
    others: Sequence[Case]
    passes_law: Passes
    passes_all: Passes

    def confirmed(self, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        """The nearest of those that compute the same and pass every law, nearest first."""
        found: list[_Candidate] = []
        values: list[list[Array]] = []
        until = _cpu_time(self.builder.subject) + ALL_SECONDS
        for each in sorted(candidates, key=lambda each: each.cost):
            with contextlib.suppress(Exception):  # some changes break the code
                computed = self.computed(each.variant)
                if each.form_of and not _are_equal(computed, self.computed(each.form_of.variant)):
                    continue
                if any(_are_equal(computed, other) for other in values) or not self.passes(each):
                    continue
                found.append(each)
                values.append(computed)
            if len(found) == MAX_CONFIRMED or _cpu_time(self.builder.subject) > until:
                break
        wide = self.of_another_rank()
        kept = [each for each in found if wide is not None and self.has_right_slope(each.variant, wide)]
        return kept or found

    def passes(self, candidate: _Candidate) -> bool:
        """Whether every law passes with it."""
        case = self.builder.case_of(candidate.variant)
        with self.builder.subject.limited(ALL_SECONDS):
            if not self.passes_law(case) or (candidate.inserts_number and _depends_on_settings(case)):
                return False
            if not self.takes_other_sizes(candidate.variant):
                return False
            changed = (replace(self.builder, case=other).case_of(candidate.variant) for other in self.others)
            return all(self.passes_all(other) for other in (case, *changed))

    def takes_other_sizes(self, variant: Subject) -> bool:
        """Whether a changed layer gives the same results after a smaller, a larger and a square batch as a new one, if
        the author's code takes these.
        """
        if not isinstance(self.case, LayerCase) or not self.case.layer.has("reused"):
            return True
        x, other = self.case.x, self.case.other_x
        dy = np.random.default_rng(0x5EED).standard_normal(np.shape(self.case.fresh(True).forward(x)))
        square = slice(x.shape[-1] if x.ndim == 2 else len(x))  # as many samples as entries
        for batch, earlier in ((x, other[1:]), (x[1:], other), (x[square], other[square])):
            is_taken = False
            with contextlib.suppress(Exception):  # of a batch of a fixed size
                is_taken = bool(self.case.fresh(True).call("reused", batch, earlier, dy))
            if is_taken:
                changed = self.builder.case_of(variant)
                assert isinstance(changed, LayerCase)
                found = changed.fresh(True).call("reused", batch, earlier, dy)
                results = [found[name] for name in ("output", "dx") if name in found]
                if not results or not all(np.allclose(later, new) for later, new in results):
                    return False
        return True

    def computed(self, variant: Subject) -> list[Array]:
        """What the changed code computes at several points, to compare two changes."""
        case = self.case
        if isinstance(case, OptimizerCase):
            rng = np.random.default_rng(0x5EED)
            w, gradients = rng.standard_normal(4), list(rng.standard_normal((3, 4)))
            return [np.array(case.make().copy(variant).steps(w.copy(), gradients, lr)) for lr in (0.1, 0.07)]
        if isinstance(case, ScheduleCase):
            changed = self.builder.case_of(variant)
            assert isinstance(changed, ScheduleCase)
            return [np.array([float(changed(t)) for t in np.linspace(0, 1, 21)])]
        runs = [probe.run({}, variant) for probe in probes(case)]
        return [np.array([value]) for value, _ in runs] + [np.asarray(g) for _, grads in runs for g in grads.values()]

    def of_another_rank(self) -> LayerCase | None:
        """A layer's case with samples of two axes instead of one, if forward accepts them."""
        case = self.case
        if not isinstance(case, LayerCase) or case.x.ndim != 2:
            return None
        wide = np.stack([case.x, case.other_x[: len(case.x)]], axis=1)
        with contextlib.suppress(Exception):
            y, narrow = np.asarray(case.fresh(True).forward(wide)), np.asarray(case.fresh(True).forward(case.x))
            if y.ndim == narrow.ndim + 1 and np.isfinite(y).all():
                return replace(case, x=wide)
        return None

    def has_right_slope(self, variant: Subject, case: Case) -> bool:
        """Whether the changed code gives the slope on another case."""
        with contextlib.suppress(Exception):
            return _has_right_slope(replace(self.builder, case=case).case_of(variant))
        return False


def _are_equal(some: Sequence[Array], others: Sequence[Array]) -> bool:
    pairs = zip(some, others, strict=False)  # empty if there are no gradients: both equal the reference
    return len(some) == len(others) and all(_is_equal(a, b) for a, b in pairs)


def _is_equal(a: Array, b: Array) -> bool:
    """Whether they are equal up to rounding; outside the domain both may be nan."""
    if a.shape != b.shape:
        return False
    apart = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    size = np.abs(a[np.isfinite(a)]).max(initial=1e-300)
    return bool((np.abs(a - b)[apart] <= EQUAL * size).all())


def _fix(found: Sequence[_Candidate]) -> Fix:
    """All changes that were confirmed. Those that correct more than two mistakes leave the cause open."""
    causes: dict[str, Cause] = {}
    for each in found:
        if each.cause:
            causes.setdefault(each.cause.code, each.cause)
    cause = next(iter(causes.values()), NO_CAUSE)
    if len(causes) == 2:
        cause = Cause.either(*causes.values())
    elif len(causes) > 2:
        cause = Cause(cause.code, f"possibly {cause.text}")
    certain = len(causes) in (1, 2) and not any(each.needs_store for each in found)  # which may fit by chance
    return Fix(Suggestion(tuple(each.edit for each in found)), cause, certain)


def _depends_on_settings(case: Case) -> bool:
    """Whether a number that was inserted fits only the present settings: with other ones the gradient is wrong."""
    subject: Subject | None = getattr(case, case.kind, None)
    if subject is None:
        return False
    own = {name: v for name, v in subject.attributes(own=True).items() if type(v) is float and v}
    for name, v in own.items():
        other = subject.copy()
        other.set(name, 0.8 * v)
        with contextlib.suppress(Exception):
            if not _has_right_slope(replace(case, **{case.kind: other})):  # type: ignore[arg-type]  # the field is the kind's name
                return True
    return False


def _has_right_slope(case: Case) -> bool:
    """Whether the gradient gives the slope along one direction."""
    probe = next(probes(case), None)
    if probe is None:
        return True
    step = _direction(probe)
    return _is_near(_slope_of(probe.run({})[1], step), probe.slope(step))


def _direction(probe: Float64Probe) -> dict[str, Any]:
    rng = np.random.default_rng(0x5EED)
    return {name: rng.standard_normal(np.shape(array)) for name, array in probe.arrays.items()}


def _slope_of(grads: dict[str, Any], step: dict[str, Any]) -> float:
    """The slope along `step` according to the gradients."""
    return sum(float(np.vdot(grads[name], each)) for name, each in step.items())


def _is_near(analytic: float, numeric: float) -> bool:
    return abs(analytic - numeric) <= TOLERANCE * max(abs(analytic), abs(numeric))


def _quick_check(case: Case) -> Callable[[Subject | None], Callable[[], bool]] | None:
    """Begins a check that is faster than the law: the slope along one direction, of a value that must not change."""
    probe = next(probes(case, rows=FEW), None)
    if probe is None:
        return None
    step = _direction(probe)
    value, slope = probe.value({}), probe.slope(step)

    def begin(variant: Subject | None) -> Callable[[], bool]:
        result = probe.started({}, variant)

        def is_promising() -> bool:
            found, grads = result()
            if abs(found - value) > 1e-9 * max(1.0, abs(value)):
                return False
            return _is_near(_slope_of(grads, step), slope)

        return is_promising

    return begin


def _cpu_time(subject: Subject) -> float:
    """Seconds of CPU time of this thread and of the subject's process."""
    return thread_time() + subject.cpu_time()

