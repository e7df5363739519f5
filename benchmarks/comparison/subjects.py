"""Present units as functions that gradient checkers can be applied to.

    for harness, make in functions(record):             ("layer in training", <makes a function of x, W, b>), ...
        function = make()
        y = function.value(*function.points)
        slopes = function.slopes(dy)                    at the latest value, one for each point

A layer is a function of its input and its parameters, in training and in evaluation mode; a loss is a function of the
prediction; the loss of a model is a function of its parameters. Each is checked at several points: those made by nnlaw;
another batch, on an instance that has already run forward and backward; one sample, or half a batch for a model; and
inputs a thousand times as large, with fixed parameters, because their slopes curve too much to be measured there.
Numbers are float64, or float32 if a checker needs it.

Each function calls one instance repeatedly, as an ordinary test does, with two adjustments. Its random generators are
reset before each call, so dropout uses the same mask. The parameters are moved slightly from their initial values,
because a gain of 1 or a bias of 0 can hide mistakes.
"""

from __future__ import annotations

import copy
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase, ModelCase
from nnlaw.spec.subjects.copies import copy_with_generators
from nnlaw.spec.subjects.object_subject import object_of
from nnlaw.spec.subjects.unit import Unit

Array = NDArray[Any]
KINDS = ("layer", "loss", "model")
LARGE = 1e3  # exp overflows here, in float64 too
Made = Callable[[], "Function"]


def functions(record: Unit, dtype: type = np.float64) -> Iterator[tuple[str, Made]]:
    """Everything that a plugin of one of KINDS can be checked as, each with the name of its harness."""
    for case in cases(record):
        for name, made in _functions(case):
            yield name, partial(made, dtype=dtype)


def _functions(case: Case) -> Iterator[tuple[str, Callable[..., Function]]]:
    if isinstance(case, LayerCase):
        x = case.x
        for mode, training in (("training", True), ("eval", False)):
            made = partial(LayerFunction, case, training)
            yield f"layer in {mode}", partial(made, x)
            yield f"layer in {mode}, another batch", partial(made, case.other_x, before=x)
            if not (training and declared_value(case.layer, "couples_samples")):  # which may refuse a single sample
                yield f"layer in {mode}, one sample", partial(made, x[:1])
            large = inside_domain(case.layer, x * x.dtype.type(LARGE), x)
            yield f"layer in {mode}, large input", partial(made, large, fixed=True)
    elif isinstance(case, LossCase):
        x, target, made = case.prediction, case.target, partial(LossFunction, object_of(case.loss))
        yield "loss", partial(made, x, target)
        yield "loss, another batch", partial(made, x[::-1], target, before=x)
        yield "loss, one sample", partial(made, x[:1], target[:1])
        yield "loss, large input", partial(made, inside_domain(case.loss, x * x.dtype.type(LARGE), x), target)
    elif isinstance(case, ModelCase):
        x, labels, made = case.x, case.labels, partial(ModelFunction, object_of(case.model))
        half = len(x) // 2
        yield "loss of a model", partial(made, x, labels)
        yield "loss of a model, another batch", partial(made, x[::-1], labels, before=x)
        yield "loss of a model, half a batch", partial(made, x[:half], labels[:half])


class Function(ABC):
    """A function of arrays and its gradients as computed by the checked code."""

    points: list[Array]

    def __init__(self, thing: Any, dtype: type) -> None:
        self.dtype = dtype
        self.thing, generators = copy_with_generators(in_float64(thing) if dtype is np.float64 else thing)
        self.rewind = [_rewinder(generator) for generator in generators]

    def value(self, *points: Array) -> Any:
        """The value at these points, with the random generators reset to their initial state."""
        for back in self.rewind:
            back()
        return self.evaluate(*points)

    def once(self, *points: Array) -> None:
        """One forward and backward pass, as an earlier training step."""
        y = np.asarray(self.value(*points))
        self.slopes(np.ones(y.shape, y.dtype))

    def cast(self, array: Array) -> Array:
        """A copy of the array, in this function's precision, except integers."""
        kind = np.asarray(array).dtype.kind
        return np.array(array, self.dtype if kind == "f" else None, order="C")

    def moved(self, params: dict[str, Array]) -> list[Array]:
        """Copies of the parameters plus normal noise with standard deviation 0.1."""
        rng = np.random.default_rng(1)
        return [self.cast(np.array(p) + 0.1 * rng.standard_normal(np.shape(p))) for p in params.values()]

    @abstractmethod
    def evaluate(self, *points: Array) -> Any:
        """The value at these points."""

    @abstractmethod
    def slopes(self, dy: Any) -> tuple[Any, ...]:
        """The gradient with respect to every point at the latest value, times dy."""


class LayerFunction(Function):
    """y as a function of x and the parameters, which are replaced at each call; of x only if `fixed`."""

    def __init__(
        self,
        case: LayerCase,
        training: bool,
        x: Array,
        before: Array | None = None,
        fixed: bool = False,
        *,
        dtype: type = np.float64,
    ) -> None:
        super().__init__(object_of(case.layer), dtype)
        self.thing.training, self.thing.needs_dx = training, True
        self.names = list(self.thing.params)
        params = self.moved(self.thing.params)
        if before is not None:
            self.once(self.cast(before), *params)
        if fixed:
            self.thing.params.update(zip(self.names, params, strict=True))
            self.names, params = [], []
        self.points = [self.cast(x), *params]

    def evaluate(self, *points: Array) -> Any:
        x, *params = points
        self.thing.params.update(zip(self.names, params, strict=True))
        return self.thing.forward(x)

    def slopes(self, dy: Any) -> tuple[Any, ...]:
        dx = self.thing.backward(dy)
        return dx, *(self.thing.grads[name] for name in self.names)


class LossFunction(Function):
    """The loss as a function of the prediction, with a fixed target."""

    def __init__(
        self, loss: Any, prediction: Array, target: Array, before: Array | None = None, *, dtype: type = np.float64
    ) -> None:
        super().__init__(loss, dtype)
        self.points, self.target = [self.cast(prediction)], self.cast(target)
        if before is not None:
            self.once(self.cast(before))

    def evaluate(self, *points: Array) -> Any:
        return self.thing.forward(*points, self.target)

    def slopes(self, dy: Any) -> tuple[Any, ...]:
        return (dy * self.thing.backward(),)


class ModelFunction(Function):
    """The loss of a whole model as a function of its parameters, with a fixed batch."""

    def __init__(
        self, model: Any, x: Array, labels: Array, before: Array | None = None, *, dtype: type = np.float64
    ) -> None:
        super().__init__(model, dtype)
        self.names = list(self.thing.params)
        self.points, self.labels = self.moved(self.thing.params), labels
        if before is not None:
            self.x = self.cast(before)
            self.once(*self.points)
        self.x = self.cast(x)

    def evaluate(self, *points: Array) -> Any:
        self.thing.params.update(zip(self.names, points, strict=True))
        loss, self.grads = self.thing.loss_and_grads(self.x, self.labels)
        return loss

    def slopes(self, dy: Any) -> tuple[Any, ...]:
        return tuple(dy * self.grads[name] for name in self.names)


def _rewinder(generator: Any) -> Callable[[], None]:
    """A function that resets a generator to its current state."""
    if isinstance(generator, np.random.Generator):
        state = copy.deepcopy(generator.bit_generator.state)
        return lambda: setattr(generator.bit_generator, "state", state)
    if isinstance(generator, random.Random):
        state = generator.getstate()
        return lambda: generator.setstate(state)
    legacy = generator.get_state()
    return lambda: generator.set_state(legacy)
