"""numpy-ml 0.1.2: layers, activations, losses, optimizers, initializers and schedulers under our laws.

It draws from NumPy's global generator, which the adapters set to the one handed in, and computes in float64 whatever it
is handed, which they cast back. Its gradients pile up until they are flushed, which they do before each pass. Its
normalizations and its dropout refuse a backward pass while frozen, which is their eval mode: that gradient is supplied.
Several inputs at once are the parts of one x. Losses that are documented as sums are judged as they stand and over N.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from shared import BINARY, Subject, cast, checked, claiming, drawing, initializer, state_of, subject

from spec import check_backward, check_loss

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    from numpy_ml.neural_nets import activations, layers, losses, optimizers, schedulers, utils, wrappers
    from numpy_ml.neural_nets.initializers import WeightInitializer
    from numpy_ml.utils.data_structures import DiscreteSampler

PACKAGE = "numpy-ml"
STATE = ("running_mean", "running_var")


class Layer:
    """A layer of numpy-ml, initialized by a first forward; `forward` and `backward` are those of one training step."""

    def __init__(self, make: Callable[[], Any], **claims: Any):
        self.make = make
        claiming(self, **claims)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.rng = state_of(rng)
        with drawing(self.rng):
            self.layer = self.make()
            self.pass_through(np.ones((2, *shape)))
        self.layer.flush_gradients()
        arrays = self.layer.parameters
        self.params = {name: array for name, array in arrays.items() if name not in STATE}
        self.state = {name: array for name, array in arrays.items() if name in STATE}

    def pass_through(self, x: Any) -> Any:
        return self.layer.forward(x, retain_derived=False)

    def forward(self, x: Any) -> Any:
        self.loaded()
        self.layer.flush_gradients()
        with drawing(self.rng):
            return cast(self.answer(x), x)

    def loaded(self) -> None:
        for name, array in (self.params | self.state).items():
            self.layer.parameters[name] = array

    def answer(self, x: Any) -> Any:
        return self.layer.forward(x)

    def backward(self, dy: Any) -> Any:
        for name, array in self.layer.gradients.items():
            self.layer.gradients[name] = np.zeros_like(array)
        dx = cast(self.slopes(dy), dy)
        self.kept(self.layer.gradients, dy)
        return dx

    def slopes(self, dy: Any) -> Any:
        return self.layer.backward(dy)

    def kept(self, gradients: dict[str, Any], dy: Any) -> None:
        for name in self.params:
            self.grads[name] = cast(gradients[name], dy)


class Norm(Layer):
    """A batch normalization: frozen in eval, where the gradient of its affine map is supplied."""

    couples_samples, like = True, "batchnorm"

    def answer(self, x: Any) -> Any:
        self.layer.trainable = self.training
        y = self.layer.forward(x)
        self.layer.trainable, self.x = True, x
        self.state = {name: self.layer.parameters[name] for name in STATE}
        return y

    def backward(self, dy: Any) -> Any:
        if self.training:
            return super().backward(dy)
        over = tuple(range(dy.ndim - 1))
        deviation = np.sqrt(self.state["running_var"] + self.layer.epsilon)
        z = (self.x - self.state["running_mean"]) / deviation
        self.kept({"scaler": (dy * z).sum(axis=over), "intercept": dy.sum(axis=over)}, dy)
        return cast(dy * self.params["scaler"] / deviation, dy)


class Dropped(Layer):
    """The wrapper Dropout around a layer: frozen in eval, where the wrapped layer answers alone."""

    def __init__(self, make: Callable[[], Any], copied: bool):
        super().__init__(make)
        self.copied = copied

    def answer(self, x: Any) -> Any:
        self.layer._base_layer.trainable = self.training
        y = self.layer.forward(x)
        self.layer._base_layer.trainable = True
        return y

    def slopes(self, dy: Any) -> Any:
        dy = dy.copy() if self.copied else dy
        return self.layer.backward(dy) if self.training else self.layer._base_layer.backward(dy)


class Parts(Layer):
    """A layer of several inputs, which are parts of x along its last axis."""

    count, as_list = 2, True

    def pass_through(self, x: Any) -> Any:
        return self.answer(x)

    def answer(self, x: Any) -> Any:
        parts = np.split(x, self.count, axis=-1)
        return self.layer.forward(parts) if self.as_list else self.layer.forward(*parts)

    def slopes(self, dy: Any) -> Any:
        return np.concatenate(self.layer.backward(dy), axis=-1)


class Attention(Parts):
    """Queries, keys and values; where `mended`, its softmax is flushed with it."""

    count, as_list = 3, False

    def __init__(self, mended: bool):
        super().__init__(layers.DotProductAttention)
        self.mended = mended

    def answer(self, x: Any) -> Any:
        if self.mended:
            self.layer.softmax.flush_gradients()
        return super().answer(x)


class Cell(Layer):
    """A recurrent cell over the steps of x (N, n, T); where `mended`, what flushing leaves in its sums is put right."""

    def __init__(self, make: Callable[[], Any], mended: bool):
        super().__init__(make)
        self.mended = mended

    def pass_through(self, x: Any) -> Any:
        return self.layer.forward(x[:, :, 0])

    def answer(self, x: Any) -> Any:
        if self.mended:
            self.layer.derived_variables |= {"dLdA_accumulator": None, "dLdC_accumulator": None}
        steps = [self.layer.forward(x[:, :, t]) for t in range(x.shape[2])]
        return np.dstack([step[0] if isinstance(step, tuple) else step for step in steps])

    def slopes(self, dy: Any) -> Any:
        kept = dict(self.layer.derived_variables)
        found = [self.layer.backward(dy[:, :, t]) for t in reversed(range(dy.shape[2]))]
        self.layer.derived_variables |= kept  # backward counts down, and answers once
        return np.dstack(found[::-1])


class Sequence(Layer):
    """A recurrent layer."""

    def pass_through(self, x: Any) -> Any:
        return self.layer.forward(x)


class Activation:
    """fn, and grad(x) times dy."""

    def __init__(self, make: Callable[[], Any], **claims: Any):
        self.activation = make()
        claiming(self, **claims)

    def forward(self, x: Any) -> Any:
        self.x = x
        return cast(self.activation.fn(x), x)

    def backward(self, dy: Any) -> Any:
        return cast(dy * self.activation.grad(self.x), dy)


class Loss:
    """SquaredError behind the identity, or CrossEntropy behind the softmax; a sum, or over N."""

    def __init__(self, name: str, over_n: bool, **claims: Any):
        self.name, self.over_n = name, over_n
        self.soft = layers.Softmax() if name == "CrossEntropy" else None
        claiming(self, **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.z, self.y, self.t = prediction, prediction, target
        if self.soft is not None:
            self.y = self.soft.forward(prediction, retain_derived=False)
            self.t = np.eye(prediction.shape[1])[target]
        return float(getattr(losses, self.name).loss(self.t, self.y)) / self.divisor

    @property
    def divisor(self) -> int:
        return len(self.z) if self.over_n else 1

    def backward(self) -> Any:
        of = getattr(losses, self.name)
        more = () if self.soft is not None else (self.z, activations.Affine())
        return cast(of.grad(self.t, self.y, *more) / self.divisor, self.z)


class Optimizer:
    """update(w, g, name), which returns the new array, written into w; lr goes where its scheduler keeps it."""

    def __init__(self, make: Callable[[], Any], like: str, **told: str):
        self.optimizer, self.like = make(), like
        claiming(self, **{name: float(self.optimizer.hyperparameters[of]) for name, of in told.items()})

    def step(self, w: Any, g: Any, lr: float) -> None:
        self.optimizer.lr_scheduler.lr = lr
        self.optimizer.step()
        w[...] = self.optimizer.update(w, g, "w")

    @property
    def state(self) -> dict[str, Any]:
        kept = self.optimizer.cache.get("w", {})
        return dict(kept) if isinstance(kept, dict) else {"w": kept}

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self.optimizer.cache = {"w": saved.get("w", saved)} if saved else {}


def minibatches(x: Any, y: Any, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """utils.minibatch, which yields indices."""
    with drawing(state_of(rng)):
        found = list(utils.minibatch(x, batchsize=batch_size, shuffle=True)[0])
    yield from ((x[at], y[at]) for at in found)


class Sparse(Layer):
    """The mask is no parameter."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        super().build(shape, rng)
        self.state = {"W_mask": self.params.pop("W_mask")}


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
    for copied, said in ((False, ""), (True, ", dy copied")):
        dropped = Dropped(lambda: wrappers.Dropout(layers.FullyConnected(3), 0.3), copied)
        yield subject("layer", f"wrappers.Dropout of FullyConnected{said}", dropped, "N n_in -> N n_out")
    for make, said in ((lambda: layers.SparseEvolution(3), ""), (_sparse, ", parameters given")):
        evolving = Sparse(make)
        yield subject("layer", f"layers.SparseEvolution{said}", evolving, "N n_in -> N n_out", input_shape=(4,))
    yield subject("layer", "layers.RBM", Layer(lambda: layers.RBM(3)), "N n_in -> N n_out", input_shape=(4,))


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
    yield subject("schedule", "schedulers.ExponentialScheduler", claiming(lambda t: smooth(t * 1000), like="exponential"))

    def staircase(t: float, *, drop: float = 0.1, every: float = 0.25) -> float:
        return float(stairs(t * 1000))

    yield subject("schedule", "schedulers.ExponentialScheduler, staircase", claiming(staircase, like="step"))
    yield subject("schedule", "schedulers.NoamScheduler", lambda t: noam(1 + t * 999) / noam(200))
