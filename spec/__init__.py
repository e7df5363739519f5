"""spec: the laws of a neural network, executable. It knows nothing of nn and can judge anyone's layers.

    from spec import obeys, strict, check_gradient, check_layer, conformance, LayerCase
"""

from spec.adapters import check_backward, check_loss, check_object, check_weights
from spec.cases import (
    BatchesCase,
    DataCase,
    InitializerCase,
    LayerCase,
    LossCase,
    MetricCase,
    ModelCase,
    OptimizerCase,
    ScheduleCase,
)
from spec.conformance import conformance
from spec.contract import obeys
from spec.gradient import check_gradient, check_layer, check_model
from spec.guard import Docket
from spec.law import CATALOGUE, Law, law
from spec.laws.calls_claims import rows_sum_to_one
from spec.record import Record
from spec.report import Report, Verdict
from spec.strict import strict
from spec.violation import BadInput, DoesNotApply, Inconclusive, Violation, Where

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
