"""Check hand-written neural networks, and train one.

    from nnlaw import layer, obeys, check_object, conformance, strict

`nnlaw.spec` holds the laws, `nnlaw.nn` the network, `nnlaw.cli` the command `nn`. A name is imported when it is first
used, so `import nnlaw` alone is fast.
"""

from __future__ import annotations

import importlib
import os

TYPE_CHECKING = False  # not from typing, which takes a while to import: an interrupt then would print a traceback
if TYPE_CHECKING:
    from nnlaw.nn import Layer, batches, initializer, layer, loss, metric, model, optimizer, schedule
    from nnlaw.nn.runs.train import train
    from nnlaw.spec import (
        CATALOG,
        BadInput,
        BatchesCase,
        CheckFailed,
        CheckLog,
        DataCase,
        Inconclusive,
        InitializerCase,
        Law,
        LawResult,
        LayerCase,
        Location,
        LossCase,
        MetricCase,
        ModelCase,
        NotApplicable,
        OptimizerCase,
        ProgressCase,
        Report,
        ScheduleCase,
        Unit,
        UtilityCase,
        Violation,
        check,
        check_backward,
        check_gradient,
        check_layer,
        check_loss,
        check_model,
        check_object,
        check_weights,
        conformance,
        law,
        obeys,
        rows_sum_to_one,
        strict,
    )
    from nnlaw.spec.pytest_plugin import parametrize_with_laws

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
    "Layer",
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
    "__version__",
    "batches",
    "check",
    "check_backward",
    "check_gradient",
    "check_layer",
    "check_loss",
    "check_model",
    "check_object",
    "check_weights",
    "conformance",
    "initializer",
    "law",
    "layer",
    "loss",
    "metric",
    "model",
    "obeys",
    "optimizer",
    "parametrize_with_laws",
    "rows_sum_to_one",
    "schedule",
    "strict",
    "train",
]

_FROM_NN = {"Layer", "batches", "initializer", "layer", "loss", "metric", "model", "optimizer", "schedule"}
_PLACES = {"parametrize_with_laws": "nnlaw.spec.pytest_plugin", "train": "nnlaw.nn.runs.train"}
_PLACES |= dict.fromkeys(_FROM_NN, "nnlaw.nn")
_HERE = os.path.dirname(os.path.abspath(__file__))

if not os.path.isfile(os.path.join(_HERE, "spec", "__init__.py")):  # a checkout on Windows, where links are text files
    __path__.append(os.path.dirname(os.path.dirname(_HERE)))

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'nnlaw' has no attribute {name!r}")
    found = getattr(importlib.import_module(_PLACES.get(name, "nnlaw.spec")), name)
    globals()[name] = found
    return found


def load_ipython_extension(ipython: object) -> None:
    """`%load_ext nnlaw` in a notebook: adds %%check."""
    from nnlaw._notebook import load

    load(ipython)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
