"""Metrics with a standard name: accuracy, precision, recall, F1, top-k accuracy, a confusion matrix, R².

Predictions are probabilities, labels or one-hot rows, of several classes or of two; which ones is worked out by trying.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import signature_of
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.calls import constructions
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import Function, FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.scope import Scope, arguments_of
from nnlaw.spec.discovery.source_text import source_text

PREFIX = re.compile(r"^(get|compute|calc(ulate)?|evaluate|eval|metric|categorical|binary|multiclass|macro|micro|mean|"
                    r"classification)_?", re.I)  # fmt: skip
SUFFIX = re.compile(r"_?(score|metric|fn|function|value|macro|micro|weighted|binary|categorical)$", re.I)
NAMES = {
    "accuracy": "accuracy", "acc": "accuracy", "error_rate": "error", "misclassification_rate": "error",
    "precision": "precision", "recall": "recall", "sensitivity": "recall", "true_positive_rate": "recall", "tpr":
    "recall", "f1": "f1", "f_1": "f1", "balanced_accuracy": "balanced_accuracy", "confusion_matrix": "confusion_matrix",
    "confusion": "confusion_matrix", "r2": "r2", "r_squared": "r2", "r_2": "r2", "top_k_accuracy": "top_2_accuracy",
    "perplexity": "perplexity", "brier": "brier",
    "topk_accuracy": "top_2_accuracy", "top_k": "top_2_accuracy", "accuracy_top_k": "top_2_accuracy",
}  # fmt: skip
"""The standard metric that a name means, without prefixes and suffixes."""
OTHERS = re.compile(r"^(specificity|auc|roc_auc|mcc|matthews\w*|iou|jaccard\w*|dice\w*|cohen\w*)$")
METHODS = ("__call__", "compute", "calculate", "evaluate", "score", "compare", "forward")
K = re.compile(r"^(k|top_?k|n_?top)$", re.I)
CLASSES = re.compile(r"^(c|k|n_?classes|num_?classes|classes|n_?labels|num_?labels|n_?class|labels)$", re.I)
ARGMAX_OF_COLUMNS = re.compile(r"argmax\((\w+,\s*)?(axis\s*=\s*)?0\)")
P, Y = np.eye(4)[[0, 1, 2, 3, 1, 2, 0, 1]] * 0.6 + 0.1, np.array([0, 1, 2, 3, 1, 2, 1, 0])


def adapt(scope: Scope) -> Iterator[Found]:
    """The metrics of the module."""
    columns = "shape[1]" in source_text(scope.module)  # other code of the file takes samples as columns
    yield from found_functions(scope, lambda name, thing: _read(name, thing, columns, scope))


def standard_metric(name: str) -> str:
    """The standard name that a function's name means; "" if there is none."""
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().strip("_")
    for part in (low, PREFIX.sub("", low), SUFFIX.sub("", low), SUFFIX.sub("", PREFIX.sub("", low))):
        if part in NAMES:
            return NAMES[part]
    return ""


def _read(name: str, thing: Any, columns: bool, scope: Scope) -> FunctionUnit | None:
    standard = standard_metric(name)
    if inspect.isclass(thing):
        methods = [method for method in METHODS if method in vars(thing)]
        made = next(constructions(thing, scope, limit=1), None) if standard and methods else None
        if made is None:
            return None
        thing = getattr(made.instance, methods[0])
    names = [row.name for row in signature_of(thing)]
    if OTHERS.match(name.lower()) and len(names) == 2:
        return FunctionUnit("metric", reason="its name is not that of a metric whose values are known here")
    if not standard or not 2 <= len(names) <= 3:
        return None
    further = _further(standard, [row.name for row in arguments_of(thing)][2:], names[2:])
    if further is None:
        return None
    truth_first = is_target(names[0]) and not is_target(names[1])

    def call(predicted: Array, truth: Array) -> Any:
        found = thing(*((truth, predicted) if truth_first else (predicted, truth)), **further)
        return found if standard == "confusion_matrix" else float(found)

    of_predictions = len(ARGMAX_OF_COLUMNS.findall(source_text(thing))) == 1  # not of one-hot targets as well
    columns = columns or of_predictions
    readings: list[list[Function]] = []
    notes: tuple[str, ...] = ()
    for form in _forms(standard, columns):
        if readings and form in TABLES and standard in ("precision", "recall", "f1"):
            continue  # over all entries of a one-hot array both are the accuracy
        function = _with_form(call, form)
        try:
            value = np.asarray(function(P, Y))
            perfect = np.asarray(function(np.eye(4)[Y] * 0.9 + 0.02, Y))
        except Exception:
            continue
        if not np.isfinite(value).all() or (standard == "confusion_matrix" and value.ndim != 2):
            continue
        if perfect.ndim == 0 and perfect == 100 and standard not in ("r2", "confusion_matrix"):
            function = _with_form(lambda predicted, truth: call(predicted, truth) / 100, form)
            notes = ("convention: it is a percentage",)
        point_to(function, thing)
        readings.append([function])
    calls = f"({', '.join(names)})"
    if not readings:
        reason = f"found no predictions and targets that {name}{calls} takes"
        return FunctionUnit("metric", reason=reason)
    return FunctionUnit("metric", standard, readings, calls, notes=notes)


def _further(standard: str, names: list[str], required: list[str]) -> dict[str, int] | None:
    """Values for arguments behind the two arrays: k and the number of classes; None if others are required."""
    top = standard.startswith("top")
    found = {name: 2 if top and K.match(name) else 4 for name in names if (K if top else CLASSES).match(name)}
    return None if set(required) - set(found) or (top and not found) else found


def _with_form(call: Callable[[Array, Array], Any], form: Form) -> Function:
    def metric(probabilities: Array, labels: Array) -> Any:
        return call(*form(np.asarray(probabilities, np.float64), labels))

    return metric


Form = Callable[[Array, Array], tuple[Array, Array]]


def _labels(p: Array, y: Array) -> tuple[Array, Array]:
    return p.argmax(axis=1), y


def _rows_and_labels(p: Array, y: Array) -> tuple[Array, Array]:
    return p, y


def _rows(p: Array, y: Array) -> tuple[Array, Array]:
    return p, np.eye(4)[y]


def _one_hot_rows(p: Array, y: Array) -> tuple[Array, Array]:
    return np.eye(4)[p.argmax(axis=1)], np.eye(4)[y]


TABLES: tuple[Form, ...] = (_rows, _one_hot_rows)


def _forms(standard: str, columns: bool) -> list[Form]:
    """What predictions and targets may be, from probabilities (N, C) and labels (N,), the most likely first."""

    if standard == "r2":
        return [
            lambda p, y: (p @ np.arange(p.shape[1]), y.astype(np.float64)),
            lambda p, y: ((p @ np.arange(p.shape[1]))[:, None], y.astype(np.float64)[:, None]),
        ]
    several = [*TABLES[:1], _labels, _rows_and_labels, *TABLES[1:]]
    if columns:
        several += [
            lambda p, y: (p.T, np.eye(4)[y].T), lambda p, y: (p.T, y), lambda p, y: (p.argmax(axis=1)[None], y[None])
        ]  # fmt: skip
    if standard.startswith("top") or standard in ("confusion_matrix", "balanced_accuracy"):
        return several

    def of_two(p: Array, y: Array) -> tuple[Array, Array]:
        """Two classes: class 1 against the others; for an accuracy even against odd, as often right as before."""
        found = p.argmax(axis=1)
        if standard in ("accuracy", "error"):
            truth = y % 2
            return np.where(found == y, truth, 1 - truth), truth
        return (found == 1).astype(np.int64), (y == 1).astype(np.int64)

    def certain(label: Array) -> Array:
        return 0.2 + 0.6 * label

    def of_two_probabilities(p: Array, y: Array) -> tuple[Array, Array]:
        found, truth = of_two(p, y)
        return certain(found), truth

    def of_one_column(p: Array, y: Array) -> tuple[Array, Array]:
        found, truth = of_two(p, y)
        return certain(found)[:, None], truth[:, None]

    def of_one_row(p: Array, y: Array) -> tuple[Array, Array]:
        found, truth = of_two(p, y)
        return certain(found)[None], truth[None]

    of_vectors = [of_two, of_two_probabilities, of_one_column, of_one_row]
    return [*several, *of_vectors] if standard in ("accuracy", "error") else [_labels, *of_vectors, *several]
