"""The built-in plugins, checked against the laws of their kind and the textbook."""

from typing import Any

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers them
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.metrics import confusion_matrix
from nnlaw.nn.network import Network
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.nn.training.build import make_trainer
from nnlaw.spec import (
    BadInput,
    BatchesCase,
    InitializerCase,
    LayerCase,
    LossCase,
    MetricCase,
    ModelCase,
    OptimizerCase,
    ScheduleCase,
    conformance,
)

RNG = np.random.default_rng

LAYERS = ["dense:3", "relu", "leaky_relu:0.1", "sigmoid", "tanh", "softmax", "dropout:0.3", "batchnorm", "flatten"]


@pytest.mark.parametrize("text", LAYERS)
@pytest.mark.parametrize("seed", range(3))
def test_layers_pass_every_law(text: str, seed: int) -> None:
    """Laws of calls and laws of layers."""

    def make(rng: np.random.Generator) -> Any:
        layer = choose("layer", text).make()
        layer.build((4,), rng)
        for holder in (layer.params, layer.state):
            for name in holder:
                holder[name] = holder[name].astype(np.float32)
        layer.grads = {name: np.zeros_like(array) for name, array in layer.params.items()}
        return layer

    x = RNG(seed).standard_normal((6, 4)).astype(np.float32)
    report = conformance(LayerCase(text, make(RNG(seed)), x, seed=seed, name=text.split(":")[0], make=make))
    assert report.outcome == "passed", report.violations
    assert {row.law: row.outcome for row in report.results}["definition"] == "pass"


TARGETS = {
    "softmax_cross_entropy": RNG(0).integers(0, 3, 6),
    "softmax_cross_entropy:smoothing=0.1": RNG(0).integers(0, 3, 6),
    "binary_cross_entropy": np.eye(3, dtype=np.float32)[RNG(0).integers(0, 3, 6)],
    "mse": RNG(0).standard_normal((6, 3)).astype(np.float32),
}


@pytest.mark.parametrize("text", ["binary_cross_entropy", "mse"])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_the_gradient_of_a_loss_has_the_dtype_of_the_prediction(text: str, dtype: Any) -> None:
    """float32 stays float32 for all targets; overwriting the returned gradient does not change the next one."""
    loss = choose("loss", text).make()
    loss.forward(RNG(1).standard_normal((6, 3)).astype(np.float32), np.eye(3, dtype=dtype)[[0, 1, 2, 0, 1, 2]])
    slope = loss.backward()
    assert slope.dtype == np.float32
    kept = slope.copy()
    slope[...] = 0
    assert np.array_equal(loss.backward(), kept)


@pytest.mark.parametrize("text", TARGETS)
def test_losses_pass_every_law(text: str) -> None:
    """And their probabilities are rows that sum to 1."""
    loss = choose("loss", text).make()
    prediction = RNG(1).standard_normal((6, 3)).astype(np.float32)
    report = conformance(LossCase(text, loss, prediction, TARGETS[text], name=text.split(":")[0]))
    assert report.outcome == "passed", report.violations
    assert {row.law: row.outcome for row in report.results}["definition"] == "pass"
    for scale in (1, 1e4):
        rows = loss.probabilities(np.float32(scale) * prediction)
        assert np.allclose(rows.sum(axis=1), 1, atol=1e-5) and (rows >= 0).all()


def test_mse_without_a_positive_output_predicts_uniformly() -> None:
    """A row without a positive number becomes the uniform distribution."""
    rows = choose("loss", "mse").make().probabilities(np.array([[-1.0, -2.0]]))
    assert np.array_equal(rows, [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sgd", [-0.1, -0.2, -0.3]),
        ("momentum:beta=0.5", [-0.1, -0.25, -0.425]),
        ("nesterov:beta=0.5", [-0.15, -0.325, -0.5125]),
        ("rmsprop:rho=0", [-0.1, -0.2, -0.3]),
        ("adam", [-0.1, -0.2, -0.3]),
        ("adamw:decay=0", [-0.1, -0.2, -0.3]),
    ],
)
def test_optimizers_follow_the_textbook(text: str, expected: list[float]) -> None:
    """The trajectory from 0 with a constant gradient of 1 and a rate of 0.1 is the one computed by hand."""
    optimizer, w, g = choose("optimizer", text).make(), np.zeros(1), np.ones(1)
    g.setflags(write=False)
    for value in expected:
        optimizer.step(w, g, 0.1)
        assert np.isclose(w[0], value, atol=1e-6)


def test_adamw_decays_weights_only() -> None:
    """With a zero gradient, weights shrink by lr·decay, and other parameters do not change."""
    optimizer = choose("optimizer", "adamw:decay=0.5").make()
    optimizer.decays = np.array([1.0, 0.0])
    w = np.array([1.0, 1.0])
    optimizer.step(w, np.zeros(2), 0.1)
    assert np.allclose(w, [0.95, 1.0])


@pytest.mark.parametrize("name", ["zeros", "he", "xavier", "lecun", "orthogonal"])
def test_initializers_have_the_declared_variance(name: str) -> None:
    """Mean 0 and the declared variance within five standard errors, for wide and tall shapes, determined by the seed.
    """
    function = REGISTRY.find("initializer", name).thing
    for shape in ((300, 50), (50, 300)):
        w = function(RNG(0), shape, *shape)
        assert np.array_equal(w, function(RNG(0), shape, *shape)) and w.shape == shape
        variance = function.variance(*shape)
        assert abs(w.mean()) <= 5 * np.sqrt(variance / w.size)
        assert abs(w.var() - variance) <= 5 * variance * np.sqrt(2 / w.size)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [("constant", 1, 1), ("step", 1, 0.0625), ("step:0.1,0.5", 1, 0.01), ("cosine", 1, 0), ("one_cycle", 0.04, 0.001)],
)
def test_schedules_stay_within_bounds(text: str, start: float, end: float) -> None:
    """Values from 0 to 1 for t from 0 to 1, with the documented values at both ends."""
    factor = choose("schedule", text).make()
    values = [factor(t) for t in np.linspace(0, 1, 101)]
    assert np.isclose(values[0], start) and np.isclose(values[-1], end)
    assert 0 <= min(values) <= max(values) <= 1


@pytest.mark.parametrize("name", ["shuffled", "sequential"])
def test_batches_have_every_sample_once(name: str) -> None:
    """An epoch is a permutation of image-label pairs; the last batch is smaller; the arrays are not modified."""
    x, y = np.arange(10)[:, None], np.arange(10)
    found = list(choose("batches", name).make()(x, y, 4, RNG(0)))
    assert [len(labels) for _, labels in found] == [4, 4, 2]
    assert sorted(np.concatenate([labels for _, labels in found])) == list(range(10))
    assert all((images[:, 0] == labels).all() for images, labels in found) and (y == np.arange(10)).all()


def test_metrics_have_known_values() -> None:
    """Two of three correct; the rows of the confusion matrix are the labels."""
    p = np.eye(3)[[0, 1, 1]]
    assert np.isclose(REGISTRY.find("metric", "accuracy").thing(p, np.array([0, 1, 2])), 2 / 3)
    assert confusion_matrix(p.argmax(axis=1), np.array([0, 1, 2]), 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_dropout_keeps_the_mean_and_is_the_identity_in_evaluation() -> None:
    """The mean over many samples is the input; each call has a new mask; in evaluation mode it returns the input."""
    layer = choose("layer", "dropout:0.5").make()
    layer.build((1,), RNG(0))
    x = np.ones((20000, 1), np.float32)
    first, second = layer.forward(x), layer.forward(x)
    assert abs(first.mean() - 1) < 5 / np.sqrt(20000) and not np.array_equal(first, second)
    layer.training = False
    assert layer.forward(x) is x


def test_batchnorm_normalizes_and_updates_running_statistics() -> None:
    """Mean 0 and variance 1 in training mode; running statistics converge; evaluation mode leaves them; N = 1 is
    refused."""
    layer = choose("layer", "batchnorm").make()
    layer.build((3,), RNG(0))
    x = 5 + 2 * RNG(1).standard_normal((64, 3))
    for _ in range(200):
        y = layer.forward(x)
    assert np.allclose(y.mean(axis=0), 0, atol=1e-6) and np.allclose(y.var(axis=0), 1, atol=1e-3)
    assert np.allclose(layer.state["mean"], x.mean(axis=0)) and np.allclose(layer.state["variance"], x.var(axis=0))
    layer.training = False
    before = layer.state["mean"].copy()
    layer.forward(x + 1)
    assert np.array_equal(layer.state["mean"], before)
    layer.training = True
    with pytest.raises(ValueError, match="at least 2"):
        layer.forward(x[:1])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("layer", "dropout:1.0"),
        ("layer", "leaky_relu:2.0"),
        ("layer", "batchnorm:momentum=0.0"),
        ("layer", "batchnorm:eps=0.0"),
        ("loss", "softmax_cross_entropy:smoothing=1.0"),
        ("optimizer", "momentum:beta=1.5"),
        ("optimizer", "adam:eps=0.0"),
        ("optimizer", "adam:eps=inf"),
        ("optimizer", "rmsprop:eps=inf"),
        ("layer", "batchnorm:eps=inf"),
        ("layer", "leaky_relu:true"),
    ],
)
def test_bad_settings_are_refused(kind: str, text: str) -> None:
    """The message names the setting."""
    with pytest.raises(BadInput):
        choose(kind, text).make()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("step:drop=2.0", r"drop must lie in \[0, 1\], found 2.0"),
        ("step:every=0", r"every must lie in \(0, ∞\), found 0"),
        ("step:every=inf", r"every must lie in \(0, ∞\), found inf"),
        ("cosine:floor=-0.5", r"floor must lie in \[0, 1\], found -0.5"),
        ("one_cycle:warmup=1.0", r"warmup must lie in \[0, 1\), found 1.0"),
        ("one_cycle:start=1.5", r"start must lie in \[0, 1\], found 1.5"),
        ("one_cycle:end=-1", r"end must lie in \[0, 1\], found -1"),
    ],
)
def test_bad_settings_of_a_schedule_are_refused_before_training(text: str, words: str) -> None:
    """With name, value and the expected range."""
    model = Network(4, 2, RNG(0), layers="dense:2")
    with pytest.raises(BadInput, match=words):
        make_trainer(Settings(schedule=text), model, 10, None)


KINDS: dict[str, Any] = {
    "initializer": InitializerCase,
    "schedule": ScheduleCase,
    "batches": BatchesCase,
    "metric": MetricCase,
}
NAMED = [(kind, name) for (kind, name), plugin in REGISTRY.plugins.items() if kind in KINDS and plugin.built_in]
SET = ["step:drop=0.1,every=0.3", "step:0,1", "cosine:floor=0.2", "one_cycle:warmup=0", "one_cycle:start=0,end=1"]
SLOW = {("initializer", "orthogonal")}  # a decomposition for every shape
ROWS = [pytest.param(*row, marks=pytest.mark.slow) if row in SLOW else row for row in NAMED]


@pytest.mark.parametrize(("kind", "text"), ROWS + [("schedule", text) for text in SET])
def test_functions_pass_every_law(kind: str, text: str) -> None:
    """Initializers, schedules, batch samplers and metrics; at least one law is checked for each."""
    choice = choose(kind, text)
    for seed in range(3):
        case = KINDS[kind](text, choice.plugin.thing, settings=choice.kwargs, seed=seed, name=choice.plugin.name)
        report = conformance(case)
        assert report.outcome == "passed", [row.reason for row in report.results]


OPTIMIZERS = [
    *(name for kind, name in REGISTRY.plugins if kind == "optimizer"),
    "momentum:beta=0",
    "nesterov:beta=0.5",
    "rmsprop:rho=0.99,eps=0.001",
    "adam:beta1=0.5,beta2=0.9",
    "adamw:decay=0.5",
    "adamw:decay=0",
]


@pytest.mark.parametrize("text", OPTIMIZERS)
def test_optimizers_pass_every_law(text: str) -> None:
    """Also with other settings."""
    choice = choose("optimizer", text)
    for seed in range(3):
        report = conformance(OptimizerCase(text, choice.make, seed=seed, name=choice.plugin.name))
        idle = {"decays"} if "adamw" not in text or text.endswith("decay=0") else set()
        idle |= {"settings"} if text == "sgd" else set()
        assert {row.law for row in report.results if row.outcome != "pass"} == idle, report.violations


ARCHITECTURES = [
    "dense:16 relu dense:4",
    "dense:16 tanh dense:8 sigmoid dense:4",
    "dense:16 batchnorm relu dense:4",
    "flatten dense:16 leaky_relu dropout:0.1 dense:4",
]


@pytest.mark.parametrize("layers", ARCHITECTURES)
def test_networks_pass_every_law(layers: str) -> None:
    """The default model with various layers and losses."""

    def make(rng: np.random.Generator) -> Network:
        return Network(8, 4, rng, layers=layers)

    x = RNG(1).standard_normal((16, 8)).astype(np.float32)
    report = conformance(ModelCase("network", make(RNG(0)), make, x, np.arange(16) % 4))
    assert report.violations == []


def test_adding_dropout_does_not_change_initial_weights() -> None:
    """Each layer has its own generator."""
    without = Network(8, 4, RNG(0), layers="dense:16 relu dense:4")
    with_dropout = Network(8, 4, RNG(0), layers="dense:16 relu dropout dense:4")
    assert np.array_equal(without.layers[2].params["W"], with_dropout.layers[3].params["W"])


@pytest.mark.parametrize(
    ("layers", "words"),
    [("batchnorm flatten dense:3", "has 3 outputs, but the data has 4 classes"), (" ", "layers: empty")],
)
def test_layers_that_do_not_fit_are_refused(layers: str, words: str) -> None:
    """A network whose outputs do not match the classes, or without layers, is refused."""
    with pytest.raises(BadInput, match=words):
        Network(8, 4, RNG(0), layers=layers)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mse"])
def test_one_hot_losses_train_on_labels(loss: str) -> None:
    """The network converts labels to one-hot rows for losses that need them."""
    network = Network(8, 4, RNG(0), layers="dense:4", loss=loss)
    value, grads = network.loss_and_grads(RNG(1).standard_normal((6, 8)).astype(np.float32), np.arange(6) % 4)
    assert value > 0 and grads["0:dense.W"].shape == (8, 4) and len(grads) == 2


@pytest.mark.parametrize("seed", [26, 36])
def test_a_loss_of_exactly_zero_passes(seed: int) -> None:
    """If the loss of a batch of one is exactly 0, rounding errors in its logits do not count as a wrong gradient."""
    from nnlaw.spec import Unit

    report = conformance(Unit("loss", "softmax_cross_entropy", REGISTRY.find("loss", "softmax_cross_entropy").thing),
                         seed=seed)
    assert report.outcome == "passed", report.violations
