"""Build a model and its trainer from the settings, and load saved weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import nnlaw.nn.builtin  # noqa: F401  # registers what the settings may name
from nnlaw.nn.core.rng import stream
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.core.state_dict import StateDict, assign
from nnlaw.nn.plugins.errors import is_internal
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.training.trainer import Trainer
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.guards.strict import arm_predict
from nnlaw.spec.subjects.copies import copy_with_generators
from nnlaw.spec.violation import BadInput


def load_plugins(settings: Settings) -> None:
    """Import the user's plugin files."""
    for name in settings.plugins:
        load_plugin_file(Path(name))


def build_model(settings: Settings, n_in: int, classes: int, rng: np.random.Generator | None = None) -> Any:
    """The model that the settings name; `rng` is by default derived from the seed. Raises BadInput."""
    choice = choose("model", settings.model)
    rng = rng or stream(np.random.SeedSequence(settings.seed), "init")
    supplied = {"layers": settings.layers, "loss": settings.loss, "init": settings.init}
    accepted = {name: value for name, value in supplied.items() if name in choice.plugin.settings}
    try:
        model = choice.plugin.thing(n_in, classes, rng, *choice.args, **accepted | choice.kwargs)
    except (TypeError, ValueError) as error:
        if isinstance(error, BadInput) or (choice.plugin.built_in and is_internal(error)):
            raise
        raise BadInput(f"model {choice.text!r}: {error}") from error
    except MemoryError as error:
        raise BadInput(f"model {choice.text!r} with {n_in:,} inputs does not fit in memory: {error}") from error
    choice.require_methods(model)
    if not isinstance(getattr(model, "params", None), Mapping):
        raise BadInput(f"model {choice.text!r} has no params, expected a dict of arrays")
    return model


def make_trainer(settings: Settings, model: Any, steps: int, check_log: CheckLog | None) -> Trainer:
    """The trainer of a model with the chosen optimizer and schedule; the model is armed if there is a check log."""
    optimizer = choose("optimizer", settings.optimizer).make()
    schedule: Callable[[float], float] = choose("schedule", settings.schedule).make()
    try:
        for t in (0.0, 1.0):
            schedule(t)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise BadInput(f"schedule {settings.schedule!r}: {error}") from error
    trainer = Trainer(model, optimizer, schedule, settings.lr, steps, settings.clip_norm or None, check_log)
    if check_log is not None:
        if hasattr(model, "arm"):
            model.arm(check_log)
        else:
            arm_predict(model, choose("model", settings.model).text, check_log)
    return trainer


def check_single_sample_batches(settings: Settings, model: Any, x: Array, labels: Array) -> None:
    """Raise BadInput if an epoch will have a batch of one sample that a layer refuses, such as batchnorm."""
    count = len(x)
    if 1 not in (settings.batch_size, count % settings.batch_size):
        return
    for layer, path in zip(getattr(model, "layers", ()), getattr(model, "paths", ()), strict=False):
        if not declared_value(layer, "couples_samples"):
            continue
        try:
            copy_with_generators(model)[0].loss_and_grads(x[:1], labels[:1])
        except ValueError as error:
            raise BadInput(
                f"batch_size = {settings.batch_size} leaves a batch of 1 of {count:,} training images, which {path} "
                f"refuses: {error}; choose another --batch-size or --validation"
            ) from error


def named_arrays(model: Any) -> dict[str, Array]:
    """Parameters and layer state by name."""
    return dict(model.params) | dict(getattr(model, "state", None) or {})


def load_weights(model: Any, arrays: dict[str, Array]) -> None:
    """Copy saved arrays into the model. Raises BadInput if names or shapes are not the model's."""
    current, state = named_arrays(model), getattr(model, "state", None)
    missing, unknown = sorted(set(current) - set(arrays)), sorted(set(arrays) - set(current))
    if isinstance(state, StateDict):
        unknown = [name for name in unknown if not state.owns(name)]
    if missing or unknown:
        name, found = (missing[0], "missing") if missing else (unknown[0], "unknown")
        raise BadInput(f"weights: {name} is {found} in this architecture")
    for name, array in arrays.items():
        if name in current and np.shape(current[name]) != array.shape:
            raise BadInput(f"weights: {name} has shape {array.shape}, expected {np.shape(current[name])}")
        if name in model.params and array.dtype != np.float32:
            raise BadInput(f"weights: {name} is {array.dtype}, expected float32")
        assign(model.params if name in model.params else model.state, name, array)
