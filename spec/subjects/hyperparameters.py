"""What an optimizer or a function tells of its hyperparameters, under the many names that people give them.

    read(optimizer, {"beta1": 0.9, "eps": 1e-8})  ->  Told(candidates={"beta1": (0.8,), "eps": (1e-8,)}, ...)

An instance tells by its attributes, a function by its keyword-only settings. What nobody tells has its usual value,
and is listed as untold: who judges by it may not accuse.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from numbers import Real
from types import SimpleNamespace
from typing import Any

ALIASES = {
    "beta": ("beta", "momentum", "mu", "gamma", "rho", "alpha", "beta1", "b1", "friction", "β", "μ"),
    "beta1": ("beta1", "b1", "beta", "momentum", "β1"),
    "beta2": ("beta2", "b2", "rho", "β2"),
    "rho": ("rho", "decayrate", "decay", "alpha", "beta", "beta2", "gamma", "smoothing", "ρ"),
    "eps": ("eps", "epsilon", "ε"),
    "decay": ("weightdecay", "wd", "l2", "decay", "lam", "lambda", "lmbda", "λ"),
    "drop": ("drop", "gamma", "factor", "rate"),
    "every": ("every", "stepsize", "period", "interval"),
    "warmup": ("warmup", "pctstart", "peak", "rise", "warmupfraction", "warmupshare"),
    "end": ("end", "floor", "minimum", "min", "final", "last", "etamin", "alpha"),
}
PLAINLY_DECAY = ("weightdecay", "wd", "l2")
IGNORED = {"lr", "learningrate", "eta", "name", "dtype", "self"}  # lr is handed in with each step


@dataclass(frozen=True)
class Hyperparameters:
    """The values that each hyperparameter may have, those that nobody told, and settings that the textbook lacks."""

    candidates: dict[str, tuple[float, ...]]
    untold: tuple[str, ...]
    unknown: tuple[str, ...]

    def choices(self) -> Iterator[SimpleNamespace]:
        """Every combination of the candidates, as attributes."""
        for values in product(*self.candidates.values()):
            yield SimpleNamespace(**dict(zip(self.candidates, values, strict=True)))


def normal(name: str) -> str:
    """`_beta_1` and `Beta1` are one name."""
    return name.replace("_", "").lower()


def attributes(thing: object) -> dict[str, float]:
    """The numbers among the attributes of an instance, and of its class, by normal name; `betas` are beta1, beta2."""
    found: dict[str, float] = {}
    for name in dir(thing):
        value = None if name.startswith("__") else inspect.getattr_static(thing, name, None)
        if normal(name) == "betas" and isinstance(value, tuple | list) and len(value) == 2:
            found |= {"beta1": float(value[0]), "beta2": float(value[1])}
        elif isinstance(value, Real) and not isinstance(value, bool):
            found[normal(name)] = float(value)
    return found


def read(thing: object, usual: Mapping[str, float]) -> Hyperparameters:
    """What an instance tells of the hyperparameters in `usual`, which gives their usual values."""
    told = attributes(thing)
    known = {alias for name in usual for alias in ALIASES.get(name, (name,))} | IGNORED | {"betas"}
    given = {normal(name): value for name, value in getattr(thing, "__dict__", {}).items()}
    unknown = []
    for name, row in _parameters(type(thing)).items():
        value = given.get(normal(name), None if row.default is row.empty else row.default)
        if normal(name) not in known and isinstance(value, Real | str) and value:
            unknown.append(name)
    return _told(told, usual, unknown)


def read_settings(thing: object, settings: Mapping[str, Any], usual: Mapping[str, float]) -> Hyperparameters:
    """What a function's keyword-only settings tell of the hyperparameters in `usual`."""
    rows = {name: row.default for name, row in _parameters(thing).items() if row.kind is row.KEYWORD_ONLY}
    given = {normal(name): value for name, value in (rows | dict(settings)).items()}
    known = {alias for name in usual for alias in ALIASES.get(name, (name,))}
    told = {name: float(value) for name, value in given.items() if isinstance(value, Real)}
    return _told(told, usual, [name for name, value in given.items() if name not in known and value])


def defaults(thing: Any) -> dict[str, float]:
    """The numbers that a signature gives its settings, by normal name."""
    rows = {normal(name): row.default for name, row in _parameters(thing).items()}
    numbers = {name: value for name, value in rows.items() if isinstance(value, Real)}
    return {name: float(value) for name, value in numbers.items() if not isinstance(value, bool)}


def _parameters(thing: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return {}


def _told(told: Mapping[str, float], usual: Mapping[str, float], unknown: list[str]) -> Hyperparameters:
    candidates, untold = {}, []
    for name, value in usual.items():
        found = tuple(dict.fromkeys(told[alias] for alias in ALIASES.get(name, (name,)) if alias in told))
        candidates[name] = found or (value,)
        if not found:
            untold.append(name)
    return Hyperparameters(candidates, tuple(untold), tuple(unknown))
