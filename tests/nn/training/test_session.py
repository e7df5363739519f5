"""Trainings with unusual plugins, saved and resumed."""

from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run as cli
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_record
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.training.session import prepare

pytestmark = pytest.mark.usefixtures("hasty")

NUMBERS = '''
import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("numbers")
@obeys("N n -> N n")
class Numbers(Layer):
    """y = a·x with a single number a, and a count of the calls in training."""

    def build(self, shape, rng):
        self.params = {"a": np.array(0.25)}
        self.grads = {"a": np.zeros(())}
        self.state = {"seen": 0}

    def forward(self, x):
        self.x = x
        if self.training:
            self.state["seen"] += 1
        return self.params["a"] * x

    def backward(self, dy):
        self.grads["a"][...] = np.vdot(self.x, dy)
        return self.params["a"] * dy
'''

HALVES = '''
from nn import batches


@batches("halves")
def halves(x, y, batch_size, rng):
    """The first batch is whole, all others half as large."""
    order = rng.permutation(len(x))
    ends = [0, batch_size, *range(batch_size + batch_size // 2, len(x), batch_size // 2), len(x)]
    for start, end in zip(ends[:-1], ends[1:], strict=True):
        yield x[order[start:end]], y[order[start:end]]


@batches("endless")
def endless(x, y, batch_size, rng):
    """Never done."""
    while True:
        yield x[:1], y[:1]


@batches("empty")
def empty(x, y, batch_size, rng):
    """No batch."""
    yield from ()
'''

QUITS = '''
import sys

from nn import Layer, layer
from spec import obeys


@layer("quits")
@obeys("N n -> N n")
class Quits(Layer):
    """Leaves the program on its first call."""

    def forward(self, x):
        sys.exit()

    def backward(self, dy):
        return dy
'''


def plugin_file(folder: Path, name: str, source: str) -> str:
    """The path of a plugin file."""
    (folder / name).write_text(source)
    return str(folder / name)


def settings(data: Path, *plugins: str, **given: object) -> Settings:
    """Small and fast."""
    small = {"data": str(data), "plugins": plugins, "layers": "dense:10", "epochs": 2, "validation": 100}
    return Settings(**small | given)  # type: ignore[arg-type]  # settings by name


@pytest.mark.parametrize("strict", [False, True])
def test_numbers_among_the_parameters_are_saved_and_read(tiny_folder: Path, workplace: Path, strict: bool) -> None:
    """A parameter of shape () and a number in `state` are saved and loaded unchanged, by resume and predict."""
    plugin = plugin_file(workplace, "numbers.py", NUMBERS)
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder, plugin, layers="dense:10 numbers", strict=strict))
    assert session.train(run, SilentReporter(), 1) is None
    assert resume(run, {}).train(run, SilentReporter()) is not None
    params, own = Predictor(run).model.params, session.model.params
    assert {name: array.shape for name, array in params.items()} == {name: np.shape(own[name]) for name in own}


def test_a_plugin_that_calls_sys_exit_is_reported(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its line, and exit code 2."""
    plugin = plugin_file(workplace, "quits.py", QUITS)
    assert cli(["train", str(tiny_folder), "--plugin", plugin, "--layers", "quits dense:10", "--run", "r"]) == 2
    assert "quits.py:14: SystemExit" in capsys.readouterr().err


def test_a_run_that_is_resumed_before_its_first_epoch_keeps_its_record(tiny_folder: Path, workplace: Path) -> None:
    """The metadata stays, the plugins are copied once, and each resume adds one entry."""
    plugin = plugin_file(workplace, "halves.py", HALVES)
    run = Run.create(workplace / "r")
    prepare(settings(tiny_folder, plugin)).start(run, SilentReporter())  # and no further
    before = (run.folder / "config.toml").read_bytes()
    for _ in range(2):
        resume(run, {}).start(run, SilentReporter())
    assert (run.folder / "config.toml").read_bytes() == before
    assert [path.name for path in (run.folder / "plugins").glob("*.py")] == ["1-halves.py"]
    assert [entry["after_epoch"] for entry in read_record(run)["resumed"]] == [0, 0]


SIZES = """
import numpy as np

from nn import model


@model("sizes")
class Sizes:
    def __init__(self, n_in, n_out, rng):
        self.layers = [n_in, n_out]
        self.params = {"W": rng.normal(0, 0.01, (n_in, n_out)).astype(np.float32)}

    def predict(self, x):
        e = np.exp(x @ self.params["W"])
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x, labels):
        p, rows = self.predict(x), np.arange(len(x))
        value = -float(np.log(p[rows, labels]).mean())
        p[rows, labels] -= 1
        return value, {"W": x.T @ p / len(x)}
"""


def test_a_model_with_another_attribute_layers_is_checked_as_a_whole(tiny_folder: Path, workplace: Path) -> None:
    """Only a model with layers, layer names, paths and activations is also checked layer by layer."""
    plugin = plugin_file(workplace, "sizes.py", SIZES)
    session = prepare(settings(tiny_folder, plugin, model="sizes", strict=True))
    assert session.train(Run.create(workplace / "r"), SilentReporter(), 1) is None
