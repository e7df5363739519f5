"""From settings to a model and its trainer, and back from saved arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import nnlaw.nn.builtin  # noqa: F401  # registers what the settings may name
from nnlaw.nn.core.rng import stream
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.core.state_dict import Slots, put
from nnlaw.nn.plugins.errors import is_internal
from nnlaw.nn.plugins.loader import load_file
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
        load_file(Path(name))


def build_model(settings: Settings, n_in: int, classes: int, rng: np.random.Generator | None = None) -> Any:
    """The model that the settings name, from its own stream unless one is given. Raises BadInput."""
    choice = choose("model", settings.model)
    rng = rng or stream(np.random.SeedSequence(settings.seed), "init")
    known = {"layers": settings.layers, "loss": settings.loss, "init": settings.init}
    given = {name: value for name, value in known.items() if name in choice.plugin.settings}
    try:
        model = choice.plugin.thing(n_in, classes, rng, *choice.args, **given | choice.kwargs)
    except (TypeError, ValueError) as error:
        if isinstance(error, BadInput) or (choice.plugin.built_in and is_internal(error)):
            raise
        raise BadInput(f"model {choice.text!r}: {error}") from error
    except MemoryError as error:
        raise BadInput(f"model {choice.text!r} of {n_in:,} inputs: {error}, expected one that has room") from error
    choice.demand_methods(model)
    if not isinstance(getattr(model, "params", None), Mapping):
        raise BadInput(f"model {choice.text!r} has no params, expected a dict of arrays")
    return model


def make_trainer(settings: Settings, model: Any, steps: int, check_log: CheckLog | None) -> Trainer:
    """Optimizer, schedule and flat buffers around a model, armed where there is a docket."""
    optimizer = choose("optimizer", settings.optimizer).make()
    schedule: Callable[[float], float] = choose("schedule", settings.schedule).make()
    try:
        schedule(0.0), schedule(1.0)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise BadInput(f"schedule {settings.schedule!r}: {error}") from error
    trainer = Trainer(model, optimizer, schedule, settings.lr, steps, settings.clip_norm or None, check_log)
    if check_log is not None:
        if hasattr(model, "arm"):
            model.arm(check_log)
        else:
            arm_predict(model, choose("model", settings.model).text, check_log)
    return trainer


def refuse_alone(settings: Settings, model: Any, x: Array, labels: Array) -> None:
    """Raises BadInput where a batch of one sample will come up, and a layer that couples samples refuses it."""
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
                f"batch_size = {settings.batch_size} cuts {count:,} training images so that a batch of 1 is left, "
                f"which {path} refuses: {error}; choose another batch size, or hold out another number for validation"
            ) from error


def weights(model: Any) -> dict[str, Array]:
    """Parameters and layer state under one name each."""
    return dict(model.params) | dict(getattr(model, "state", None) or {})


def restore(model: Any, arrays: dict[str, Array]) -> None:
    """Put saved arrays back. Raises BadInput where names or shapes are not the model's."""
    current, state = weights(model), getattr(model, "state", None)
    missing = sorted(set(current) - set(arrays))
    unknown = sorted(name for name in set(arrays) - set(current) if not (isinstance(state, Slots) and state.owns(name)))
    if missing or unknown:
        odd = (missing + unknown)[0]
        raise BadInput(f"weights: {odd} is {'missing' if missing else 'unknown'} in this architecture")
    for name, array in arrays.items():
        if name in current and np.shape(current[name]) != array.shape:
            raise BadInput(f"weights: {name} has shape {array.shape}, expected {np.shape(current[name])}")
        if name in model.params and array.dtype != np.float32:
            raise BadInput(f"weights: {name} is {array.dtype}, expected float32")
        put(model.params if name in model.params else model.state, name, array)
