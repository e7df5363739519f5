"""The checks of --strict besides those of calls and steps.

Before training: data, chosen plugins, layers and network. After each epoch: the gradient and the units of the network.
"""

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

BATCH = 20  # images in the batch for the checks, or one of each class if there are more classes
EPOCH_LAWS = ["gradient", "live-units"]


def batch_of_every_class(parts: Split) -> tuple[Array, Array]:
    """A small batch of training images, with at least one of each class."""
    _, first = np.unique(parts.y_train, return_index=True)
    rows = np.append(first, np.arange(BATCH - len(first)) % len(parts.y_train)) if len(first) < BATCH else first
    return parts.x_train[rows], parts.y_train[rows]


def data_case(parts: Split) -> DataCase:
    """The prepared data as a case for the laws of data."""
    images = parts.dataset
    labels = {"training": parts.y_train, "validation": parts.y_val, "test": parts.y_test}
    raw = {"training": images.train_images, "test": images.test_images}
    return DataCase("data", parts.x_train, labels, raw, images.n_classes, given=images.train_labels)


def check_before_training(settings: Settings, model: Any, x: Array, labels: Array, check_log: CheckLog) -> None:
    """Check the chosen plugins, then each layer on Gaussian input of its shape, then the whole network.

    Of layers of one class with the same settings and the same shape of input, the first is checked. Raises the first
    Violation.
    """
    for unit in chosen_units(settings):
        check(unit, check_log)
    if all(hasattr(model, name) for name in ("layers", "layer_names", "paths", "activations")):
        rng = np.random.default_rng(settings.seed)
        shapes = [(x.shape[1],), *(output.shape[1:] for output in model.activations(x[:2]).values())]
        checked: list[Any] = []
        for path, name, layer, shape in zip(model.paths, model.layer_names, model.layers, shapes, strict=True):
            alike = type(layer), shape, _settings_of(layer)
            if alike in checked:
                continue
            checked.append(alike)
            layer_input = rng.standard_normal((5, *shape)).astype(np.float32)
            if (domain := domain_of(layer)) is not None:
                layer_input = layer_input.clip(*domain)
            check(LayerCase(path, layer, layer_input, seed=settings.seed, name=name), check_log)

    def make(rng: np.random.Generator) -> Any:
        return build_model(settings, x.shape[1], int(model.predict(x[:1]).shape[1]), rng)

    check(ModelCase("network", model, make, x, labels, seed=settings.seed), check_log)


def _settings_of(layer: Any) -> dict[str, Any]:
    """The numbers and strings among the attributes of a layer, and the shapes of its parameters."""
    own = {name: value for name, value in vars(layer).items() if isinstance(value, str | int | float)}
    return own | {f"params {name}": np.shape(array) for name, array in layer.params.items()}


def chosen_units(settings: Settings) -> Iterator[Unit]:
    """The plugins of the settings that are not layers: optimizer, schedule, batches, the user's metrics, and loss and
    initializer if the model takes them."""
    accepted = choose("model", settings.model).plugin.settings
    lines = {"loss": settings.loss, "initializer": settings.init} if {"loss", "init"} <= set(accepted) else {}
    lines |= {"optimizer": settings.optimizer, "schedule": settings.schedule, "batches": settings.batches}
    for kind, line in lines.items():
        yield chosen_unit(kind, line)
    for name in user_metrics(settings.plugins):
        yield chosen_unit("metric", name)


def check_after_epoch(model: Any, x: Array, labels: Array, check_log: CheckLog) -> None:
    """Check gradients along random directions, and live units. Raises the first Violation."""
    check(ModelCase("network", model, lambda rng: None, x, labels, quick=True), check_log, EPOCH_LAWS)


def check(subject: Case | Unit, check_log: CheckLog, laws: list[str] | None = None) -> None:
    """Check a case or a unit and raise its first Violation."""
    report = conformance(subject, laws, check_log=check_log)
    if report.violations:
        raise report.violations[0]
