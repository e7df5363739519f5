"""Schedules of the learning rate with a standard name: step, exponential, cosine, linear and inverse decay, warm-up.

    step_decay(lr0, epoch, drop, every)      StepLR(optimizer, step_size, gamma).step()      Cosine(lr, T)(epoch)

Times are epochs or steps, of which there are HORIZON in a training.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import Function, FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.nothing import is_empty
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.reference.schedules import EPOCH_LOSSES, EPOCHS, SCHEDULES

HORIZON = EPOCHS
VALUES: dict[str, Any] = {
    "rate": 1.0, "total": HORIZON, "drop": 0.5, "every": 10, "warm": 17, "share": 0.17, "power": 2.0, "low": 0.0,
    "milestones": (25, 60, 80), "patience": 3, "width": 16, "cooldown": 0, "cycles": 4, "cycle": 16, "half": 8,
    "mult": 2,
}  # fmt: skip
"""The arguments of a schedule by their roles; the decay of an exponential is DECAYS."""
UNEVEN = 4
"""The steps in which an exponential or inverse decay falls once, unless it is constant in between."""
OTHER_VALUES = {
    "noam": {"drop": 2.0}, "plateau": {"low": 0.02}, "cosine_restarts": {"low": 0.1}, "triangular": {"low": 0.1},
    "triangular2": {"low": 0.1},
}  # fmt: skip
CYCLIC_ROLES = (
    ("mult", r"^(t_?mult?\w*|cycle_?mult?\w*|mult?\w*)$"),
    ("cycles", r"^(n_?cycles|num_?cycles|cycles)$"),
    ("half", r"^(step_?size(_?(up|down))?|half_?cycle|cycle_?step_?size)$"),
    ("cycle", r"^(t_?0|t_?i|cycle_?(len(gth)?|steps?|epochs?|size|period)|period|restart_?(every|period|interval)|"
              r"first_?(cycle|decay|restart)\w*)$"),
    ("low", r"^(base_?\w*|low\w*|\w*min\w*)$"),
)  # fmt: skip
"""The roles that some arguments have in schedules with cycles."""
ROLES = (
    ("share", r"^(warm\w*_?(frac\w*|ratio|share|prop\w*|pct|percent\w*)|pct_?start)$"),
    ("warm", r"^(warm\w*|n_?warm\w*|num_warm\w*)$"),
    ("low", r"^(\w*min\w*|end|final\w*|lr_?(end|final)|end_?\w*|floor)$"),
    ("milestones", r"^(milestones?|boundaries)$"),
    ("patience", r"^(patience|wait)$"),
    ("cooldown", r"^cool_?down$"),
    ("every", r"^(every|step_?size|drop_?every|epochs_?drop|period|interval|decay_?(every|steps?|epochs?)|"
              r"drop_?(epochs?|interval|step)|time_?interval|n_?drop)$"),
    ("total", r"^(T|t_?max|total\w*|max_?(epochs?|steps?|iter\w*)|epochs|steps|n_?(epochs|steps)|num_?\w*|horizon)$"),
    ("rate", r"^(\w*lr_?0?|\w*eta_?0?|initial_?\w*|init_?(alpha|rate|value)|base\w*|\w*learning_?rate\w*|alpha_?0?|"
             r"peak\w*|lr_?(max|base|init\w*|start|peak)|max_?lr|eta_?max)$"),
    ("time", r"^(t|epoch|step|iteration|iter|i|it|n|current_?\w*|epoch_?\w*|global_?step|step_?num|k)$"),
    ("power", r"^(power|p|degree)$"),
    ("width", r"^(d_?model|model_?(size|dim)|dim|width|hidden\w*)$"),
    ("drop", r"^(drop\w*|gamma|factor|rate|decay_?rate|decay|k|lam\w*|lmbda|scale)$"),
)  # fmt: skip
DECAYS = ((0.05, "1/time"), (0.95, "base"))
METHODS = ("__call__", "get_lr", "get", "lr_at", "value", "get_value", "get_learning_rate", "at", "learning_rate", "lr",
           "compute", "schedule", "rate", "update", "step")  # fmt: skip
STEPS = ("step", "update", "advance")
"""Methods that count a step for one that returns the rate and takes no argument."""
ANY_CYCLE = "cyclic"
"""A name of a schedule with cycles of an unknown curve."""
KINDS = (
    ("", r"(linear|exp|step|poly)\w*restart"),
    ("cosine_restarts", r"cos\w*(restart|cycl)|(restart|cycl)\w*cos|warm_?restart|sgdr"),
    ("triangular2", r"triangular_?2"),
    ("triangular", r"triang"),
    (ANY_CYCLE, r"^cycl\w*_(lr|learning_rate)\w*$|^clr$"),
    ("", r"restart|cycl|trapez"),
    ("plateau", r"plateau"),
    ("noam", r"noam|inv\w*_?sqrt|rsqrt"),
    ("warmup_cosine", r"warm\w*cos|cos\w*warm"),
    ("warmup_linear", r"warm\w*linear|linear\w*warm"),
    ("", r"warm\w*_(exp|step|poly|const|decay)|(exp|step|poly)\w*_warm"),
    ("linear_warmup", r"warm"),
    ("cosine", r"cosine|^cos_|_cos$|cos_?(anneal|decay)"),
    ("exponential", r"exponential|exp_?(decay|lr|sched)|_exp$"),
    ("multi_step", r"multi_?step"),
    ("step", r"step_?(decay|lr|sched|drop)|^step_?wise"),
    ("inverse_time", r"inverse_?(time|decay)?|time_?(based)?_?decay|hyperbolic"),
    ("polynomial_decay", r"poly"),
    ("linear", r"linear"),
)
"""The standard name by a pattern of the author's name, the first that matches."""
CLEAR = ("plateau", "noam", "multi_step", "cosine_restarts")
"""Names that are those of schedules, without another word."""
WARMED = ("linear_warmup", "warmup_linear", "warmup_cosine", "noam")
UNNAMED = ("linear_warmup", "warmup_linear", "warmup_cosine", "noam")
"""What a schedule with a warmup may be with another name."""
IN_STEPS = ("step", "multi_step", "plateau")
CYCLES = ("triangular", "triangular2", "cosine_restarts")
CYCLIC = (*CYCLES, ANY_CYCLE)
FROM_ONE = ("step", "multi_step", "inverse_time", *WARMED)
"""Schedules that may add 1 to the epoch, which is counted from 0."""
SCHEDULE = re.compile(
    r"sched|anneal|warm_?up|(lr|learning_?rate)_?decay|decay_?(lr|learning_?rate)|decay$|^lr_|lr$|LR$"
)


def adapt(scope: Scope) -> Iterator[Found]:
    """The schedules of the module."""
    yield from found_functions(scope, _read)


def role_of(name: str, position: int = 0) -> str:
    """What an argument is, by its name; "" if that is unknown."""
    if name in ("T", "k") and position:
        return "total" if name == "T" else "drop"
    return next((role for role, pattern in ROLES if re.match(pattern, name)), "")


def _read(name: str, thing: Any) -> FunctionUnit | None:
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    standard = next((one for one, pattern in KINDS if re.search(pattern, low)), None)
    if not SCHEDULE.search(low) and not SCHEDULE.search(name) and standard is None:
        return None
    if inspect.isclass(thing):
        clear = SCHEDULE.search(low) or name.endswith("LR") or standard in CLEAR
        return _class(thing, standard or "") if clear else None
    rows = _rows(thing)
    roles = _roles(rows, standard or "")
    if roles is None or "time" not in roles.values():
        return None
    if standard == "plateau" or ("rate" not in roles.values() and not (standard in WARMED and _is_warmed(roles))):
        return None
    if standard == "cosine" and "total" not in roles.values():
        return FunctionUnit("schedule", reason="found no argument that is the length of the training")
    if standard in CYCLIC and not _has_cycles(roles):
        return FunctionUnit("schedule", reason=NO_CYCLES)

    def factors(values: dict[str, Any]) -> Callable[[float], float]:
        rate = _first_rate(standard or "", set(roles.values()), values)
        given = values | {"rate": rate}
        return lambda epoch: float(thing(**{key: epoch if role == "time" else given[role]
                                            for key, role in roles.items()})) / rate  # fmt: skip

    calls = f"({', '.join(row.name for row in rows)})"
    time = next(name for name, role in roles.items() if role == "time")
    shifts = (0, -1) if _counts_from_one(thing, time) else (0,)
    return _unit(standard or "", set(roles.values()), factors, thing, calls, shifts=shifts)


def _first_rate(standard: str, roles: set[str], values: dict[str, Any]) -> float:
    """The learning rate that is given: not 1, which would hide that it is not used, unless others are parts of it."""
    return 1.0 if "rate" not in roles or standard == "noam" or (values["low"] and "low" in roles) else 0.5


def _counts_from_one(function: Any, time: str) -> bool:
    """Whether the source takes 1 off the time, or the module has a loop over it that starts at 1."""
    loop = re.search(rf"for {time} in \w*\(?range\(\s*1\s*,", source_text(inspect.getmodule(function)))
    return bool(loop or re.search(rf"\b{time}\s*-\s*1\b", source_text(function)))


NO_CYCLES = "found no argument that is the length or the number of its cycles"
NO_NAME = "its name is not that of a standard schedule, so there are no values to compare with"


def _rows(function: Any) -> list[inspect.Parameter]:
    rows = inspect.signature(function).parameters.values()
    return [row for row in rows if row.kind in (row.POSITIONAL_OR_KEYWORD, row.KEYWORD_ONLY)]


def _roles(rows: list[inspect.Parameter], standard: str) -> dict[str, str] | None:
    """The role of each argument; those with a default and an unknown role are left out. None if one is unknown."""
    found: dict[str, str] = {}
    has_top = any(re.search("max|peak|high|top", row.name) and role_of(row.name) == "rate" for row in rows)
    for i, row in enumerate(rows):
        role = "milestones" if isinstance(row.default, tuple | list) else role_of(row.name, i)
        if standard in CYCLIC:
            special = next((each for each, pattern in CYCLIC_ROLES if re.match(pattern, row.name, re.I)), role)
            role = role if special == "low" and not has_top else special
        if (not role or role in found.values()) and row.default is row.empty:
            return None
        if role and role not in found.values():
            found[row.name] = role
    return found


def _has_cycles(roles: dict[str, str]) -> bool:
    """Whether an argument is the length of a cycle, of half of one, or of the training with the number of cycles."""
    found = set(roles.values())
    return bool(found & {"cycle", "half", "total"})


def _is_warmed(roles: dict[str, str]) -> bool:
    """Whether the length of the warmup is an argument."""
    return "warm" in roles.values() or "share" in roles.values()


def _class(kind: type, standard: str) -> FunctionUnit | None:
    """A class whose method returns the rate at a time, or that takes a step and keeps or sets the rate."""
    method = next((one for one in METHODS if one in vars(kind) and callable(vars(kind)[one])), "")
    if not method or is_empty(vars(kind)[method]):
        return None
    rows = _rows(kind)
    owner = rows[0].name if rows and re.match(r"^(opt\w*|net\w*|model)$", rows[0].name) else ""
    roles = _roles([row for row in rows if row.name != owner], standard)
    arguments = [row.name for row in _rows(vars(kind)[method])[1:]]
    if roles is None or len(arguments) > 1 or (standard in WARMED and not _is_warmed(roles)):
        return FunctionUnit("schedule", reason="its arguments are not recognized" if standard else NO_NAME)
    found_roles = set(roles.values())
    if standard == "plateau" and not {"patience", "drop"} <= found_roles:
        return FunctionUnit("schedule", reason="found no arguments that are the patience and the factor")
    if standard == "multi_step" and "milestones" not in found_roles:
        return FunctionUnit("schedule", reason="found no argument that lists the milestones")
    if standard in CYCLIC and not _has_cycles(roles):
        return FunctionUnit("schedule", reason=NO_CYCLES)
    steps = [one for one in STEPS if one in vars(kind) and one != method and len(_rows(vars(kind)[one])) == 1]
    step = steps[0] if steps and not arguments else method

    def factors(values: dict[str, Any]) -> Callable[[float], float]:
        def raw(epoch: float) -> float:
            optimizer = SimpleNamespace(lr=1.0, learning_rate=1.0, eta=1.0)
            given = {key: values[role] for key, role in roles.items() if role in values}
            schedule = kind(**given, **({owner: optimizer} if owner else {}))
            function = getattr(schedule, method)
            if standard == "plateau":
                found = [None, *(function(loss) for loss in EPOCH_LOSSES[: int(epoch)])][-1]
            elif arguments:
                found = function(epoch)
            else:
                found = [None, *(getattr(schedule, step)() for _ in range(int(epoch)))][-1]
                found = found if step == method else function()
            rates = [found, *(getattr(schedule, key, None) for key in ("lr", "learning_rate", "current_lr"))]
            rates += [rate for rate in vars(optimizer).values() if rate != 1.0]
            return float(next((rate for rate in rates if isinstance(rate, float | int) and rate is not True), 1.0))

        if owner or "rate" in found_roles or standard in WARMED:
            return raw
        first = raw(0) or 1.0  # its rate is a setting of an unknown name
        return lambda epoch: raw(epoch) / first

    calls = f"({', '.join(row.name for row in rows)}).{method}({', '.join(arguments)})"
    counted = not arguments or standard == "plateau"
    if arguments:
        shifts = (0, -1) if _counts_from_one(vars(kind)[method], arguments[0]) else (0,)
    else:  # the first call may return the first rate, or the second
        shifts = (0, -1) if step == method and standard != "plateau" else (0,)
    return _unit(standard, found_roles, factors, vars(kind)[method], calls, counted=counted, shifts=shifts)


def _unit(
    standard: str, roles: set[str], factors: Callable[[dict[str, Any]], Callable[[float], float]], author: Any,
    calls: str, *, counted: bool = False, shifts: tuple[int, ...] = (0,),
) -> FunctionUnit:  # fmt: skip
    """The readings as this standard schedule; without one, as the schedule with a warmup or cycles whose values it has.
    """
    if standard and standard != ANY_CYCLE:
        readings = list(_readings(standard, roles, factors, author, counted=counted, shifts=shifts))
        reason = "" if readings else "it can't be called with numbers for its arguments"
        return FunctionUnit("schedule", standard, readings, calls, reason)
    for each in CYCLES if standard else UNNAMED if {"warm", "share"} & roles else ():
        fitting = [row for row in _readings(each, roles, factors, author, counted=counted, shifts=shifts)
                   if _fits(each, row[0], cycles_of(each, roles) if standard else {})]  # fmt: skip
        if fitting:
            return FunctionUnit("schedule", each, fitting, calls)
    return FunctionUnit("schedule", reason=NO_NAME)


def _readings(
    standard: str, roles: set[str], factors: Callable[[dict[str, Any]], Callable[[float], float]], author: Any,
    *, counted: bool, shifts: tuple[int, ...] = (0,),
) -> Iterator[list[Function]]:  # fmt: skip
    """Both meanings of a decay, epochs that are counted from 0 or from 1, and both scales of a Noam schedule.

    `shifts` are what is taken off the epoch before the call: 0, and −1 if epochs may be counted from 1.
    """
    decays = DECAYS if standard in ("exponential", "inverse_time") else ((VALUES["drop"], ""),)
    for decay, _ in decays:
        values = VALUES | {"drop": decay} | OTHER_VALUES.get(standard, {})
        if standard in CYCLIC and not roles & {"cycle", "half", "cycles"}:
            values["total"] = values["cycle"]  # the length that it repeats
        stairs = False
        if standard in ("exponential", "inverse_time"):
            stairs = _is_staircase(factors, values | {"every": UNEVEN})
            values["every"] = 1 if stairs else UNEVEN
        at = factors(values)
        for first in (*shifts, 1) if standard in FROM_ONE else shifts:
            for scale in _scales(standard, roles, values):
                whole = counted or stairs or standard in (*IN_STEPS, *CYCLIC, *WARMED)
                cycles = cycles_of(standard, roles) if standard in CYCLIC else {}
                function = _factor(at, standard, first, scale, cycles, whole=whole)
                try:
                    function(0.5)
                except Exception:
                    continue
                point_to(function, author)
                yield [function]


def _is_staircase(factors: Callable[[dict[str, Any]], Callable[[float], float]], values: dict[str, Any]) -> bool:
    """Whether the rate changes every `every` steps only."""
    try:
        at = factors(values)
        return at(1) == at(2)
    except Exception:
        return False


def _scales(standard: str, roles: set[str], values: dict[str, Any]) -> list[float]:
    """The highest rates that a schedule may have; that of Noam is scale·(width·warmup)^−0.5."""
    if standard != "noam":
        return [1.0]
    width, factor = (values["width"] if "width" in roles else 1), (values["drop"] if "drop" in roles else 1.0)
    top = factor * (width * values["warm"]) ** -0.5
    return [top] if "width" in roles else [1.0, top]


def _fits(standard: str, function: Function, cycles: dict[str, float]) -> bool:
    """Whether it has the values of a variant of this schedule, or of a usual mistake."""
    row = SCHEDULES[standard]
    times = [t / HORIZON for t in range(1, HORIZON)]
    try:
        actual, start, end = [function(t) for t in times], function(0.0), function(1.0)
        known: dict[str, float] = {"start": start, "end": end, "warmup": VALUES["warm"] / HORIZON, "unit": 1 / HORIZON}
        h = SimpleNamespace(**known | {"cycles": 0.0, "half": 0.0} | cycles)
        return any(
            all(math.isclose(curve(t, h), found, rel_tol=1e-6, abs_tol=1e-6)
                for t, found in zip(times, actual, strict=True))
            for curve in (*row.variants, *row.mistakes.values())
        )  # fmt: skip
    except Exception:
        return False


def cycles_of(standard: str, roles: set[str]) -> dict[str, float]:
    """The settings of a schedule with cycles: the lengths of cycles in parts of the training, and the lowest factor."""
    length = VALUES["cycle"] / HORIZON if "cycles" not in roles else 1 / VALUES["cycles"]
    lowest = {"end" if standard == "cosine_restarts" else "start": OTHER_VALUES[standard]["low"]}
    mult = float(VALUES["mult"]) if "mult" in roles else 1.0
    return {"first": length, "mult": mult} | (lowest if "low" in roles else {})


def _factor(
    at: Callable[[float], float], standard: str, first: int, scale: float, cycles: dict[str, float], *, whole: bool
) -> Function:
    """The protocol of a schedule, whose settings the laws read from its signature.

    Between whole steps the factor of a schedule without jumps is a line.
    """
    warmup = VALUES["warm"] / HORIZON

    def factor(t: float) -> float:
        epoch = t * HORIZON - first
        if standard == "noam":
            epoch = max(epoch, 1 - first)  # it is defined from the first step on
        low = math.floor(epoch + 1e-9) if whole else epoch
        rate = at(low) / scale
        if whole and standard not in IN_STEPS and epoch - low > 1e-9:
            rate += (epoch - low) * (at(low + 1) / scale - rate)
        return rate

    settings: dict[str, Any] = {
        "step": {"drop": VALUES["drop"], "every": VALUES["every"] / HORIZON},
        "multi_step": {"drop": VALUES["drop"], "milestones": tuple(each / HORIZON for each in VALUES["milestones"])},
        "plateau": {"drop": VALUES["drop"], "patience": VALUES["patience"], "floor": OTHER_VALUES["plateau"]["low"]},
        "polynomial_decay": {"power": VALUES["power"]},
    }.get(standard, {"warmup": warmup} if standard in WARMED else cycles)
    if standard == "warmup_linear" and math.isclose(at(HORIZON - first), warmup, rel_tol=1e-6):
        settings["end"] = 0.0  # only a decay that is not rescaled ends at this value
    rows = [inspect.Parameter("t", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    rows += [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=value) for key, value in settings.items()]
    if whole or standard in WARMED:
        vars(factor)["steps"] = HORIZON  # laws compare at whole steps
    vars(factor).update(restarts=standard == "cosine_restarts", __signature__=inspect.Signature(rows))
    return factor
