"""Executable laws for neural network code of any kind; independent of nnlaw.nn.

    from nnlaw.spec import obeys, strict, check_gradient, check_layer, conformance, LayerCase
"""

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

OLD_NAMES = {
    "CATALOGUE": CATALOG,
    "Docket": CheckLog,
    "DoesNotApply": NotApplicable,
    "Record": Unit,
    "Verdict": LawResult,
    "Where": Location,
}  # files written for version 0.1 import these


def __getattr__(name: str) -> object:
    if name in OLD_NAMES:
        return OLD_NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ != "nnlaw.spec":  # under a second name everything would be registered twice
    raise ImportError("import nnlaw.spec, not spec: the package is called nnlaw")
