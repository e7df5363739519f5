"""Layers, batch samplers and models that use the protocol in unusual ways are trained, saved and resumed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run as cli
from nnlaw.nn.core.flat_parameters import FlatParameters
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_record
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.stress.edge_cases import arrays
from nnlaw.nn.training.build import build_model, make_trainer
from nnlaw.nn.training.evaluation import cross_entropy, epoch_metrics, validation_rank
from nnlaw.nn.training.session import Session, prepare
from nnlaw.nn.training.strict_checks import BATCH, batch_of_every_class
from nnlaw.spec.violation import BadInput

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


def test_a_schedule_ends_with_the_last_batch(tiny_folder: Path, workplace: Path) -> None:
    """A batch sampler with smaller batches has more steps; the schedule covers all of them and never restarts."""
    plugin = plugin_file(workplace, "halves.py", HALVES)
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder, plugin, batches="halves", schedule="cosine"))
    session.train(run, SilentReporter())
    lines = map(json.loads, (run.folder / "metrics.jsonl").open())
    rates = [line["rate"] for line in lines if "rate" in line]
    assert len(rates) == session.trainer.steps == 2 * session.steps_per_epoch > 2 * 16
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.01 * rates[0]


@pytest.mark.parametrize(("name", "words"), [("endless", "more batches than images"), ("empty", "no batch, expected")])
def test_empty_and_endless_batches_are_refused(
    tiny_folder: Path, workplace: Path, name: str, words: str, refusal: Callable[[Callable[[], object]], str]
) -> None:
    """An epoch has at least one batch, and no more batches than images."""
    plugin = plugin_file(workplace, "halves.py", HALVES)
    assert words in refusal(lambda: prepare(settings(tiny_folder, plugin, batches=name)))


@pytest.mark.parametrize("classes", [2, 26])
def test_the_batch_for_checks_has_every_class(classes: int) -> None:
    """Also with fewer images than it needs, and with more classes."""
    labels = np.arange(max(classes, 4)) % classes
    images = np.random.default_rng(0).integers(0, 255, (len(labels), 2, 2), dtype=np.uint8)
    parts = split(Dataset("made up", images, labels, images, labels), 0, np.random.default_rng(0))
    x, y = batch_of_every_class(parts)
    assert set(y) == set(labels) and len(x) == len(y) == max(classes, BATCH)


class Interleaved:
    """A model whose parameters are not grouped by layer."""

    def __init__(self) -> None:
        names = {"h.W": (2, 2), "o.W": (2, 2), "h.b": (2,), "o.b": (2,)}
        self.params = {name: np.ones(shape, np.float32) for name, shape in names.items()}


def test_the_norm_of_a_layer_is_over_its_own_parameters() -> None:
    """In any order of `params`; together the norms of the layers give that of the whole gradient."""
    flat = FlatParameters(Interleaved())
    flat.collect({name: np.ones_like(view) for name, view in flat.views.items()})
    assert list(flat.layers) == ["h", "o"]
    assert np.square(flat.norms()).sum() == pytest.approx(flat.g.size)
    assert {name: len(part) for name, part in flat.layers.items()} == {"h": 6, "o": 6}


def test_a_model_without_parameters_is_refused(refusal: Callable[[Callable[[], object]], str]) -> None:
    """It can't be trained."""
    one = build_model(Settings(layers="relu"), 10, 10)
    assert "no parameters" in refusal(lambda: FlatParameters(one))


def test_a_gradient_too_large_to_be_squared_is_clipped() -> None:
    """A gradient of 1e20 is clipped to the given norm, not to zero."""
    chosen = Settings(layers="dense:10", clip_norm=1.0, lr=0.5)
    one = make_trainer(chosen, build_model(chosen, 64, 10), 40, None)
    before = one.flat.w.copy()
    one.model.loss_and_grads = lambda x, labels: (1.0, {name: np.full_like(v, 1e20) for name, v in views.items()})
    views = one.flat.views
    with np.errstate(over="ignore"):
        one.step(arrays()["plain/x"], arrays()["plain/labels"])
    assert np.linalg.norm(one.flat.w - before) == pytest.approx(0.5, rel=1e-3)


def trained(data: Path, loss: str) -> Session:
    """A network that is not trained at all."""
    return prepare(settings(data, loss=loss))


@pytest.mark.parametrize("loss", ["mse", "softmax_cross_entropy"])
def test_the_validation_loss_is_the_trained_loss(tiny_folder: Path, loss: str) -> None:
    """`val_loss` equals the model's own loss on the same images in one batch."""
    one = trained(tiny_folder, loss)
    row = epoch_metrics(one.model, one.split, 1, [1.0], 0.0)
    expected, _ = one.model.loss_and_grads(one.split.x_val, one.split.y_val)
    assert row["val_loss"] == pytest.approx(expected, rel=1e-5) and validation_rank(row) == (
        row["val_accuracy"],
        -row["val_loss"],
    )


def test_a_model_without_mean_loss_has_the_cross_entropy(tiny_folder: Path) -> None:
    """Of its probabilities, under the name `val_cross_entropy`."""
    one = trained(tiny_folder, "mse")

    class Bare:
        predict = one.model.predict

    row = epoch_metrics(Bare(), one.split, 1, [1.0], 0.0)
    assert "val_loss" not in row
    assert row["val_cross_entropy"] == cross_entropy(one.model.predict(one.split.x_val), one.split.y_val)
    assert validation_rank(row) == (row["val_accuracy"], -row["val_cross_entropy"])


def test_a_prediction_names_the_epoch_of_its_weights(
    tiny_folder: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a crash between the checkpoint and the weights; files without an epoch give "unknown"."""
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder))
    session.train(run, SilentReporter(), 1)
    monkeypatch.setattr(Session, "export_weights", lambda self, run: None)
    resume(run, {})
    session.train_epoch(2, run, SilentReporter())
    assert Predictor(run).weights == "last epoch (1)"
    run.write_arrays("weights.safetensors", dict(session.model.params))
    assert Predictor(run).weights == "last epoch (unknown)"
    (run.folder / "weights.safetensors").write_bytes(b"none")
    with pytest.raises(BadInput, match="not a readable safetensors file"):
        Predictor(run)
