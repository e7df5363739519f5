"""Finds an input that a layer takes: its contract says which, and where the contract leaves it open, trying does."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import interval
from nnlaw.spec.contracts.shapes import Contract, resolve
from nnlaw.spec.discovery.unit import Unit, construct, path_of
from nnlaw.spec.subjects.cases import Case, LayerCase, copied, opened
from nnlaw.spec.subjects.sampling import draw
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.violation import BadInput, Location, Violation

N = 5  # at least 4, as couples_samples wants, and unlike every other size
SIZES = ((4, 6, 8, 10), (6, 8, 4, 10), (8, 12, 16, 4), (9, 6, 12, 15), (16, 9, 25, 4), (7, 11, 13, 9), (2, 4, 6, 8),
         (1, 2, 3, 4))
"""What open dimensions are tried as: even, divisible by 3, powers of 2, odd, squares, ..., never 5 and never alike."""


def layer_cases(record: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    """A case for each number of axes that the layer takes. Raises BadInput, or Violation where it can't be built."""
    made = construct(record, settings)
    contract = _contract(record)
    path = path_of(record, settings)
    found: list[_Attempt] = []
    first: _Attempt | None = None
    groups = [[tuple(shape)]] if shape is not None else _shapes(contract, made)
    for group in groups:
        if found and group and not group[0]:
            break  # without any further axis only where nothing else is taken
        for candidate in group:
            attempt = _Attempt(record, copied(made)[0], candidate, seed)
            first = first or attempt
            if attempt.error is None:
                found.append(attempt)
                break
    return [
        LayerCase(path, attempt.layer, attempt.x, record.contract, seed=seed, name=record.name, make=attempt.make)
        for attempt in found or [_blamed(record, path, first, shape)]
    ]


def _contract(record: Unit) -> Contract:
    declaration = record.declaration
    if declaration is None:
        raise BadInput(f'{record.label}: put @obeys("N n_in -> N n_out") above its class, or pass contract=')
    contract = declaration.contract
    if len(contract.inputs) != 1 or len(contract.outputs) != 1:
        raise BadInput(f'{record.label}: the contract "{contract.text}" takes or gives several arrays, a layer one')
    before, after = contract.inputs[0][:1], contract.outputs[0][:1]
    if before != after:
        raise BadInput(
            f'{record.label}: the contract "{contract.text}" calls the batch {" ".join(before)} before and '
            f'{" ".join(after)} after, which lets a layer return any number of samples'
        )
    return contract


def _shapes(contract: Contract, layer: Any) -> Iterator[list[tuple[int, ...]]]:
    """Shapes without N, grouped by number of axes, the likelier first."""
    side, known = contract.inputs[0], resolve(contract, layer)
    for axes in (("_k",), ("_k", "_l"), ()) if "..." in side else ((),):
        at = side.index("...") if "..." in side else 0
        names = (*side[:at], *axes, *side[at + 1 :]) if "..." in side else side
        group = []
        for sizes in SIZES:
            free = iter(sizes * 3)
            bound = dict(known)
            for name in names[1:]:
                if not name.isdigit() and name not in bound:
                    bound[name] = next(free)
            group.append(tuple(int(name) if name.isdigit() else bound[name] for name in names[1:]))
        yield list(dict.fromkeys(group))


class _Attempt:
    """One try: build for `shape`, then forward in both modes on a copy. What went wrong is at `error`."""

    def __init__(self, record: Unit, layer: Any, shape: tuple[int, ...], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.layer, self.shape, self.stage = layer, shape, "build"
        self.error: Exception | None = None
        self.make: Callable[[np.random.Generator], Any] | None = None
        self.x: Array = draw(rng, (N, *shape), None)
        try:
            bare = copy.deepcopy(layer)
            built = not inspect.isclass(record.thing) and bool(getattr(layer, "params", None))
            layer = self.layer = complete(layer)
            if not built:
                layer.build(shape, rng)
                self.make = partial(_built, bare, shape)
            in_float32(layer)
            self.stage = "claims"
            self.x = draw(rng, (N, *shape), interval(layer))
            self.stage = "copy"
            copy.deepcopy(layer)
            self.stage = "forward"
            for training in (True, False):
                probe = copy.deepcopy(layer)
                probe.training = training
                with np.errstate(all="ignore"):
                    probe.forward(self.x.copy())
        except Exception as error:
            self.error = error


def _built(bare: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Another such layer, from this generator."""
    layer = complete(copy.deepcopy(bare))
    layer.build(shape, rng)
    in_float32(layer)
    return layer


def _blamed(record: Unit, path: str, first: _Attempt | None, shape: Any) -> _Attempt:
    """What it means that no shape was taken: a question to the author, a broken build, or a case for law `shape`."""
    assert first is not None and first.error is not None
    error, said = first.error, f"{type(first.error).__name__}: {first.error}"
    if first.stage == "claims" and isinstance(error, BadInput):
        raise error
    if first.stage == "copy":
        raise BadInput(f"{record.label}: it can't be copied, as every probe must: {error}") from error
    if isinstance(error, IndexError) and "integer" in str(error):
        raise BadInput(f"{record.label}: it takes integers as input, which is not supported: {error}") from error
    if first.stage == "build":
        if isinstance(error, ValueError) and shape is None:
            raise BadInput(
                f"{record.label}: build refused every input shape that was tried, such as {first.shape}: {error}; "
                'say what it takes by examples = [{"input_shape": (...)}] in the class'
            ) from error
        raise Violation(
            "shape",
            location=Location.of(getattr(type(first.layer), "build", None), path),
            array="the call",
            actual=f"ended by {said}",
            expected=f"parameters for an input of shape {first.shape}",
            cause=cause_of(error),
        ) from error
    return first


def complete(layer: Any) -> Any:
    """The layer, with what a class without base lacks of the protocol: params, grads, state, training, needs_dx, build.

    Where it has __slots__ and so no room for them, another object with room is returned in its place.
    """
    layer = opened(layer)
    for name in ("params", "grads", "state"):
        if getattr(layer, name, None) is None:
            setattr(layer, name, {})
    for name in ("training", "needs_dx"):
        if not hasattr(layer, name):
            setattr(layer, name, True)
    if not hasattr(layer, "build"):
        layer.build = _nothing_to_build
    return layer


def _nothing_to_build(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    pass


def in_float32(layer: Any) -> None:
    """Float32 to train, whatever `build` made; a gradient array for every parameter."""
    for holder in (layer.params, layer.state):
        for name, array in holder.items():
            holder[name] = np.array(array, np.float32)
    for name, array in layer.params.items():
        layer.grads[name] = np.zeros_like(array)
