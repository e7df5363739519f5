"""numpy-ml 0.1.2: layers, activations, losses, optimizers, initializers and schedulers under our laws.

numpy-ml draws from NumPy's global generator, which the adapters set to the given one. It always computes in float64,
and the adapters cast the results back. Its gradients accumulate until they are flushed, so the adapters flush them
before each pass. Its normalizations and its dropout raise an error for a backward pass while frozen, which is their
eval mode, so the adapters supply that gradient. Several inputs are the parts of one x. Losses documented as sums are
checked unchanged and divided by N.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from as_numpy_ml import Attention, Cell, Dropped, Layer, Norm, Parts, Sequence, Sparse
from as_numpy_ml_more import Activation, Loss, Optimizer, minibatches
from shared import Subject, checked, claiming, initializer, subject

from spec import check_backward, check_loss

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    from numpy_ml.neural_nets import activations, layers, losses, optimizers, schedulers, wrappers
    from numpy_ml.neural_nets.initializers import WeightInitializer
    from numpy_ml.utils.data_structures import DiscreteSampler


def _sparse() -> Any:
    """A SparseEvolution of 4 inputs and 3 outputs that need not make its own parameters."""
    layer = layers.SparseEvolution(3)
    W, mask = np.linspace(-1, 1, 12).reshape(4, 3), (np.arange(12) % 3 > 0).reshape(4, 3)
    layer.parameters = {"W": W, "b": np.zeros((1, 3)), "W_mask": mask.astype(float)}
    layer.gradients = {"W": np.zeros((4, 3)), "b": np.zeros((1, 3))}
    layer.derived_variables, layer.n_in, layer.is_initialized = {"Z": []}, 4, True
    return layer


def subjects() -> list[Subject]:
    """Everything that is judged."""
    return [*_dense(), *_pictures(), *_recurrent(), *_activations(), *_losses(), *_others()]


def _dense() -> Iterator[Subject]:
    rows = "N n -> N n"
    full = Layer(lambda: layers.FullyConnected(3), like="dense")
    yield subject("layer", "layers.FullyConnected", full, "N n_in -> N n_out")
    yield subject("layer", "layers.FullyConnected, tanh", Layer(lambda: layers.FullyConnected(3, "tanh")), "N a -> N b")
    yield subject("layer", "layers.Softmax", Layer(layers.Softmax, like="softmax"), rows)
    yield subject("layer", "layers.Softmax, dim 1 of 3", Layer(lambda: layers.Softmax(dim=1)), "N a b -> N a b")
    yield subject("layer", "layers.Flatten", Layer(layers.Flatten, like="flatten"), "N ... -> N m", input_shape=(2, 3))
    yield subject("layer", "layers.BatchNorm1D", Norm(layers.BatchNorm1D), rows)
    yield subject("layer", "layers.LayerNorm1D", Layer(layers.LayerNorm1D, like="layernorm"), rows)
    for name in ("Add", "Multiply"):
        kind = partial(getattr(layers, name), act_fn="tanh")
        yield subject("layer", f"layers.{name}", Parts(kind), "N a -> N b", input_shape=(6,))
    for mended, said in ((False, ""), (True, ", softmax flushed")):
        attention = Attention(mended)
        yield subject("layer", f"layers.DotProductAttention{said}", attention, "N T a -> N T b", input_shape=(4, 9))
    yield checked("layers.FullyConnected._bwd2", _twice_differentiated)
    for copied, said in ((False, ""), (True, ", dy copied")):
        dropped = Dropped(lambda: wrappers.Dropout(layers.FullyConnected(3), 0.3), copied)
        yield subject("layer", f"wrappers.Dropout of FullyConnected{said}", dropped, "N n_in -> N n_out")
    for make, said in ((lambda: layers.SparseEvolution(3), ""), (_sparse, ", parameters given")):
        evolving = Sparse(make)
        yield subject("layer", f"layers.SparseEvolution{said}", evolving, "N n_in -> N n_out", input_shape=(4,))
    yield subject("layer", "layers.RBM", Layer(lambda: layers.RBM(3)), "N n_in -> N n_out", input_shape=(4,))


def _twice_differentiated() -> None:
    """dX of a layer as a function of W and b, whose gradients _bwd2 gives for the gradient penalty."""
    rng, layer = np.random.default_rng(0), layers.FullyConnected(2, "tanh")
    x, dy = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    layer.forward(x)

    def forward(W: Any, b: Any) -> Any:
        layer.parameters = {"W": W, "b": b}
        return layer._bwd(dy, x)[0], None

    check_backward(forward, lambda ddx, cache: layer._bwd2(ddx, x, dy)[1:], rng.normal(size=(3, 2)), np.zeros((1, 2)))


def _pictures() -> Iterator[Subject]:
    image, arrow = {"input_shape": (6, 5, 2)}, "N H W C -> N P Q F"
    for pad, stride, dilation in ((0, 1, 0), ("same", 1, 0), (1, 2, 0), (0, 1, 1)):
        conv = partial(layers.Conv2D, 3, (2, 3), pad=pad, stride=stride, dilation=dilation)
        said = f"pad {pad}, stride {stride}, dilation {dilation}"
        yield subject("layer", f"layers.Conv2D, {said}", Layer(conv), arrow, **image)
    for pad, stride, dilation in ((0, 1, 0), ("same", 1, 1), ("causal", 1, 1), (1, 2, 0)):
        one = partial(layers.Conv1D, 3, 2, pad=pad, stride=stride, dilation=dilation)
        said = f"pad {pad}, stride {stride}, dilation {dilation}"
        yield subject("layer", f"layers.Conv1D, {said}", Layer(one), "N T C -> N U F", input_shape=(7, 2))
    for pad, stride in ((0, 1), (0, 2), (1, 1)):
        deconv = partial(layers.Deconv2D, 3, (2, 3), pad=pad, stride=stride)
        small = {"input_shape": (3, 4, 2)}
        yield subject("layer", f"layers.Deconv2D, pad {pad}, stride {stride}", Layer(deconv), arrow, **small)
    for mode in ("max", "average"):
        for pad, stride in ((0, 1), (0, 2), (1, 2)):
            pool = partial(layers.Pool2D, (2, 2), pad=pad, stride=stride, mode=mode)
            said = f"{mode}, pad {pad}, stride {stride}"
            yield subject("layer", f"layers.Pool2D, {said}", Layer(pool), arrow, input_shape=(6, 4, 2))
    keeping = "N H W C -> N H W C"
    yield subject("layer", "layers.BatchNorm2D", Norm(layers.BatchNorm2D), keeping, input_shape=(3, 4, 2))
    norm = Layer(layers.LayerNorm2D, like="layernorm")
    yield subject("layer", "layers.LayerNorm2D", norm, keeping, input_shape=(3, 4, 2))


def _recurrent() -> Iterator[Subject]:
    steps, arrow = {"input_shape": (3, 4)}, "N n_in T -> N n_out T"
    for name in ("RNNCell", "LSTMCell"):
        for mended in (False, True):
            cell = Cell(partial(getattr(layers, name), 2), mended)
            yield subject("layer", f"layers.{name}{', sums reset' * mended}", cell, arrow, **steps)
    for name in ("RNN", "LSTM"):
        yield subject("layer", f"layers.{name}", Sequence(partial(getattr(layers, name), 2)), arrow, **steps)
    ids, once = np.array([[0, 2, 2], [3, 1, 2]]), np.array([[0, 2, 1], [3, 1, 2]])
    for pool in (None, "sum", "mean"):
        for said, rows in (("", once), (", a word twice in a row", ids)):
            yield checked(f"layers.Embedding, pool {pool}{said}", partial(_embedded, pool, rows))


def _embedded(pool: str | None, ids: Any) -> None:
    layer = layers.Embedding(3, 5, pool=pool)

    def forward(W: Any) -> Any:
        layer.parameters["W"] = W
        layer.flush_gradients()
        return layer.forward(ids), None

    def backward(dout: Any, cache: Any) -> Any:
        layer.backward(dout)
        return layer.gradients["W"]

    check_backward(forward, backward, np.random.default_rng(0).standard_normal((5, 3)))


def _activations() -> Iterator[Subject]:
    for name, like in (("Sigmoid", "sigmoid"), ("ReLU", "relu"), ("LeakyReLU", "leaky_relu"), ("Tanh", "tanh"),
                       ("Affine", None), ("ELU", "elu"), ("SELU", "selu"), ("HardSigmoid", None),
                       ("SoftPlus", "softplus")):  # fmt: skip
        thing = Activation(getattr(activations, name), like=like)
        yield subject("layer", f"activations.{name}", thing, "N ... -> N ...")
    exponential = Activation(activations.Exponential, domain=(-100.0, 50.0))
    yield subject("layer", "activations.Exponential", exponential, "N ... -> N ...")


def _losses() -> Iterator[Subject]:
    for over_n in (False, True):
        said = ", /N" * over_n
        squared = Loss("SquaredError", over_n, targets="real", like="mse")
        yield subject("loss", f"losses.SquaredError{said}", squared)
        entropy = Loss("CrossEntropy", over_n, targets="labels", domain="logits", like="softmax_cross_entropy")
        yield subject("loss", f"losses.CrossEntropy of layers.Softmax{said}", entropy)
    rng = np.random.default_rng(0)
    encoded = {"y_pred": rng.uniform(0.1, 0.9, (4, 3)), "mean": rng.normal(size=(4, 2)), "log": rng.normal(size=(4, 2))}
    yield checked("losses.VAELoss", lambda: check_loss(_vae, encoded, rng.integers(0, 2, (4, 3)).astype(float)))
    fake, real, slope = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(5, 3))
    yield checked("losses.WGAN_GPLoss, critic", lambda: check_loss(_critic, [fake, real, slope]))
    yield checked("losses.WGAN_GPLoss, generator", lambda: check_loss(_generator, fake))
    for said, drawn in (("", [4, 2]), (", a target among the noise", [4, 1])):
        yield checked(f"losses.NCELoss{said}", partial(_noise_contrastive, np.array(drawn)))


def _vae(params: Any, y: Any) -> Any:
    of = losses.VAELoss
    arrays = params["y_pred"], params["mean"], params["log"]
    dy, dlog, dmean = of.grad(y, *arrays)
    return of.loss(y, *arrays), {"y_pred": dy, "mean": dmean, "log": dlog}


def _critic(params: Any) -> Any:
    fake, real, slope = params
    of = losses.WGAN_GPLoss()
    return of.loss(fake, "C", real, slope), list(of.grad(fake, "C", real, slope))


def _generator(fake: Any) -> Any:
    of = losses.WGAN_GPLoss()
    return of.loss(fake, "G"), of.grad(fake, "G")


def _noise_contrastive(noise: Any) -> None:
    rng, target = np.random.default_rng(0), np.array([1, 3, 0])
    loss = losses.NCELoss(5, DiscreteSampler(np.full(5, 0.2)), 2)
    x = rng.normal(size=(3, 1, 4))
    loss.loss(x, target, noise)

    def answer(params: Any) -> Any:
        loss.flush_gradients()
        loss.parameters = {"W": params["W"], "b": params["b"]}
        value, _ = loss.loss(params["X"], target, noise)
        dx = loss.grad(update_params=False)
        return value, {"X": dx, "W": loss.gradients["W"], "b": loss.gradients["b"]}

    check_loss(answer, {"X": x, "W": rng.normal(size=(5, 4)), "b": rng.normal(size=(1, 5))})


def _others() -> Iterator[Subject]:
    of, plain = optimizers, "Affine(slope=1, intercept=0)"
    for said, make, like, told in (
        ("SGD", of.SGD, "sgd", {}),
        ("SGD, momentum 0.9", lambda: of.SGD(momentum=0.9), "momentum", {"momentum": "momentum"}),
        ("AdaGrad", of.AdaGrad, "adagrad", {"eps": "eps"}),
        ("RMSProp", of.RMSProp, "rmsprop", {"rho": "decay", "eps": "eps"}),
        ("Adam", of.Adam, "adam", {"beta1": "decay1", "beta2": "decay2", "eps": "eps"}),
    ):  # fmt: skip
        yield subject("optimizer", f"optimizers.{said}", Optimizer(make, like, **told))
    for mode, like in (("he_normal", "he"), ("he_uniform", "he_uniform"), ("glorot_normal", "xavier"),
                       ("glorot_uniform", "xavier_uniform")):  # fmt: skip
        yield subject("initializer", f"utils.{mode}", initializer(WeightInitializer(plain, mode), like=like))
    for mode in ("std_normal", "trunc_normal"):
        wide = initializer(WeightInitializer(plain, mode), variance=lambda i, o: 1.0)
        yield subject("initializer", f"initializers.WeightInitializer, {mode}", wide)
    gains = (("ReLU", 2.0), ("Tanh", 25 / 9), ("Leaky ReLU(alpha=0.5)", 2 / 1.25))
    for act, gain in gains:
        scaled = initializer(WeightInitializer(act, "glorot_uniform"),
                             variance=partial(lambda gain, i, o: gain * 2 / (i + o), gain))
        yield subject("initializer", f"initializers.WeightInitializer, glorot_uniform for {act}", scaled)
    yield from _schedules()
    yield subject("batches", "utils.minibatch", minibatches)


def _schedules() -> Iterator[Subject]:
    """Factors of the first learning rate; the step is t·1000, and Noam's, which counts from 1, 1 + t·999."""
    smooth = schedulers.ExponentialScheduler(1.0, 500)
    stairs = schedulers.ExponentialScheduler(1.0, 250, staircase=True)
    noam = schedulers.NoamScheduler(warmup_steps=200)
    flat = schedulers.ConstantScheduler(1.0)
    yield subject("schedule", "schedulers.ConstantScheduler", claiming(lambda t: flat(t * 1000), like="constant"))
    curve = claiming(lambda t: smooth(t * 1000), like="exponential")
    yield subject("schedule", "schedulers.ExponentialScheduler", curve)

    def staircase(t: float, *, drop: float = 0.1, every: float = 0.25) -> float:
        return float(stairs(t * 1000))

    yield subject("schedule", "schedulers.ExponentialScheduler, staircase", claiming(staircase, like="step"))
    yield subject("schedule", "schedulers.NoamScheduler", lambda t: noam(1 + t * 999) / noam(200))
