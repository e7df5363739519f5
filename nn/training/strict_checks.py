"""What --strict judges besides calls and steps: data, plugins and network before training, the network each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Split
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.units import chosen_unit
from nnlaw.nn.training.build import build_model
from nnlaw.nn.training.evaluation import user_metrics
from nnlaw.spec.arrays import Array
from nnlaw.spec.conformance import conformance
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.subjects.cases import Case, DataCase, LayerCase, ModelCase
from nnlaw.spec.subjects.unit import Unit

AUDITED = 20  # images in the batch of an audit, or one of each class where there are more


def audit_batch(parts: Split) -> tuple[Array, Array]:
    """A small batch of training images in which every class stands, for the audits."""
    _, first = np.unique(parts.y_train, return_index=True)
    rows = np.append(first, np.arange(AUDITED - len(first)) % len(parts.y_train)) if len(first) < AUDITED else first
    return parts.x_train[rows], parts.y_train[rows]


def data_case(parts: Split) -> DataCase:
    """The prepared data under its laws."""
    images = parts.dataset
    labels = {"training": parts.y_train, "validation": parts.y_val, "test": parts.y_test}
    raw = {"training": images.train_images, "test": images.test_images}
    return DataCase("data", parts.x_train, labels, raw, images.n_classes, given=images.train_labels)


def audit(settings: Settings, model: Any, x: Array, labels: Array, check_log: CheckLog) -> None:
    """Before training: what the settings choose, every layer on Gaussian input of its shape, then the whole.

    Raises the first Violation.
    """
    for record in chosen(settings):
        judge(record, check_log)
    if hasattr(model, "layers"):
        rng = np.random.default_rng(settings.seed)
        shapes = [(x.shape[1],), *(output.shape[1:] for output in model.activations(x[:2]).values())]
        for path, layer, shape in zip(model.paths, model.layers, shapes, strict=True):
            probe = rng.standard_normal((5, *shape)).astype(np.float32)
            if (domain := domain_of(layer)) is not None:
                probe = probe.clip(*domain)
            name = path.split(":")[1].split("(")[0]
            judge(LayerCase(path, layer, probe, seed=settings.seed, name=name), check_log)

    def make(rng: np.random.Generator) -> Any:
        return build_model(settings, x.shape[1], int(model.predict(x[:1]).shape[1]), rng)

    judge(ModelCase("network", model, make, x, labels, seed=settings.seed), check_log)


def chosen(settings: Settings) -> Iterator[Unit]:
    """What trains the model besides its layers, the loss and the initializer where the model takes them, and the
    user's metrics."""
    takes = choose("model", settings.model).plugin.settings
    lines = {"loss": settings.loss, "initializer": settings.init} if {"loss", "init"} <= set(takes) else {}
    lines |= {"optimizer": settings.optimizer, "schedule": settings.schedule, "batches": settings.batches}
    for kind, line in lines.items():
        yield chosen_unit(kind, line)
    yield from (chosen_unit("metric", name) for name in user_metrics(settings.plugins))


def audit_epoch(model: Any, x: Array, labels: Array, check_log: CheckLog) -> None:
    """After each epoch: gradients along random directions, and live units. Raises the first Violation."""
    judge(ModelCase("network", model, lambda rng: None, x, labels, quick=True), check_log, ["gradient", "live-units"])


def judge(case: Case | Unit, check_log: CheckLog, laws: list[str] | None = None) -> None:
    """Judge a case or a plugin and raise its first Violation."""
    report = conformance(case, laws, check_log=check_log)
    if report.violations:
        raise report.violations[0]
