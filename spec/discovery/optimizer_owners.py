"""What an optimizer gets in place of parameters, layers and networks: objects with arrays and their gradients.

    owner = Owner(arrays, gradients)           a layer with its arrays under all usual names
    owner = LayerOwner(layer, places, slopes)     a layer of the project
    owner.load(arrays, gradients)
    given(owner, "layers")                     as an argument of that name: a list of one layer
    owner.changed(arrays)                      the arrays after the step
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.slots import Slot

SPELLINGS = (
    ("weights", "dweights", "biases", "dbiases"), ("W", "dW", "b", "db"), ("w", "dw", "bias", "dbias"),
    ("weight", "grad_weight", "bias_", "grad_bias"), ("weights_", "grad_weights", "biases_", "grad_biases"),
)  # fmt: skip


class Record(dict[str, Any]):
    """One array with its gradient, as a dict and as an object, under all usual names; the code changes one of them."""

    def __init__(self, array: Array, gradient: Array) -> None:
        super().__init__()
        self.load(array, gradient)

    def load(self, array: Array, gradient: Array) -> None:
        """Put in the array of the next step."""
        for name in RECORD_ARRAYS:
            self[name] = array.copy()
            setattr(self, name, array.copy())
        for name in RECORD_GRADIENTS:
            self[name] = gradient.copy()
            setattr(self, name, gradient.copy().view(WithData))
        self.requires_grad, self.shape = True, array.shape

    def changed(self, array: Array) -> Array:
        """The array that the code has changed; the same array if it has changed nothing."""
        kept = [*(self[name] for name in RECORD_ARRAYS), *(getattr(self, name) for name in RECORD_ARRAYS)]
        return next((np.asarray(one) for one in kept if not np.array_equal(one, array)), array)

    __hash__ = object.__hash__  # type: ignore[assignment]  # optimizers keep their state in dicts by parameter


class WithData(np.ndarray):
    """A gradient whose `data`, as that of a tensor, is an array."""

    @property
    def data(self) -> Any:
        """The array."""
        return self.view(np.ndarray)


RECORD_ARRAYS = ("data", "value", "val", "param", "params", "w", "weight", "x")
RECORD_GRADIENTS = ("grad", "grads", "gradient", "g", "dw", "d")
W_SIZE = 4  # of the six weights of a check; the others are a bias
NAMES = ("W1", "b1", "W2", "b2")  # in dicts, where the six weights are four arrays
SHAPES = ((1, 2), (1, 1), (1, 2), (1, 1))


def four_arrays(w: Array) -> list[Array]:
    """The six weights of a check as four arrays."""
    parts = np.split(w.astype(np.float64), np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1])
    return [part.reshape(shape).copy() for part, shape in zip(parts, SHAPES, strict=True)]


OWNER_FORMS = ("owner", "owner with dicts")
GIVEN_FORMS = ("owner with pairs", "owner of weights")
"""Forms of a layer whose gradients are arguments: one for the weights and the bias, or the weights alone."""


class Owner:
    """A layer or a network with the arrays under all usual names; the code changes one spelling.

    Its methods, such as get_params(), return lists or, with `as_dicts`, dicts.
    """

    def __init__(self, arrays: list[Array], gradients: list[Array], as_dicts: bool = False) -> None:
        self._as_dicts = as_dicts
        for row in SPELLINGS:
            for name, value in zip(row, (arrays[0], gradients[0], arrays[1], gradients[1]), strict=True):
                setattr(self, name, value.copy())
        self.params = {"W": arrays[0].copy(), "b": arrays[1].copy()}
        self.grads = {"W": gradients[0].copy(), "b": gradients[1].copy(), "dW": gradients[0].copy()}
        self.grads["db"] = gradients[1].copy()
        self.trainable = True

    def get_params(self) -> Any:
        """The arrays themselves, to be changed in place."""
        return self.params if self._as_dicts else list(self.params.values())

    def get_grads(self) -> Any:
        """Their gradients, in the same order or below the same keys."""
        grads = {key: self.grads[key] for key in self.params}
        return grads if self._as_dicts else list(grads.values())

    def params_and_grads(self) -> Iterator[tuple[Array, Array]]:
        """Each array with its gradient."""
        return ((array, self.grads[key]) for key, array in self.params.items())

    def set_params(self, params: Any) -> None:
        """Put in other arrays."""
        self.params = dict(params) if isinstance(params, dict) else dict(zip(self.params, params, strict=True))

    parameters = get_parameters = get_weights = trainable_params = get_params
    gradients = get_gradients = get_grads
    set_parameters = set_weights = set_params
    parameters_and_gradients = params_and_grads

    @property
    def layers(self) -> list[Owner]:
        """A network with one layer."""
        return [self]

    def given_gradients(self, gradients: list[Array], form: str) -> Any:
        """The gradients as an argument of a step."""
        if form == "owner with dicts":
            return Named(W=gradients[0], b=gradients[1])
        return tuple(gradients) if form == "owner with pairs" else gradients[0]

    def load(self, arrays: list[Array], gradients: list[Array]) -> None:
        """Put in the arrays of the next step; what the optimizer added stays."""
        other = Owner(arrays, gradients, self._as_dicts)
        for name, value in vars(other).items():
            setattr(self, name, value)

    def changed(self, arrays: list[Array]) -> list[Array]:
        """The arrays in the spelling that the code has changed; the same arrays if it has changed nothing."""
        found = []
        for i, (key, array) in enumerate(zip("Wb", arrays, strict=True)):
            kept = [self.params[key], *(getattr(self, row[2 * i]) for row in SPELLINGS)]
            found.append(next((np.asarray(one) for one in kept if not np.array_equal(one, array)), array))
        return found


class Arrays(dict[str, Array]):
    """Arrays by name, kept in an attribute or returned by a method of that name."""

    def __call__(self) -> Arrays:
        """Themselves."""
        return self


class ArrayList(list[Array]):
    """Arrays in their order, kept in an attribute or returned by a method of that name."""

    def __call__(self) -> ArrayList:
        """Themselves."""
        return self


DICT_FORMS = ("network dict", "network d-dict")
NETWORK_FORMS = (*DICT_FORMS, "network list", "network pairs", "network named", "network kinds")
"""Forms of a network of two layers and of its gradients: dicts, below W1 or dW1, lists of all arrays, a pair or a dict
for each layer, a list for each kind of array.
"""


class NetworkOwner:
    """A network of two layers with its arrays and gradients under all usual names; the code changes one spelling."""

    def __init__(self, arrays: list[Array], gradients: list[Array], form: str) -> None:
        self._form = form
        self.layers = [Owner(arrays[:2], gradients[:2]), Owner(arrays[2:], gradients[2:])]
        self.load(arrays, gradients)

    def load(self, arrays: list[Array], gradients: list[Array]) -> None:
        """Put in the arrays of the next step."""
        for layer, first in zip(self.layers, (0, 2), strict=True):
            layer.load(arrays[first : first + 2], gradients[first : first + 2])
        for name, array, gradient in zip(NAMES, arrays, gradients, strict=True):
            setattr(self, name, array.copy())
            setattr(self, f"d{name}", gradient.copy())
        many = self._form not in DICT_FORMS
        self.params: Any
        self.parameters: Any
        self.params, self.parameters = (
            ArrayList(_copies(arrays)) if many else Arrays(named(NAMES, _copies(arrays))) for _ in range(2)
        )
        self.grads = self.gradients = self.param_grads = self.given_gradients(gradients)
        self.weights: Any = ArrayList(_copies(arrays[::2])) if many else Arrays(named(NAMES, _copies(arrays)))
        self.biases = ArrayList(_copies(arrays[1::2]))

    def given_gradients(self, gradients: list[Array], *, of_biases: bool = False) -> Any:
        """The gradients as an argument of a step."""
        gradients = _copies(gradients)
        if self._form in DICT_FORMS:
            return Arrays(named(NAMES, gradients, "d" if self._form == "network d-dict" else ""))
        if self._form == "network pairs":
            return list(zip(gradients[::2], gradients[1::2], strict=True))
        if self._form == "network named":
            return [Named(W=w, b=b) for w, b in zip(gradients[::2], gradients[1::2], strict=True)]
        return ArrayList(gradients[of_biases::2] if self._form == "network kinds" else gradients)

    def changed(self, arrays: list[Array]) -> list[Array]:
        """The arrays in the spelling that the code has changed; the same arrays if it has changed nothing."""
        layers = [one for i, layer in enumerate(self.layers) for one in layer.changed(arrays[2 * i : 2 * i + 2])]
        by_kind = [] if self._form in DICT_FORMS else [
            one for pair in zip(self.weights, self.biases, strict=True) for one in pair
        ]  # fmt: skip
        found = []
        for i, (name, array) in enumerate(zip(NAMES, arrays, strict=True)):
            key: Any = name if self._form in DICT_FORMS else i
            kept = [getattr(self, name), layers[i], self.params[key], self.parameters[key]]
            kept.append(self.weights[key] if self._form in DICT_FORMS else by_kind[i])
            found.append(next((np.asarray(one) for one in kept if not np.array_equal(one, array)), array))
        return found


class Named(Arrays):
    """Gradients below W and b, which are found under all usual names."""

    def __missing__(self, key: str) -> Array:
        """The gradient of the weights or of the bias."""
        if key.startswith("_") or key not in self:
            raise KeyError(key)
        return self["b" if re.search("b(ias(es)?)?_?$", key.rstrip("0123456789"), re.I) else "W"]

    def __contains__(self, key: object) -> bool:
        return any(key in row for row in SPELLINGS)

    def get(self, key: str, default: Any = None) -> Any:
        """The gradient, or the default if the name is another one."""
        try:
            return self[key]
        except KeyError:
            return default


def _copies(arrays: list[Array]) -> list[Array]:
    return [array.copy() for array in arrays]


def named(names: tuple[str, ...], arrays: list[Array], prefix: str = "") -> dict[str, Array]:
    """Arrays below their names."""
    return {f"{prefix}{name}": array for name, array in zip(names, arrays, strict=True)}


class LayerOwner:
    """A layer of the project, by the places of its weights and its bias, and those of their gradients."""

    def __init__(self, layer: Any, places: tuple[tuple[Slot, ...], ...], slopes: tuple[Slot, ...]) -> None:
        self.layer, self._places, self._slopes = layer, places, slopes
        self._axes = [np.ndim(slots[0].get(layer)) for slots in places]

    def load(self, arrays: list[Array], gradients: list[Array]) -> None:
        """Put in the arrays of the next step; a bias gets as many axes as it had."""
        for slots, slope, axes, array, gradient in zip(
            self._places, self._slopes, self._axes, arrays, gradients, strict=True
        ):
            shape = array.shape if array.ndim == axes else (1,) * (axes - 1) + array.shape
            slope.set(self.layer, gradient.reshape(shape).copy())
            for slot in slots:
                slot.set(self.layer, array.reshape(shape).copy())

    def changed(self, arrays: list[Array]) -> list[Array]:
        """The arrays after a step."""
        return [
            np.asarray(slots[0].get(self.layer)).reshape(array.shape)
            for slots, array in zip(self._places, arrays, strict=True)
        ]


class OfOneLayer:
    """A network of one layer, whose list of layers has any usual name."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return [self._layer] if LISTS.match(name) else getattr(self._layer, name)


LISTS = re.compile(r"^(layers?|modules|blocks|stack|graph|trainable_layers|hidden_layers)$", re.I)
NETWORKS = re.compile(r"^(network|net|model|nn)$", re.I)


def given(owner: Owner | NetworkOwner | LayerOwner, name: str) -> Any:
    """An owner as an argument of this name: a layer, a list of one, or a network of one."""
    thing = owner.layer if isinstance(owner, LayerOwner) else owner
    if name.lower() in ("layers", "modules"):
        return thing.layers if isinstance(thing, NetworkOwner) else [thing]
    return OfOneLayer(thing) if NETWORKS.match(name) and isinstance(owner, LayerOwner) else thing
