"""Layers, batches and models that keep the protocol in a way of their own train, are saved, and go on like others."""

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


@batches("none")
def none(x, y, batch_size, rng):
    """Nothing."""
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


def written(folder: Path, name: str, source: str) -> str:
    """The path of a plugin file."""
    (folder / name).write_text(source)
    return str(folder / name)


def settings(data: Path, *plugins: str, **given: object) -> Settings:
    """Small and quick."""
    small = {"data": str(data), "layers": "dense:10", "plugins": plugins, "epochs": 2, "validation": 100}
    return Settings(**small | given)  # type: ignore[arg-type]  # settings by name


@pytest.mark.parametrize("strict", [False, True])
def test_numbers_among_the_parameters_are_saved_and_read(tiny_folder: Path, workplace: Path, strict: bool) -> None:
    """A parameter of shape () and a plain number in `state` come back as they were, to be resumed or to predict."""
    plugin = written(workplace, "numbers.py", NUMBERS)
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder, plugin, layers="dense:10 numbers", strict=strict))
    assert session.train(run, SilentReporter(), 1) is None
    assert resume(run, {}).train(run, SilentReporter()) is not None
    params, own = Predictor(run).model.params, session.model.params
    assert {name: array.shape for name, array in params.items()} == {name: np.shape(own[name]) for name in own}


def test_a_plugin_cannot_end_the_program_in_silence(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A layer that calls sys.exit() is told with its line, and the exit code is 2, not that of success."""
    plugin = written(workplace, "quits.py", QUITS)
    assert cli(["train", str(tiny_folder), "--plugin", plugin, "--layers", "quits dense:10", "--run", "r"]) == 2
    assert "quits.py:14: SystemExit" in capsys.readouterr().err


def test_a_run_that_is_resumed_before_its_first_epoch_keeps_its_record(tiny_folder: Path, workplace: Path) -> None:
    """What it was begun with stands, its plugins once, and each time that it went on is one entry."""
    plugin = written(workplace, "halves.py", HALVES)
    run = Run.create(workplace / "r")
    prepare(settings(tiny_folder, plugin)).start(run, SilentReporter())  # and no further
    before = (run.folder / "config.toml").read_bytes()
    for _ in range(2):
        resume(run, {}).start(run, SilentReporter())
    assert (run.folder / "config.toml").read_bytes() == before
    assert [path.name for path in (run.folder / "plugins").glob("*.py")] == ["1-halves.py"]
    assert [entry["after_epoch"] for entry in read_record(run)["resumed"]] == [0, 0]


def test_a_schedule_ends_with_the_last_batch(tiny_folder: Path, workplace: Path) -> None:
    """Batches that are smaller than asked are more steps, over which the schedule is laid out: it never turns back."""
    plugin = written(workplace, "halves.py", HALVES)
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder, plugin, batches="halves", schedule="cosine"))
    session.train(run, SilentReporter())
    lines = map(json.loads, (run.folder / "metrics.jsonl").open())
    rates = [line["rate"] for line in lines if "rate" in line]
    assert len(rates) == session.trainer.steps == 2 * session.steps_per_epoch > 2 * 16
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.01 * rates[0]


@pytest.mark.parametrize(("name", "words"), [("endless", "more batches than images"), ("none", "no batch, expected")])
def test_batches_without_an_end_or_a_beginning_are_refused(
    tiny_folder: Path, workplace: Path, name: str, words: str, refusal: Callable[[Callable[[], object]], str]
) -> None:
    """An epoch has at least one batch, and no more batches than images."""
    plugin = written(workplace, "halves.py", HALVES)
    assert words in refusal(lambda: prepare(settings(tiny_folder, plugin, batches=name)))


@pytest.mark.parametrize("classes", [2, 26])
def test_the_audit_batch_holds_every_class(classes: int) -> None:
    """Also of fewer images than an audit takes, and of more classes."""
    labels = np.arange(max(classes, 4)) % classes
    images = np.random.default_rng(0).integers(0, 255, (len(labels), 2, 2), dtype=np.uint8)
    parts = split(Dataset("made up", images, labels, images, labels), 0, np.random.default_rng(0))
    x, y = batch_of_every_class(parts)
    assert set(y) == set(labels) and len(x) == len(y) == max(classes, BATCH)


class Interleaved:
    """A model that names its weights first, and its biases after them."""

    def __init__(self) -> None:
        names = {"h.W": (2, 2), "o.W": (2, 2), "h.b": (2,), "o.b": (2,)}
        self.params = {name: np.ones(shape, np.float32) for name, shape in names.items()}


def test_the_norm_of_a_layer_is_over_its_own_parameters() -> None:
    """Wherever they stand in `params`; together the norms of the layers are that of the whole gradient."""
    flat = FlatParameters(Interleaved())
    flat.collect({name: np.ones_like(view) for name, view in flat.views.items()})
    assert list(flat.layers) == ["h", "o"]
    assert np.square(flat.norms()).sum() == pytest.approx(flat.g.size)
    assert {name: len(part) for name, part in flat.layers.items()} == {"h": 6, "o": 6}


def test_a_model_without_parameters_is_refused(refusal: Callable[[Callable[[], object]], str]) -> None:
    """There is nothing to train."""
    one = build_model(Settings(layers="relu"), 10, 10)
    assert "no parameters" in refusal(lambda: FlatParameters(one))


def test_a_gradient_too_large_to_be_squared_is_clipped_all_the_same() -> None:
    """A gradient of 1e20 is cut to the length asked for, not to nothing."""
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
def test_the_validation_loss_is_the_loss_that_is_trained(tiny_folder: Path, loss: str) -> None:
    """On the same images in one batch, `val_loss` is what the model's own loss says."""
    one = trained(tiny_folder, loss)
    row = epoch_metrics(one.model, one.split, 1, [1.0], 0.0)
    expected, _ = one.model.loss_and_grads(one.split.x_val, one.split.y_val)
    assert row["val_loss"] == pytest.approx(expected, rel=1e-5) and validation_rank(row) == (
        row["val_accuracy"],
        -row["val_loss"],
    )


def test_where_a_model_tells_no_loss_it_is_cross_entropy_by_name(tiny_folder: Path) -> None:
    """Of its probabilities, which every model gives."""
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
    """Also after a crash between the checkpoint and the copies of its weights; older files tell none."""
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
