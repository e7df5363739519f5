"""mygrad 2.5.0: the functions, layers, losses and initializers of mygrad.nnet under our laws.

Its gradients come from a graph that one backward pass consumes, so the adapters run forward again for each backward.
It has no optimizers, no modes and no running statistics. Weights have shape (fan_out, fan_in, ...), and the
initializers transpose them. GRU needs numba and is not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import mygrad
import numpy as np
from mygrad import nnet
from mygrad.nnet import initializers
from shared import FRACTIONS, Subject, cast, checked, claiming, initializer, subject

from spec import check_loss


class Layer:
    """A function of x and of arrays by name, which are drawn when it is built."""

    def __init__(self, function: Callable[..., Any], shapes: dict[str, tuple[int, ...]] | None = None, **claims: Any):
        self.function, self.shapes = function, shapes or {}
        claiming(self, **claims)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.params = {name: rng.standard_normal(size) for name, size in self.shapes.items()}

    def tensors(self) -> tuple[Any, dict[str, Any], Any]:
        x = mygrad.tensor(self.x.copy())
        arrays = {name: mygrad.tensor(array.copy()) for name, array in self.params.items()}
        return x, arrays, self.function(x, **arrays)

    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return cast(self.tensors()[2].data, x)

    def backward(self, dy: Any) -> Any:
        x, arrays, y = self.tensors()
        (y * mygrad.tensor(dy.copy(), constant=True)).sum().backward()
        for name, tensor in arrays.items():
            self.grads[name] = cast(tensor.grad, dy)
        return cast(x.grad, dy)


class Loss:
    """A loss function of x and labels."""

    def __init__(self, function: Callable[..., Any], **claims: Any):
        self.function = function
        claiming(self, targets="labels", **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.kept = prediction.copy(), target
        return float(self.function(mygrad.tensor(prediction.copy()), target).item())

    def backward(self) -> Any:
        x = mygrad.tensor(self.kept[0].copy())
        self.function(x, self.kept[1]).backward()
        return cast(x.grad, x.data)


def subjects() -> list[Subject]:
    """Everything that is judged."""
    return [*_activations(), *_layers(), *_losses(), *_initializers()]


def _activations() -> Iterator[Subject]:
    for name, call, like in (
        ("elu", lambda x: nnet.elu(x, 1.0), "elu"), ("hard_tanh", nnet.hard_tanh, "hardtanh"),
        ("leaky_relu", lambda x: nnet.leaky_relu(x, 0.1), "leaky_relu"), ("relu", nnet.relu, "relu"),
        ("selu", nnet.selu, "selu"), ("sigmoid", nnet.sigmoid, "sigmoid"), ("soft_sign", nnet.soft_sign, "softsign"),
        ("tanh", mygrad.tanh, "tanh"),
    ):  # fmt: skip
        yield subject("layer", f"nnet.activations.{name}", Layer(call, like=like), "N ... -> N ...")
    for name, like in (("softmax", "softmax"), ("logsoftmax", "log_softmax")):
        yield subject("layer", f"nnet.activations.{name}", Layer(getattr(nnet, name), like=like), "N n -> N n")
    yield subject("layer", "nnet.activations.glu", Layer(nnet.glu), "N a -> N b", input_shape=(6,))


def _layers() -> Iterator[Subject]:
    affine = {"gamma": (4,), "beta": (4,)}
    norm = partial(nnet.batchnorm, eps=1e-5)
    coupled = {"couples_samples": True, "like": "batchnorm"}
    flat = {"input_shape": (4,)}
    yield subject("layer", "nnet.layers.batchnorm", Layer(norm, affine, **coupled), "N n -> N n", **flat)
    image = Layer(norm, affine, couples_samples=True)
    yield subject("layer", "nnet.layers.batchnorm of images", image, "N C H W -> N C H W", input_shape=(4, 3, 2))
    bare = Layer(norm, **coupled)
    yield subject("layer", "nnet.layers.batchnorm without gamma and beta", bare, "N n -> N n", **flat)
    arrow = "N C H W -> N F P Q"
    for stride, padding, dilation in ((1, 0, 1), (2, 1, 1), ((1, 2), (0, 1), 1), (1, 2, 2)):
        def convolved(x: Any, w: Any, how: Any = (stride, padding, dilation)) -> Any:
            return nnet.conv_nd(x, w, stride=how[0], padding=how[1], dilation=how[2])

        said = f"stride {stride}, padding {padding}, dilation {dilation}"
        layer = Layer(convolved, {"w": (3, 2, 3, 2)})
        yield subject("layer", f"nnet.layers.conv_nd, {said}", layer, arrow, input_shape=(2, 5, 6))
    for pool, stride in (((2, 2), 2), ((3, 2), 1), ((3, 3), (1, 3))):
        layer = Layer(partial(nnet.max_pool, pool=pool, stride=stride))
        shape = {"input_shape": (2, 6, 6)}
        yield subject("layer", f"nnet.layers.max_pool, pool {pool}, stride {stride}", layer, arrow, **shape)


def _losses() -> Iterator[Subject]:
    logits = {"domain": "logits"}
    of = nnet.losses
    soft = Loss(of.softmax_crossentropy, like="softmax_cross_entropy", **logits)
    yield subject("loss", "nnet.losses.softmax_crossentropy", soft)
    yield subject("loss", "nnet.losses.multiclass_hinge", Loss(of.multiclass_hinge, like="hinge"))
    nll = Loss(lambda x, y: of.negative_log_likelihood(nnet.logsoftmax(x), y), like="softmax_cross_entropy", **logits)
    yield subject("loss", "nnet.losses.negative_log_likelihood of logsoftmax", nll)
    for gamma in (0, 0.5, 1, 2):
        focal = Loss(partial(_focal, gamma=gamma), domain=FRACTIONS)
        yield subject("loss", f"nnet.losses.focal_loss, gamma {gamma}", focal)
    focal = Loss(lambda x, y: of.softmax_focal_loss(x, y, gamma=2).mean(), **logits)
    yield subject("loss", "nnet.losses.softmax_focal_loss", focal)
    rng = np.random.default_rng(0)
    pair, y = {"a": rng.normal(size=(5, 3)), "b": rng.normal(size=(5, 3))}, np.array([1, -1, 1, 1, -1])
    yield checked("nnet.losses.margin_ranking_loss", lambda: check_loss(_ranked, pair, y))


def _focal(x: Any, y: Any, gamma: float) -> Any:
    return nnet.losses.focal_loss(x, y, gamma=gamma).mean()


def _ranked(params: Any, y: Any) -> Any:
    a, b = (mygrad.tensor(params[name].copy()) for name in "ab")
    loss = nnet.losses.margin_ranking_loss(a, b, y, 0.5)
    loss.backward()
    return loss.item(), {"a": a.grad, "b": b.grad}


def _initializers() -> Iterator[Subject]:
    of = initializers

    def turned(draw: Callable[..., Any], **how: Any) -> Callable[[tuple[int, int]], Any]:
        return lambda shape: draw(*shape[::-1], **how).data.T

    for name, like, how in (
        ("glorot_normal", "xavier", {}), ("glorot_uniform", "xavier_uniform", {}),
        ("he_normal", "he", {}), ("he_normal", "he", {"gain": np.sqrt(2)}),
        ("he_uniform", "he_uniform", {}), ("he_uniform", "he_uniform", {"gain": np.sqrt(2)}),
    ):  # fmt: skip
        said = ", gain √2" * bool(how)
        thing = initializer(turned(getattr(of, name), **how), like=like)
        yield subject("initializer", f"nnet.initializers.{name}{said}", thing)
    yield subject("initializer", "nnet.initializers.normal", initializer(turned(of.normal), variance=lambda i, o: 1.0))
    uniform = initializer(turned(of.uniform, lower_bound=-1, upper_bound=1), variance=lambda i, o: 1 / 3)
    yield subject("initializer", "nnet.initializers.uniform", uniform)
    for name in ("glorot_normal", "glorot_uniform"):
        filters = initializer(partial(_filters, getattr(of, name)), like="xavier")
        yield subject("initializer", f"nnet.initializers.{name} of filters 2×3", filters)


def _filters(draw: Callable[..., Any], shape: tuple[int, int]) -> Any:
    """Weights (fan_in, fan_out) as filters 2×3, whose fans are 6 times the channels; scaled back by √6."""
    fan_in, fan_out = shape
    drawn = draw(fan_out, fan_in, 2, 3).data[:, :, 0, 0]
    return drawn.T * np.sqrt(6.0)
