"""Which line is wrong? One small change at a time is made to the source, and the one that mends everything is named.

    search(case, law, passes_law=..., passes_all=...).suggestion

A change counts where the broken law holds with it, and so does every other law; what `forward` answers may not
change, unless a textbook's definition says what it should be. So what is named is a fact: with this change the code is
right, as far as the laws see. Other laws leave open what was meant, so for them none is sought.
Source: W. Weimer et al., Automatically finding patches using genetic programming, ICSE 2009; here without chance.
"""

from __future__ import annotations

import contextlib
import copy
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np

from nnlaw.spec.fixes.describe_change import diagnosis
from nnlaw.spec.fixes.float64_probe import Unanswered, probes
from nnlaw.spec.fixes.recompile import Workshop, quietly
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Edit, Suggestion

SOUGHT = {"gradient", "linear-backward", "repeatable-backward", "stale-gradient", "batch-additive", "definition"}
SECONDS = 2.5  # of this process's own time
PATIENCE, TRIAL = 0.5, 10.0  # seconds of computing for one change to show itself, and to stand before every law
STANDINS = {
    "self.input": "the input of forward", "self.output": "the output of forward",
    "self.prediction": "the prediction given to forward", "self.target": "the target given to forward",
}  # fmt: skip
ENOUGH, SHOWN = 4, 2  # so many edits are looked for, and so many shown: the shortest of a line
NEAR = 1e-4  # how closely a changed backward must meet the slope measured along one direction

Held = Callable[[Case], bool]
Found = dict[int, list[tuple[Edit, str]]]


@dataclass(frozen=True)
class Fix:
    """What mends the code, as a reader would write it, and the mistake that it undoes."""

    suggestion: Suggestion | None = None
    cause: str = ""
    cause_code: str = ""
    certain: bool = False


def search(case: Case, law: str, *, passes_law: Held, passes_all: Held) -> Fix:
    """The changes of one place that mend `case`, none where none is found within the time.

    `passes_law` checks the failed law alone, `passes_all` every law; both on a case that is made of the changed source.
    """
    work = Workshop.of(case) if law in SOUGHT and _can_wait() else None
    if work is None:
        return Fix()
    try:
        promising = None if law == "definition" else _along(case)
    except Unanswered:  # where forward or the loss itself fails there is no slope to go by
        return Fix()
    found: Found = {}
    chance: Found = {}
    roles = work.roles()
    tier = 0
    ends = process_time() + SECONDS
    with quietly():
        for edit, changed in work.changes():
            if process_time() > ends or (found and edit.tier > tier):
                break
            with contextlib.suppress(Exception):  # a change that breaks the code is no repair
                with _alarm(PATIENCE):
                    mends = (promising is None or promising(changed)) and passes_law(changed)
                if mends and _sound(changed, passes_all):
                    here = chance if edit.number and _by_chance(changed) else found
                    here.setdefault(edit.line, []).append((edit.in_source(work.path), diagnosis(edit, roles)))
                    tier = edit.tier
                    if sum(map(len, found.values())) == ENOUGH:
                        break
    return _fix(found or chance, not found)


def _fix(found: Found, by_chance: bool) -> Fix:
    """The shortest edit of each line. If edits fix the code for several reasons, the cause is not certain."""
    if not found:
        return Fix()
    best = sorted((min(same, key=_length) for same in found.values()), key=_length)[:SHOWN]
    text = " ".join(edit.after for edit, _ in best)
    notes = [f"`{name}` is {words}" for name, words in STANDINS.items() if name in text]
    first = [cause for _, cause in best] + [cause for same in found.values() for _, cause in same]
    causes = list({cause.partition(":")[0]: cause for cause in reversed(first) if cause}.values())[::-1]
    if len(causes) == 2 and not by_chance:
        causes = [f"either {causes[0]}, or {causes[1]}"]
    certain = len(causes) == 1 and not (by_chance or notes)  # what the author never stored may fit by chance
    cause = causes[0] if causes else ""
    if cause and (len(causes) > 1 or by_chance):
        cause = f"perhaps {cause}"
    suggestion = Suggestion(tuple(edit for edit, _ in best), "; ".join(notes))
    return Fix(suggestion, cause, "fixed-by-edit" if cause else "", certain)


def _length(found: tuple[Edit, str]) -> int:
    return len(str(found[0]))


def _by_chance(case: Case) -> bool:
    """Whether a number that was put in only fits as the plugin's own numbers are set: with others it mends nothing."""
    thing = getattr(case, case.kind, None)
    own = {name: v for name, v in getattr(thing, "__dict__", {}).items() if type(v) is float and v}
    for name, v in own.items():
        other = copy.copy(thing)
        setattr(other, name, 0.8 * v)
        with contextlib.suppress(Exception):
            if not _agrees(replace(case, **{case.kind: other})):  # type: ignore[arg-type]  # the field is the kind's name
                return True
    return False


def _agrees(case: Case) -> bool:
    """Whether the gradient has the slope along one direction that the number has."""
    probe = next(probes(case), None)
    if probe is None:
        return True
    rng = np.random.default_rng(0x5EED)
    step = {name: rng.standard_normal(np.shape(array)) for name, array in probe.arrays.items()}
    along = sum(float(np.vdot(slope, step[name])) for name, slope in probe.run({})[1].items())
    slope = probe.slope(step)
    return abs(along - slope) <= NEAR * max(abs(along), abs(slope))


def _sound(changed: Case, sound: Held) -> bool:
    with _alarm(TRIAL):
        return sound(changed)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """TimeoutError for a change that makes the code run on and on."""

    def ring(*args: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _can_wait() -> bool:
    """Whether a change that never ends can be stopped: a signal reaches the main thread alone."""
    return hasattr(signal, "SIGVTALRM") and threading.current_thread() is threading.main_thread()


def _along(case: Case) -> Held | None:
    """A quick look before the law itself: one directional slope of what is differentiated, which may not change."""
    probe = next(probes(case), None)
    if probe is None:
        return None
    rng = np.random.default_rng(0x5EED)
    value, _ = probe.run({})
    step = {name: rng.standard_normal(np.shape(array)) for name, array in probe.arrays.items()}
    slope = probe.slope(step)

    def promising(changed: Case) -> bool:
        found, grads = probe.run({}, type(getattr(changed, changed.kind)))
        if abs(found - value) > 1e-9 * max(1.0, abs(value)):
            return False
        along = sum(float(np.vdot(grads[name], u)) for name, u in step.items())
        return abs(along - slope) <= NEAR * max(abs(along), abs(slope))

    return promising
