"""spec: the laws of a neural network, executable. It knows nothing of nn and can judge anyone's layers.

    from spec import obeys, strict, check_gradient, check_layer, conformance, LayerCase
"""

from nnlaw.spec.check import check_backward, check_loss, check_object, check_weights
from nnlaw.spec.conformance import conformance
from nnlaw.spec.contracts.obeys import obeys
from nnlaw.spec.discovery.unit import Record
from nnlaw.spec.gradcheck.gradients import check_gradient, check_layer, check_model
from nnlaw.spec.guards.guard import Docket
from nnlaw.spec.guards.strict import strict
from nnlaw.spec.law import CATALOGUE, Law, law
from nnlaw.spec.laws.call.simplex import rows_sum_to_one
from nnlaw.spec.report import Report, Verdict
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
from nnlaw.spec.violation import BadInput, DoesNotApply, Inconclusive, Violation, Where

__all__ = [
    "CATALOGUE",
    "BadInput",
    "BatchesCase",
    "DataCase",
    "Docket",
    "DoesNotApply",
    "Inconclusive",
    "InitializerCase",
    "Law",
    "LayerCase",
    "LossCase",
    "MetricCase",
    "ModelCase",
    "OptimizerCase",
    "ProgressCase",
    "Record",
    "Report",
    "ScheduleCase",
    "Verdict",
    "Violation",
    "Where",
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

if __name__ != "nnlaw.spec":  # under a second name everything would be registered twice
    raise ImportError("import nnlaw.spec, not spec: the package is called nnlaw")
