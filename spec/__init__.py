"""Executable laws for neural network code of any kind; independent of nnlaw.nn.

    from nnlaw.spec import obeys, strict, check_gradient, check_layer, conformance, LayerCase

A name is imported when it is first used: the process of the code under test needs only a few.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if __name__ != "nnlaw.spec":  # under a second name everything would be registered twice
    raise ImportError("import nnlaw.spec, not spec: the package is called nnlaw")

if TYPE_CHECKING:
    from nnlaw.spec.check import CheckFailed, check, check_backward, check_loss, check_object, check_weights
    from nnlaw.spec.conformance import conformance
    from nnlaw.spec.contracts.obeys import obeys
    from nnlaw.spec.gradcheck.gradients import check_gradient, check_layer, check_model
    from nnlaw.spec.guards.check_log import CheckLog
    from nnlaw.spec.guards.strict import strict
    from nnlaw.spec.law import CATALOG, Law, law
    from nnlaw.spec.laws.call.simplex import rows_sum_to_one
    from nnlaw.spec.report import LawResult, Report
    from nnlaw.spec.subjects.cases import (
        BatchesCase,
        DataCase,
        InitializerCase,
        LayerCase,
        LossCase,
        MetricCase,
        ModelCase,
        OptimizerCase,
        ProgressCase,
        ScheduleCase,
        UtilityCase,
    )
    from nnlaw.spec.subjects.unit import Unit
    from nnlaw.spec.violation import BadInput, Inconclusive, Location, NotApplicable, Violation

__all__ = [
    "CATALOG",
    "BadInput",
    "BatchesCase",
    "CheckFailed",
    "CheckLog",
    "DataCase",
    "Inconclusive",
    "InitializerCase",
    "Law",
    "LawResult",
    "LayerCase",
    "Location",
    "LossCase",
    "MetricCase",
    "ModelCase",
    "NotApplicable",
    "OptimizerCase",
    "ProgressCase",
    "Report",
    "ScheduleCase",
    "Unit",
    "UtilityCase",
    "Violation",
    "check",
    "check_backward",
    "check_gradient",
    "check_layer",
    "check_loss",
    "check_model",
    "check_object",
    "check_weights",
    "conformance",
    "law",
    "obeys",
    "rows_sum_to_one",
    "strict",
]

MODULES = ("violation", "report", "law", "subjects.unit", "subjects.cases", "contracts.obeys", "laws.call.simplex",
           "gradcheck.gradients", "guards.check_log", "guards.strict", "conformance", "check")  # fmt: skip
"""Where the names are defined, the modules that import the least first."""

OLD_NAMES = {
    "CATALOGUE": "CATALOG",
    "Docket": "CheckLog",
    "DoesNotApply": "NotApplicable",
    "Record": "Unit",
    "Verdict": "LawResult",
    "Where": "Location",
}  # files written for version 0.1 import these



class _Package(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        """Keep the functions check, conformance and law when the modules of these names are imported."""
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    name = OLD_NAMES.get(name, name)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "CATALOG":
        import_module("nnlaw.spec.laws").load_laws()
    found = next(vars(module)[name] for module in map(_module, MODULES) if name in vars(module))
    globals()[name] = found
    return found


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
