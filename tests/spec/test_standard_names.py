"""Standard names: which names are recognized, and what the new references accept and reject."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.reference import LAYERS, LOSSES, OPTIMIZERS, Given, Settings, standard_name
from nnlaw.spec.reference.convolution import correlate
from nnlaw.spec.report import UnitOutcome

Array = NDArray[Any]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Adam", "adam"), ("my_adam", "adam"), ("AdamByHand", "adam"), ("AdamOptimizerV2", "adam"),
        ("StudentAdam", "adam"), ("update_parameters_with_adam", "adam"), ("NAdam", "nadam"),
        ("RAdam", "radam"), ("AdaBound", ""),
        ("AMSGrad", "amsgrad"), ("AdamW", "adamw"), ("AdamWithoutCorrection", ""), ("SGDMomentum", "momentum"),
    ],
)  # fmt: skip
def test_names_of_optimizers(name: str, expected: str) -> None:
    """Words that describe nothing are left out; all others make another name."""
    assert standard_name(None, name, OPTIMIZERS) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu6", "relu6"), ("RELULayer", "relu"), ("Activation_Softmax", "softmax"), ("sigmoid_2", "sigmoid"),
        ("MyLayerNorm", "layernorm"), ("BatchNorm2d", "batchnorm"), ("Conv2D", "convolution"), ("LSTMCell", "lstm"),
        ("MaxPooling2D", "max_pool"), ("hard_sigmoid", ""), ("relu_prime", ""), ("ResidualBlock", ""),
    ],
)  # fmt: skip
def test_names_of_layers(name: str, expected: str) -> None:
    """With affixes, in any notation."""
    assert standard_name(None, name, LAYERS) == expected


def test_names_of_losses() -> None:
    """Also those that contain the name of an activation."""
    names = ("Loss_CategoricalCrossentropy", "SoftmaxWithLoss", "BCELoss", "hinge_loss", "my_loss")
    found = [standard_name(None, name, LOSSES) for name in names]
    assert found == ["cross_entropy", "softmax_cross_entropy", "binary_cross_entropy", "hinge", ""]


def accepts(name: str, given: Given, y: Array) -> bool:
    """Whether a variant of the layer gives y."""
    known = Given(given.points, given.params, given.settings, inputs=given.inputs, output=y.shape)
    found = (outputs[0] for of in LAYERS[name].variants for outputs in of(known))
    return any(output.shape == y.shape and np.allclose(output, y) for output in found)


def sigmoid(z: Array) -> Array:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-z)))


def test_convolution_in_any_layout() -> None:
    """Channels first and last, kernels in another order or flipped, stride, padding, dilation and groups."""
    x, w, b = RNG.normal(size=(2, 2, 5, 6)), RNG.normal(size=(3, 2, 2, 3)), RNG.normal(size=3)
    y = correlate(x, w, 1, [(1, 1), (1, 1)], 1) + b[:, None, None]
    assert accepts("convolution", Given([x], {"W": w, "b": b}), y)
    channels_last, kernels = x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)
    assert accepts("convolution", Given([channels_last], {"W": kernels, "b": b}), y.transpose(0, 2, 3, 1))
    assert accepts("convolution", Given([x], {"W": w[..., ::-1, ::-1], "b": b}), np.maximum(y, 0))
    assert not accepts("convolution", Given([x], {"W": w, "b": b}), 1.01 * y)
    grouped = RNG.normal(size=(4, 1, 2, 2))
    assert accepts("convolution", Given([x], {"W": grouped}), correlate(x, grouped, 2, [(0, 0), (0, 0)], 1, 2))
    assert accepts("convolution", Given([x], {"W": w}), correlate(x, w, 1, [(0, 0), (0, 0)], 2))
    sequence, kernel = RNG.normal(size=(2, 3, 7)), RNG.normal(size=(4, 3, 2))
    assert accepts("convolution", Given([sequence], {"W": kernel}), correlate(sequence, kernel, 1, [(0, 0)], 1))


def test_correlation_is_the_sum_over_the_window() -> None:
    """By four loops."""
    x, w = RNG.normal(size=(1, 2, 4, 5)), RNG.normal(size=(1, 2, 2, 3))
    found = correlate(x, w, 1, [(0, 0), (0, 0)], 1)[0, 0]
    sums = [[(w[0] * x[0, :, i : i + 2, j : j + 3]).sum() for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(found, sums)


def test_pooling() -> None:
    """The largest number is not the mean."""
    x = RNG.normal(size=(2, 2, 4, 6))
    windows = x.reshape(2, 2, 2, 2, 3, 2)
    for name, y in (("max_pool", windows.max(axis=(3, 5))), ("average_pool", windows.mean(axis=(3, 5)))):
        assert accepts(name, Given([x]), y) and not accepts(name, Given([x]), y + 0.01)
        assert accepts(name, Given([x.transpose(0, 2, 3, 1)]), y.transpose(0, 2, 3, 1))
    assert accepts("average_pool", Given([x]), x.mean(axis=(2, 3)))


def cell(count: int, size: int = 6, inputs: int = 4) -> tuple[Array, Array, Array, Array, Array]:
    """x, h, Wx, Wh and b of a recurrent layer with so many gates."""
    blocks = count * size
    return (RNG.normal(size=(5, inputs)), RNG.normal(size=(5, size)), RNG.normal(size=(inputs, blocks)),
            RNG.normal(size=(size, blocks)), RNG.normal(size=blocks))  # fmt: skip


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1)])
def test_lstm_with_gates_in_any_order(order: tuple[int, ...]) -> None:
    """With one matrix for x and h, or with two; the sigmoid of the forget gate belongs to it."""
    x, h, wx, wh, b = cell(4)
    c = RNG.normal(size=h.shape)
    i, f, o, g = (np.split(x @ wx + h @ wh + b, 4, axis=1)[k] for k in order)
    outputs = []
    for forget in (sigmoid(f), f):
        new = forget * c + sigmoid(i) * np.tanh(g)
        outputs.append(np.concatenate([sigmoid(o) * np.tanh(new), new], axis=1))
    shapes = ((4,), (6,), (6,))
    given = [Given([np.hstack([x, h, c])], {"Wx": wx, "Wh": wh, "b": b}, inputs=shapes),
             Given([np.hstack([x, h, c])], {"W": np.vstack([wx, wh]).T, "b": b[:, None]}, inputs=shapes)]  # fmt: skip
    assert all(accepts("lstm", one, outputs[0]) and not accepts("lstm", one, outputs[1]) for one in given)


@pytest.mark.parametrize("reset_after", [False, True])
def test_gru_with_the_reset_before_or_after(reset_after: bool) -> None:
    """Both, and z or 1 − z in front of the state; the reset gate belongs to it."""
    x, h, wx, wh, b = cell(3)
    (rx, zx, nx), (rh, zh, nh) = np.split(x @ wx + b, 3, axis=1), np.split(wh, 3, axis=1)
    r, z = sigmoid(rx + h @ rh), sigmoid(zx + h @ zh)
    given = Given([np.hstack([x, h])], {"Wx": wx, "Wh": wh, "b": b}, inputs=((4,), (6,)))
    n = np.tanh(nx + (r * (h @ nh) if reset_after else (r * h) @ nh))
    assert accepts("gru", given, z * h + (1 - z) * n) and accepts("gru", given, (1 - z) * h + z * n)
    assert not accepts("gru", given, z * h + (1 - z) * np.tanh(nx + h @ nh))


def test_rnn_along_a_sequence() -> None:
    """All states or the last one; with tanh or relu."""
    _, _, wx, wh, b = cell(1)
    x, h, states = RNG.normal(size=(5, 3, 4)), np.zeros((5, 6)), []
    for t in range(3):
        h = np.tanh(x[:, t] @ wx + h @ wh + b)
        states.append(h)
    given = Given([x], {"Wx": wx, "Wh": wh, "b": b})
    assert accepts("rnn", given, np.stack(states, axis=1)) and accepts("rnn", given, h)
    assert not accepts("rnn", given, h + 0.01)


def test_attention_is_scaled() -> None:
    """By √d; with a causal mask or without."""
    q, k, v = (RNG.normal(size=(2, 3, 4)) for _ in range(3))
    given = Given([np.hstack([a.reshape(2, -1) for a in (q, k, v)])], inputs=((3, 4),) * 3)
    for scale, expected in ((2.0, True), (1.0, False)):
        scores = q @ k.swapaxes(1, 2) / scale
        for masked in (scores, np.where(np.tri(3) > 0, scores, -1e30)):
            e = np.exp(masked - masked.max(axis=-1, keepdims=True))
            assert accepts("scaled_dot_product_attention", given, e / e.sum(axis=-1, keepdims=True) @ v) == expected


def test_a_setting_with_a_usual_name_decides() -> None:
    """A leaky ReLU with alpha = 0.3 has a slope of 0.3, not 0.01."""
    x = RNG.normal(size=(5, 4))
    given = Given([x], settings=Settings({"alpha": 0.3}))
    assert accepts("leaky_relu", given, np.where(x > 0, x, 0.3 * x))
    assert not accepts("leaky_relu", given, np.where(x > 0, x, 0.01 * x))


SOURCE = """
import numpy as np

def my_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.max(axis=1, keepdims=True)
"""


def test_the_diagnostic_shows_why_it_is_compared(tmp_path: Path) -> None:
    """With the name, and how to declare that it is something else."""
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    loaded = load(path)
    (unit,) = find(loaded.module, loaded.names)
    report = conformance(unit)
    assert report.outcome is UnitOutcome.FAILED
    (violation,) = report.violations
    assert violation.note.startswith("compared with softmax because its name is my_softmax; if it is meant to be")
    assert "nnlaw: ignore[definition]" in violation.message
