"""Trained runs, contexts of scenarios, and a table of scenarios that is restored after each test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.stress.recovery.training_process import Training
from nnlaw.nn.stress.runner import run_data
from nnlaw.nn.stress.scenario import SCENARIOS, Context, Observation, scenario, scenarios
from nnlaw.nn.training.session import prepare
from nnlaw.spec.arrays import Array


@pytest.fixture(scope="session")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two epochs on 600 digits."""
    run = Run.create(tmp_path_factory.mktemp("trained") / "run")
    prepare(Settings(data=str(tiny_folder), epochs=2, lr=0.05)).train(run, SilentReporter())
    return run


@pytest.fixture
def context(trained: Run, tmp_path: Path) -> Context:
    """A context with the trained run."""
    return Context(trained, run_data(trained.folder), tmp_path)


@pytest.fixture
def empty_context(tmp_path: Path) -> Context:
    """A context for scenarios that use neither the run nor its data."""
    return Context(None, None, tmp_path)  # type: ignore[arg-type]  # see above


@pytest.fixture
def add_scenario() -> Iterator[Callable[[str, Callable[[Context], Observation]], None]]:
    """A function that adds a scenario for one test."""
    before = dict(scenarios())
    yield lambda name, run: scenario(name, what="a test", expected="no fault")(run)
    SCENARIOS.clear()
    SCENARIOS.update(before)


@pytest.fixture(scope="session")
def stroke_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network trained on images of strokes, ten classes of 28×28 pixels."""
    from nnlaw.nn.stress.images import image_ops

    folder = tmp_path_factory.mktemp("strokes")
    rng = np.random.default_rng(0)
    shapes = rng.uniform(5, 22, (2, 10, 3, 2))
    for stem, count in (("train", 900), ("t10k", 60)):
        labels = np.arange(count) % 10
        starts, ends = (shape[labels] + rng.normal(0, 0.7, (count, 3, 2)) for shape in shapes)
        images = (255 * image_ops.render_strokes(starts, ends, 1, 28, 28)).astype(np.uint8)
        write_idx(folder / f"{stem}-images-idx3-ubyte", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", labels.astype(np.uint8))
    run = Run(folder / "run")
    run.folder.mkdir()
    layers = "dense:32 relu dense:10"
    prepare(Settings(data=str(folder), epochs=4, layers=layers, lr=0.03, validation=100)).train(run, SilentReporter())
    return run


@pytest.fixture
def new_stroke_context(stroke_run: Run, tmp_path: Path) -> Callable[[], Context]:
    """A function that makes a context with the stroke run; its data are read-only."""

    def new() -> Context:
        data = prepare(read_run_settings(stroke_run.folder)).split
        for array in (data.x_test, data.y_test, data.x_val, data.dataset.test_images):
            array.setflags(write=False)
        return Context(stroke_run, data, tmp_path)

    return new


@pytest.fixture
def stroke_context(new_stroke_context: Callable[[], Context]) -> Context:
    """A context with the stroke run."""
    return new_stroke_context()


class AlteredModel:
    """A model with changed probabilities and gradients."""

    def __init__(self, model: Any, power: float = 1.0, zero_gradient: bool = False) -> None:
        self.model, self.power, self.zero_gradient = model, power, zero_gradient

    def predict(self, x: Array) -> Array:
        """p to a power, normalized."""
        log_p = np.log(np.maximum(self.model.predict(x).astype(np.float64), 1e-300))
        p = np.exp(self.power * (log_p - log_p.max(axis=1, keepdims=True)))
        found: Array = p / p.sum(axis=1, keepdims=True)
        return found

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """Zero if `zero_gradient`, else the negative gradient."""
        slope: Array = self.model.input_gradient(x, labels)
        return 0 * slope if self.zero_gradient else -slope


class NoiseSensitiveModel(AlteredModel):
    """A model that predicts no class if many pixels are not black."""

    def predict(self, x: Array) -> Array:
        """Equal probabilities for images with noise."""
        p = super().predict(x)
        p[(x > x.min() + 0.01).sum(axis=1) > 130] = 0.1
        return p


@pytest.fixture
def altered_model() -> type[AlteredModel]:
    """A model with changed probabilities and gradients."""
    return AlteredModel


@pytest.fixture
def noise_sensitive_model() -> type[NoiseSensitiveModel]:
    """A model that fails on images with noise."""
    return NoiseSensitiveModel


class ConstantModel:
    """Equal probabilities, zero gradients."""

    def predict(self, x: Array) -> Array:
        """0.1 for each of ten classes."""
        return np.full((len(x), 10), 0.1, np.float32)

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """Zero."""
        return np.zeros_like(x)


@pytest.fixture
def cropped_context(stroke_context: Context) -> Context:
    """A context with images of 20×24 pixels and a constant model."""
    data = stroke_context.split.dataset
    images = data.train_images[:, :20, :24], data.test_images[:, :20, :24]
    cropped = Dataset("cropped", images[0], data.train_labels, images[1], data.test_labels)
    stroke_context.split = split(cropped, 50, np.random.default_rng(0))
    stroke_context.reader.model = ConstantModel()
    return stroke_context


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A small training with its reference run."""
    return Training(tmp_path_factory.mktemp("training"), 0, batch_size=40)
