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
from nnlaw.spec.discovery.scope import Scope

HORIZON = 100
VALUES = {"rate": 1.0, "total": HORIZON, "drop": 0.5, "every": 10, "warm": 20, "power": 2.0, "low": 0.0}
"""The arguments of a schedule by their roles; the decay of an exponential is DECAYS."""
ROLES = (
    ("warm", r"^(warm\w*|n_?warm\w*|num_warm\w*)$"),
    ("low", r"^(\w*min\w*|end|final\w*|lr_?(end|final)|end_?\w*|floor)$"),
    ("every", r"^(every|step_?size|drop_?every|epochs_?drop|period|interval|decay_?(every|steps?|epochs?)|"
              r"drop_?(epochs?|interval|step)|time_?interval|n_?drop)$"),
    ("total", r"^(T|t_?max|total\w*|max_?(epochs?|steps?|iter\w*)|epochs|steps|n_?(epochs|steps)|num_?\w*|horizon)$"),
    ("rate", r"^(\w*lr_?0?|\w*eta_?0?|initial_?\w*|base\w*|\w*learning_?rate\w*|alpha_?0?|lr_?(max|base|init\w*|start)|"
             r"max_?lr|eta_?max)$"),
    ("time", r"^(t|epoch|step|iteration|iter|i|it|n|current_?\w*|epoch_?\w*|global_?step|step_?num|k)$"),
    ("power", r"^(power|p|degree)$"),
    ("drop", r"^(drop\w*|gamma|factor|rate|decay_?rate|decay|k|lam\w*|lmbda)$"),
)  # fmt: skip
DECAYS = ((0.05, "1/time"), (0.95, "base"))
METHODS = ("__call__", "get_lr", "get", "lr_at", "value", "get_value", "get_learning_rate", "at", "learning_rate", "lr",
           "compute", "schedule", "update", "step")  # fmt: skip
KINDS = (
    ("", r"restart|cycl|triang|noam|plateau"),
    ("warmup_cosine", r"warm\w*cos|cos\w*warm"),
    ("linear_warmup", r"warm"),
    ("cosine", r"cosine|^cos_|_cos$|cos_?(anneal|decay)"),
    ("exponential", r"exponential|exp_?(decay|lr|sched)|_exp$"),
    ("step", r"step_?(decay|lr|sched|drop)|^step_?wise"),
    ("inverse_time", r"inverse_?(time|decay)?|time_?(based)?_?decay|hyperbolic"),
    ("polynomial_decay", r"poly"),
    ("linear", r"linear"),
)
"""The standard name by a pattern of the author's name, the first that matches."""
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
        return _class(name, thing, standard or "") if SCHEDULE.search(low) or name.endswith("LR") else None
    rows = _rows(thing)
    roles = _roles(rows)
    if roles is None or "time" not in roles.values():
        return None
    if not standard or ("rate" not in roles.values() and standard != "linear_warmup"):
        return FunctionUnit("schedule", reason=NO_NAME) if "rate" in roles.values() else None
    if standard == "cosine" and "total" not in roles.values():
        return FunctionUnit("schedule", reason="found no argument that is the length of the training")

    def factors(values: dict[str, Any]) -> Callable[[float], float]:
        return lambda epoch: float(thing(**{key: epoch if role == "time" else values[role]
                                            for key, role in roles.items()}))  # fmt: skip

    return _unit(standard, factors, thing, f"({', '.join(row.name for row in rows)})")


NO_NAME = "its name is not that of a standard schedule, so there are no values to compare with"


def _rows(function: Any) -> list[inspect.Parameter]:
    rows = inspect.signature(function).parameters.values()
    return [row for row in rows if row.kind in (row.POSITIONAL_OR_KEYWORD, row.KEYWORD_ONLY)]


def _roles(rows: list[inspect.Parameter]) -> dict[str, str] | None:
    """The role of each argument; those with a default and an unknown role are left out. None if one is unknown."""
    found: dict[str, str] = {}
    for i, row in enumerate(rows):
        role = role_of(row.name, i)
        if (not role or role in found.values()) and row.default is row.empty:
            return None
        if role and role not in found.values():
            found[row.name] = role
    return found


def _class(name: str, kind: type, standard: str) -> FunctionUnit | None:
    """A class whose method returns the rate at a time, or that takes a step and keeps or sets the rate."""
    method = next((one for one in METHODS if one in vars(kind) and callable(vars(kind)[one])), "")
    if not method:
        return None
    rows = _rows(kind)
    owner = rows[0].name if rows and re.match(r"^(opt\w*|net\w*|model)$", rows[0].name) else ""
    roles = _roles([row for row in rows if row.name != owner])
    arguments = [row.name for row in _rows(vars(kind)[method])[1:]]
    if not standard or roles is None or len(arguments) > 1:
        return FunctionUnit("schedule", reason=NO_NAME if not standard else "its arguments are not recognized")

    def factors(values: dict[str, Any]) -> Callable[[float], float]:
        def factor(epoch: float) -> float:
            optimizer = SimpleNamespace(lr=1.0, learning_rate=1.0, eta=1.0)
            given = {key: values[role] for key, role in roles.items() if role in values}
            schedule = kind(**given, **({owner: optimizer} if owner else {}))
            function = getattr(schedule, method)
            found = function(epoch) if arguments else [None, *(function() for _ in range(int(epoch)))][-1]
            rates = [found, *(getattr(schedule, key, None) for key in ("lr", "learning_rate", "current_lr"))]
            rates += [rate for rate in vars(optimizer).values() if rate != 1.0]
            return float(next((rate for rate in rates if isinstance(rate, float | int)), 1.0))

        return factor

    calls = f"({', '.join(row.name for row in rows)}).{method}({', '.join(arguments)})"
    return _unit(standard, factors, vars(kind)[method], calls, counted=not arguments)


def _unit(
    standard: str, factors: Callable[[dict[str, Any]], Callable[[float], float]], author: Any, calls: str,
    *, counted: bool = False,
) -> FunctionUnit:  # fmt: skip
    """The readings: both meanings of a decay, and epochs that are counted from 0 or from 1."""
    readings: list[list[Function]] = []
    for decay, _ in DECAYS if standard in ("exponential", "inverse_time") else ((VALUES["drop"], ""),):
        values = VALUES | {"drop": decay}
        if standard in ("exponential", "inverse_time"):
            values["every"] = 1
        at = factors(values)
        for first in (0, 1) if standard in ("step", "linear_warmup", "warmup_cosine", "inverse_time") else (0,):
            function = _factor(at, standard, first, whole=counted or standard == "step")
            try:
                function(0.5)
            except Exception:
                continue
            point_to(function, author)
            readings.append([function])
    if not readings:
        return FunctionUnit("schedule", reason="it can't be called with numbers for its arguments")
    return FunctionUnit("schedule", standard, readings, calls)


def _factor(at: Callable[[float], float], standard: str, first: int, *, whole: bool) -> Function:
    """The protocol of a schedule, whose settings the laws read from its signature."""

    def factor(t: float) -> float:
        epoch = t * HORIZON - first
        return at(math.floor(epoch + 1e-9) if whole else epoch)

    settings = {
        "step": {"drop": VALUES["drop"], "every": VALUES["every"] / HORIZON},
        "linear_warmup": {"warmup": VALUES["warm"] / HORIZON},
        "warmup_cosine": {"warmup": VALUES["warm"] / HORIZON},
        "polynomial_decay": {"power": VALUES["power"]},
    }.get(standard, {})
    rows = [inspect.Parameter("t", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    rows += [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=value) for key, value in settings.items()]
    if whole:
        factor.steps = HORIZON  # type: ignore[attr-defined]  # laws compare at whole steps
    factor.__signature__ = inspect.Signature(rows)  # type: ignore[attr-defined]  # of a function
    return factor
