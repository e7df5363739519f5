"""DeZero 0.0.13: functions, layers, losses, optimizers and its MLP under our laws.

Its gradients come from a graph, so that backward is a sweep from the last output, with dy as its gradient; the graph is
built anew at each call. Whether it trains is one global setting, which the adapters set. It draws from NumPy's global
generator, which they set too. Optimizers keep their state under the id of a parameter, under which they find it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import dezero
import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from as_dezero import Layer, Loss, Network, Norm, Optimizer, Scaled, applied, loaded
from dezero import Variable, functions
from shared import BINARY, Subject, checked, initializer, subject

from spec import check_backward


def subjects() -> list[Subject]:
    """Everything that is judged."""
    return [*_functions(), *_layers(), *_losses(), *_others()]


def _functions() -> Iterator[Subject]:
    f, anything, rows = functions, "N ... -> N ...", "N n -> N n"
    for name, claims in (("sin", {}), ("cos", {}), ("exp", {"domain": (-50.0, 50.0)}), ("log", {"domain": (0.01, 1e4)}),
                         ("tanh", {"like": "tanh"}), ("sigmoid", {"like": "sigmoid"}), ("relu", {"like": "relu"}),
                         ("leaky_relu", {"like": "leaky_relu"})):  # fmt: skip
        yield subject("layer", f"functions.{name}", applied(getattr(f, name), **claims), anything)
    yield subject("layer", "functions.softmax", applied(f.softmax, like="softmax"), rows)
    yield subject("layer", "functions.log_softmax", applied(f.log_softmax, like="log_softmax"), rows)
    yield subject("layer", "functions.dropout", applied(f.dropout, like="dropout"), rows)
    yield subject("layer", "functions.flatten", applied(f.flatten, like="flatten"), "N ... -> N m", input_shape=(2, 3))
    yield subject("layer", "functions.clip", applied(partial(f.clip, x_min=-0.5, x_max=0.7)), rows)
    yield subject("layer", "functions.transpose", applied(partial(f.transpose, axes=(0, 2, 1))), "N a b -> N b a")
    yield subject("layer", "functions.get_item", applied(lambda x: x[:, [2, 0, 0]]), "N a -> N b", input_shape=(4,))
    for said, arrow, how in (
        ("one axis", "N a b -> N b", {"axis": 1}), ("two axes", "N a b -> N", {"axis": (1, 2)}),
        ("two axes, keepdims", "N a b -> N c d", {"axis": (1, 2), "keepdims": True}),
    ):  # fmt: skip
        yield subject("layer", f"functions.sum, {said}", applied(partial(f.sum, **how)), arrow)
    for name in ("max", "min"):
        most = applied(partial(getattr(f, name), axis=1))
        yield subject("layer", f"functions.{name}, one axis", most, "N a b -> N b")
    image, arrow = {"input_shape": (2, 6, 7)}, "N C H W -> N F P Q"
    for name in ("pooling", "average_pooling"):
        for kernel, stride, pad in ((2, 2, 0), (3, 2, 1), ((2, 3), 1, 0)):
            pool = partial(getattr(f, name), kernel_size=kernel, stride=stride, pad=pad)
            said = f"kernel {kernel}, stride {stride}, pad {pad}"
            yield subject("layer", f"functions.{name}, {said}", applied(pool), arrow, **image)


def _layers() -> Iterator[Subject]:
    of, image, arrow = dezero.layers, {"input_shape": (2, 5, 6)}, "N C H W -> N F P Q"
    yield subject("layer", "layers.Linear", Layer(lambda: of.Linear(3), like="dense"), "N n_in -> N n_out")
    for name in ("Conv2d", "Deconv2d"):
        for kernel, stride, pad in ((3, 1, 0), ((2, 3), 2, 1)):
            make = partial(getattr(of, name), 3, kernel, stride, pad)
            said = f"kernel {kernel}, stride {stride}, pad {pad}"
            yield subject("layer", f"layers.{name}, {said}", Layer(make), arrow, **image)
    norm = {"like": "batchnorm", "couples_samples": True}
    yield subject("layer", "layers.BatchNorm", Layer(of.BatchNorm, **norm), "N n -> N n")
    yield subject("layer", "layers.BatchNorm, gradient in test mode supplied", Norm(of.BatchNorm, **norm), "N n -> N n")
    for said, make in (
        ("RNN", lambda: of.RNN(2)), ("RNN, in_size given", lambda: of.RNN(2, in_size=3)),
        ("LSTM", lambda: of.LSTM(2)), ("LSTM, in_size given", lambda: of.LSTM(2, in_size=3)),
    ):  # fmt: skip
        yield subject("layer", f"layers.{said}", Layer(make, _through_time), "N T n_in -> N n_out", input_shape=(4, 3))
    W = np.random.default_rng(0).standard_normal((5, 3))
    yield checked("functions.embed_id", lambda: check_backward(_embedded, _embedded_back, W))


def _through_time(layer: Any, x: Variable) -> Variable:
    layer.reset_state()
    for t in range(x.shape[1]):
        y = layer(x[:, t])
    return y


IDS = np.array([0, 2, 2, 4])


def _embedded(W: Any) -> Any:
    return functions.embed_id(IDS, Variable(W)).data, W


def _embedded_back(dout: Any, cache: Any) -> Any:
    W = Variable(cache)
    y = functions.embed_id(IDS, W)
    y.grad = Variable(dout)
    y.backward()
    return W.grad.data


def _losses() -> Iterator[Subject]:
    f, logits = functions, {"domain": "logits"}
    soft = {"targets": "labels", "like": "softmax_cross_entropy"} | logits
    yield subject("loss", "functions.softmax_cross_entropy", Loss(f.softmax_cross_entropy, **soft))
    yield subject("loss", "functions.mean_squared_error", Loss(f.mean_squared_error, targets="real", like="mse"))
    binary = {"targets": "binary", "like": "binary_cross_entropy"}
    yield subject("loss", "functions.sigmoid_cross_entropy", Loss(f.sigmoid_cross_entropy, **binary | logits))
    yield subject("loss", "functions.binary_cross_entropy", Loss(f.binary_cross_entropy, **binary, domain=BINARY))


def _others() -> Iterator[Subject]:
    of = dezero.optimizers
    for name, kind, like, memory, told in (
        ("SGD", Optimizer, "sgd", (), ()), ("MomentumSGD", Optimizer, "momentum", ("vs",), ("momentum",)),
        ("AdaGrad", Optimizer, "adagrad", ("hs",), ("eps",)),
        ("AdaDelta", Scaled, "adadelta", ("msg", "msdx"), ("rho", "eps")),
        ("Adam", Optimizer, "adam", ("ms", "vs"), ("beta1", "beta2", "eps")),
    ):  # fmt: skip
        yield subject("optimizer", f"optimizers.{name}", kind(getattr(of, name), like, memory, *told))
    hooked = Optimizer(lambda: _hooked(of.WeightDecay(0.1)), "sgd")
    hooked.weight_decay = 0.1
    yield subject("optimizer", "optimizers.SGD with WeightDecay", hooked)
    yield subject("optimizer", "optimizers.SGD with ClipGrad", Optimizer(lambda: _hooked(of.ClipGrad(1.0)), None))

    def lecun(shape: tuple[int, int]) -> Any:
        return dezero.layers.Linear(shape[1], in_size=shape[0]).W.data

    yield subject("initializer", "layers.Linear, _init_W", initializer(lecun, like="lecun"))
    yield subject("model", "models.MLP", Network)
    yield subject("batches", "DataLoader", loaded)


def _hooked(hook: Any) -> Any:
    optimizer = dezero.optimizers.SGD()
    optimizer.add_hook(hook)
    return optimizer
