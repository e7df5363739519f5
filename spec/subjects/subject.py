"""What a law sees of the code under test: a subject.

    layer.forward(x), layer.backward(dy)        calls, by the names of the protocol of its kind
    layer.params["W"]                           parameters, gradients and state, by name; assign to replace one
    layer.training = False                      modes
    layer.copy()                                a deep copy, with its random generators
    layer.attribute("rate")                     a number, text or array among its attributes, or what it declares
    layer.sweep("forward", [x], changes)        many calls, each with one array changed

An ObjectSubject wraps an object in this process, a RemoteSubject one in another process. No law touches the
object itself, so the same law checks both.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.attributed import Attributed
from nnlaw.spec.contracts.obeys import Declaration
from nnlaw.spec.violation import Location, Violation

Point = tuple[int, float] | tuple[None, Array]
"""A change of an array: the flat index of an entry and its new value, or None and all new entries."""

Target = int | tuple[str, str]
"""The array to change: the position of an argument, or a holder such as "params" and the name of its entry."""

Change = tuple[Target, Point]


@dataclass(frozen=True)
class Opaque:
    """A value that is not data: only its type and a short text are known."""

    type_name: str
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Setting:
    """One argument of a constructor or a function."""

    name: str
    required: bool
    default: Any = None
    annotation: str = ""
    kind: str = "positional"  # "positional", "keyword", "var_positional" or "var_keyword"


@dataclass(frozen=True)
class SourceFunction:
    """A function of the code under test that has a source: its place, the names it uses, and whether it is a method.

    `defaults` are not part of it: a changed function keeps those of the original.
    """

    name: str
    path: str
    line: int
    names: tuple[str, ...]
    of_class: bool
    text: str = field(repr=False)
    """The whole file."""
    of_value: bool = False
    """Whether it belongs to the value alone, and not to the function that computes its gradient."""


@dataclass(frozen=True)
class Run:
    """What calls of a copy return, in order, its parameters before them, and its gradients after them."""

    results: list[Any]
    params: dict[str, Array]
    grads: dict[str, Array]
    is_random: list[bool]
    """Whether each call uses random numbers of a generator inside the copy."""


class Subject(Attributed):
    """One class, instance or function of the code under test."""

    # what it is and declares

    @property
    @abstractmethod
    def form(self) -> str:
        """"class", "function" or "instance"."""

    @abstractmethod
    def attribute(self, name: str, default: Any = None, *, of_class: bool = False) -> Any:
        """An attribute, as data; a function as a Subject; anything else as Opaque. `of_class` ignores the instance."""

    @abstractmethod
    def attributes(self, *, own: bool = False) -> dict[str, Any]:
        """The attributes of its classes and of the instance, as data, without dunder names; `own`: of the instance."""

    @abstractmethod
    def has(self, method: str) -> bool:
        """Whether it has a callable attribute of this name."""

    @abstractmethod
    def settings(self) -> tuple[Setting, ...]:
        """The arguments of its constructor or, for a function, its own."""

    @property
    @abstractmethod
    def declaration(self) -> Declaration | None:
        """What @obeys declares above it."""

    @abstractmethod
    def location(self, method: str = "", unit: str = "") -> Location:
        """Where one of its methods is defined or, without `method`, the class or function itself."""

    # calls

    @abstractmethod
    def call(self, method: str, *args: Any, **settings: Any) -> Any:
        """Call a method; "" calls the subject itself. An exception of the code under test is raised as it is."""

    @abstractmethod
    def take(self, count: int, *args: Any, **settings: Any) -> tuple[list[Any], bool]:
        """Call a generator function: its first `count` items, and whether there are more."""

    @abstractmethod
    def sweep(
        self,
        method: str,
        args: Sequence[Any],
        changes: Sequence[Change],
        *,
        fresh: bool,
        item: int | None = None,
    ) -> list[Any]:
        """The result of one call per change, or its `item`. Each array is restored after its call.

        With `fresh`, every call is made on a new copy.
        """

    def sweep_started(
        self, method: str, args: Sequence[Any], changes: Sequence[Change], *, fresh: bool, item: int | None = None
    ) -> Callable[[], list[Any]]:
        """What sweep() does; another process may begin it now. The function returns the results."""
        return partial(self.sweep, method, args, changes, fresh=fresh, item=item)

    @abstractmethod
    def run(
        self,
        calls: Sequence[tuple[str, Sequence[Any]]],
        *,
        variant: Subject | None = None,
        params: Mapping[str, Array] | None = None,
    ) -> Run:
        """Make these calls, with copies of the arguments, on a new copy with other parameters."""

    def started(
        self,
        calls: Sequence[tuple[str, Sequence[Any]]],
        *,
        variant: Subject | None = None,
        params: Mapping[str, Array] | None = None,
    ) -> Callable[[], Run]:
        """What run() does; another process may begin it now. The function returns the result."""
        return partial(self.run, calls, variant=variant, params=params)

    @abstractmethod
    def steps(self, w: Array, gradients: Sequence[Array], lr: float) -> list[Array]:
        """Take one step of an optimizer per gradient, from a copy of w: that copy after each step."""

    @abstractmethod
    def mapping(self, holder: str) -> MutableMapping[str, Array]:
        """The arrays of an attribute such as `params`, by name; empty if there are none."""

    @abstractmethod
    def set(self, name: str, value: Any) -> None:
        """Set an attribute."""

    # copies

    @abstractmethod
    def copy(
        self, variant: Subject | None = None, *, values: Mapping[str, Any] | None = None, float64: bool = False
    ) -> Subject:
        """A deep copy that accepts new attributes, with some of them set to `values`.

        With `variant`, it is an instance of that class. With `float64`, its params, grads and state are converted:
        float32 is too coarse for finite differences.
        """

    @abstractmethod
    def completed(self) -> Subject:
        """A copy of a layer that has every part of the protocol: params, grads, state, training, needs_dx and build."""

    @abstractmethod
    def to_float32(self) -> None:
        """Convert its params and state to float32, and give every parameter a gradient array."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Subject:
        return self.copy()

    @abstractmethod
    def create(self, settings: Mapping[str, Any], args: Sequence[Any] = ()) -> Subject:
        """A new instance of its class."""

    @abstractmethod
    def variant(self, changed: Sequence[ast.FunctionDef], tracer: Subject | None = None) -> Subject:
        """A subclass of its class in which these functions are replaced; of a function, another function.

        The sources may use `tracer` under the name of Tracer.NAME.
        """

    @abstractmethod
    def limited(self, seconds: float) -> AbstractContextManager[None]:
        """Raise TimeoutError if the block takes longer, in seconds of CPU time of this process.

        In another process every call of a variant has a limit of its own.
        """

    @property
    @abstractmethod
    def can_be_limited(self) -> bool:
        """Whether calls of variants can be stopped: in this process, only in the main thread."""

    @abstractmethod
    def cpu_time(self) -> float:
        """Seconds of CPU time that its own process has used; 0 if it is this one."""

    @abstractmethod
    def silenced(self) -> AbstractContextManager[None]:
        """Suppress what the code under test prints and warns of in this process."""

    @abstractmethod
    def tracer(self) -> Subject:
        """A new tracer of expressions, for variants."""

    @abstractmethod
    def functions(self) -> list[SourceFunction]:
        """Its methods and the functions of its file that these use, as far as they have a source."""

    # randomness

    @abstractmethod
    def generator_states(self) -> list[Any]:
        """The states of the random generators inside it, comparable with ==."""

    @abstractmethod
    def skip_random(self, count: int) -> None:
        """Advance its random generators by so many numbers."""

    @abstractmethod
    def seed_globals(self, seed: int | None) -> None:
        """Start the global generators of NumPy and Python from a seed; None restores what they were before."""

    @abstractmethod
    def global_numbers(self) -> tuple[float, ...]:
        """The next numbers of the global generators."""

    @abstractmethod
    def watch_generators(self, on: bool) -> list[Any]:
        """Start or stop recording calls of default_rng with a seed or nothing; the seeds recorded so far."""

    # the protocols of the kinds

    def forward(self, *inputs: Any) -> Any:
        """y = f(x), or the loss of a prediction and a target."""
        return self.call("forward", *inputs)

    def backward(self, *inputs: Any) -> Any:
        """dx for dy, or the gradient of a loss."""
        return self.call("backward", *inputs)

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        """The loss of a model on a batch, and the gradient of each parameter. Raises Violation (law `shape`)."""
        found = self.call("loss_and_grads", x, labels)
        is_pair = isinstance(found, tuple | list) and len(found) == 2
        is_number = is_pair and isinstance(found[0], int | float | np.number | np.ndarray) and np.size(found[0]) == 1
        if not is_number or not isinstance(found[1], Mapping):
            raise Violation(
                "shape",
                location=self.location("loss_and_grads", self.type_name),
                array="the result",
                actual=f"of type {_kinds(found)}",
                expected="a tuple of the loss, a number, and the gradients, a dict by parameter name",
            )
        loss, grads = found
        return loss, grads

    def predict(self, x: Array) -> Array:
        """The probabilities of a model, (N, C)."""
        found: Array = self.call("predict", x)
        return found

    def step(self, w: Array, g: Array, lr: float) -> Any:
        """One step of an optimizer, which changes w in place."""
        return self.call("step", w, g, lr)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return self.call("", *args, **settings)

    @property
    def training(self) -> bool:
        """Whether it is in training mode."""
        return bool(self.attribute("training", True))

    @training.setter
    def training(self, training: bool) -> None:
        self.set("training", training)

    def gradients(self, dy: Array) -> dict[str, Array]:
        """What backward(dy) returns as "dx", and the gradients of the parameters, by name, as arrays of their own."""
        dx = np.array(self.backward(dy))
        return {"dx": dx} | {f"d{name}": np.array(g) for name, g in self.grads.items()}

    @property
    def params(self) -> MutableMapping[str, Array]:
        """The parameters by name."""
        return self.mapping("params")

    @property
    def grads(self) -> MutableMapping[str, Array]:
        """The gradients of the parameters by name."""
        return self.mapping("grads")

    @property
    def state(self) -> MutableMapping[str, Array]:
        """Other arrays that are saved, such as running statistics."""
        return self.mapping("state")


def _kinds(found: Any) -> str:
    """The type of a result, with those of its items if it is a tuple or a list."""
    name = found.type_name if isinstance(found, Opaque) else type(found).__name__
    return f"{name} ({', '.join(map(_kinds, found))})" if isinstance(found, tuple | list) else name
