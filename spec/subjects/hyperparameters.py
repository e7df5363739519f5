"""Infer the hyperparameters of an optimizer or a function from its attributes and settings, under any common name.

    infer_hyperparameters(optimizer, {"beta1": 0.9, "eps": 1e-8})
        Hyperparameters(candidates={"beta1": (0.8,), "eps": (1e-8,)}, missing=("eps",), unknown=())

An instance is read by its attributes, a function by its keyword-only settings. A hyperparameter that is not found gets
its usual value and is listed as missing: a law that depends on it is inconclusive, not failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from numbers import Real
from types import SimpleNamespace
from typing import Any

from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.subject import Setting

ALIASES = {
    "beta": ("beta", "momentum", "mu", "gamma", "rho", "alpha", "beta1", "b1", "friction", "β", "μ"),
    "beta1": ("beta1", "b1", "beta", "momentum", "β1"),
    "beta2": ("beta2", "b2", "rho", "β2"),
    "rho": ("rho", "decayrate", "decay", "alpha", "beta", "beta2", "gamma", "smoothing", "ρ"),
    "eps": ("eps", "epsilon", "ε"),
    "decay": ("weightdecay", "wd", "l2", "decay", "lam", "lambda", "lmbda", "λ"),
    "dampening": ("dampening",),
    "grow": ("grow", "etaplus", "increase", "up", "plus", "factorup", "npositive"),
    "shrink": ("shrink", "etaminus", "decrease", "down", "minus", "factordown", "nnegative"),
    "drop": ("drop", "gamma", "factor", "rate"),
    "every": ("every", "stepsize", "period", "interval"),
    "warmup": ("warmup", "pctstart", "peak", "rise", "warmupfraction", "warmupshare"),
    "cycles": ("cycles", "ncycles", "numcycles"),
    "first": ("first", "t0", "cycle", "cyclelength", "period"),
    "half": ("half", "halfcycle", "stepsize"),
    "mult": ("mult", "tmult", "cyclemult"),
    "start": ("start", "base", "low"),
    "end": ("end", "floor", "minimum", "min", "final", "last", "etamin", "alpha"),
}
DECAY_NAMES = ("weightdecay", "wd", "l2")
"""Names that mean nothing but weight decay."""
VARIANTS = {"nesterov": "nesterov", "use_nesterov": "nesterov", "amsgrad": "amsgrad", "use_amsgrad": "amsgrad"}
"""Settings that make another standard optimizer of the class if they are true."""
IGNORED = {"lr", "learningrate", "eta", "name", "dtype", "self"}  # the learning rate is an argument of each step
IGNORED |= {name.replace("_", "") for name in VARIANTS}


@dataclass(frozen=True)
class Hyperparameters:
    """The possible values of each hyperparameter, those that were not found, and settings that the reference lacks."""

    candidates: dict[str, tuple[float, ...]]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    def combinations(self) -> Iterator[SimpleNamespace]:
        """Every combination of the candidates, as attributes."""
        for values in product(*self.candidates.values()):
            yield SimpleNamespace(**dict(zip(self.candidates, values, strict=True)))


def simplified_name(name: str) -> str:
    """A name without underscores in lower case, so that `_beta_1` and `Beta1` are equal."""
    return name.replace("_", "").lower()


def numeric_attributes(thing: object) -> dict[str, float]:
    """The numbers among the attributes of an instance and its class, by simplified name; `betas` is beta1, beta2."""
    found: dict[str, float] = {}
    for name, value in subject_of(thing).attributes().items():
        if simplified_name(name) == "betas" and isinstance(value, tuple | list) and len(value) == 2:
            found |= {"beta1": float(value[0]), "beta2": float(value[1])}
        elif isinstance(value, Real) and not isinstance(value, bool):
            found[simplified_name(name)] = float(value)
    return found


def infer_hyperparameters(thing: object, usual: Mapping[str, float]) -> Hyperparameters:
    """Read the hyperparameters in `usual`, which gives their usual values, from the attributes of an instance."""
    known = {alias for name in usual for alias in ALIASES.get(name, (name,))} | IGNORED | {"betas"}
    given = {simplified_name(name): value for name, value in subject_of(thing).attributes(own=True).items()}
    unknown = []
    for name, row in _settings(thing).items():
        value = given.get(simplified_name(name), row.default)
        if simplified_name(name) not in known and isinstance(value, Real | str) and value:
            unknown.append(name)
    return _hyperparameters(numeric_attributes(thing), usual, unknown)


def infer_from_settings(thing: object, settings: Mapping[str, Any], usual: Mapping[str, float]) -> Hyperparameters:
    """Read the hyperparameters in `usual` from the keyword-only settings of a function."""
    rows = {name: row.default for name, row in _settings(thing).items() if row.kind == "keyword" and not row.required}
    given = {simplified_name(name): value for name, value in (rows | dict(settings)).items()}
    known = {alias for name in usual for alias in ALIASES.get(name, (name,))}
    numbers = {name: float(value) for name, value in given.items() if isinstance(value, Real)}
    return _hyperparameters(numbers, usual, [name for name, value in given.items() if name not in known and value])


def numeric_defaults(thing: Any) -> dict[str, float]:
    """The default values of a signature that are numbers, by simplified name."""
    rows = {simplified_name(name): row.default for name, row in _settings(thing).items()}
    numbers = {name: value for name, value in rows.items() if isinstance(value, Real)}
    return {name: float(value) for name, value in numbers.items() if not isinstance(value, bool)}


def _settings(thing: object) -> dict[str, Setting]:
    return {row.name: row for row in subject_of(thing).settings()}


def _hyperparameters(
    numbers: Mapping[str, float], usual: Mapping[str, float], unknown: list[str]
) -> Hyperparameters:
    candidates, missing = {}, []
    for name, value in usual.items():
        found = tuple(dict.fromkeys(numbers[alias] for alias in ALIASES.get(name, (name,)) if alias in numbers))
        candidates[name] = found or (value,)
        if not found:
            missing.append(name)
    return Hyperparameters(candidates, tuple(missing), tuple(unknown))
