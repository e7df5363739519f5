"""The checks before training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw import initializer
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.training.build import build_model
from nnlaw.nn.training.strict_checks import BATCH, batch_of_every_class, check_before_training
from nnlaw.spec import ModelCase, conformance
from nnlaw.spec.guards.check_log import CheckLog

Array = NDArray[Any]

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize("classes", [2, 26])
def test_the_batch_for_checks_has_every_class(classes: int) -> None:
    """Also with fewer images than it needs, and with more classes."""
    labels = np.arange(max(classes, 4)) % classes
    images = np.random.default_rng(0).integers(0, 255, (len(labels), 2, 2), dtype=np.uint8)
    parts = split(Dataset("made up", images, labels, images, labels), 0, np.random.default_rng(0))
    x, y = batch_of_every_class(parts)
    assert set(y) == set(labels) and len(x) == len(y) == max(classes, BATCH)


INITIAL = ["initial-loss", "vanishing-gradient", "symmetry", "live-units"]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("wide", lambda rng, shape: rng.normal(0, 1, shape), "large-initial-weights"),
        ("tiny", lambda rng, shape: rng.normal(0, 1e-4, shape), "small-initial-weights"),
        ("positive", lambda rng, shape: 0.01 * rng.random(shape), "not-centered"),
        ("equal", lambda rng, shape: np.full(shape, 0.01), "equal-initial-weights"),
        ("he", None, ""),
        ("xavier", None, ""),
    ],
)
def test_initial_weights_are_named_for_every_activation(
    activation: str, name: str, make: Callable[..., Array] | None, code: str
) -> None:
    """Too large, too small, of one sign or all equal; the usual ones pass."""
    if make is not None:
        initializer(name)(lambda rng, shape, fan_in, fan_out, make=make: make(rng, shape))
    layers = " ".join([*(f"dense:{units} {activation}" for units in (64, 48, 32)), "dense:10"])
    settings = Settings(layers=layers, init=name)

    def build(rng: np.random.Generator) -> Any:
        return build_model(settings, 196, 10, rng)

    x = np.random.default_rng(0).standard_normal((20, 196)).astype(np.float32)
    case = ModelCase("network", build(np.random.default_rng(1)), build, x, np.arange(20) % 10)
    assert {found.cause_code for found in conformance(case, INITIAL).violations} == ({code} if code else set())


def test_layers_that_are_alike_are_checked_once() -> None:
    """One with another setting or shape is checked, too."""
    counted = []
    for layers in ("dense:8 dense:8 dense:10", "dense:8 dense:8 dense:8 dense:10", "dense:8 dense:9 dense:8 dense:10"):
        settings, check_log = Settings(layers=layers), CheckLog()
        x = 0.1 * np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
        check_before_training(settings, build_model(settings, 8, 10), x, np.arange(20) % 10, check_log)
        counted.append(check_log.checked()["linear-backward"])
    assert counted[0] == counted[1] < counted[2]
