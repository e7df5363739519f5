"""Find an input that a layer accepts: from its contract, and by trying sizes that the contract leaves open."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.contracts.shapes import Contract, resolve
from nnlaw.spec.subjects.cases import Case, LayerCase
from nnlaw.spec.subjects.sampling import sample
from nnlaw.spec.subjects.settings import construct, display_name
from nnlaw.spec.subjects.subject import Opaque, Subject
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.violation import BadInput, Violation

N = 5  # at least 4, for couples_samples, and different from every other size
SIZES = ((4, 6, 8, 10), (6, 8, 4, 10), (8, 12, 16, 4), (9, 6, 12, 15), (16, 9, 25, 4), (7, 11, 13, 9), (2, 4, 6, 8),
         (1, 2, 3, 4))
"""Sizes to try for open dimensions: even, divisible by 3, powers of 2, odd, squares, ...; never 5, never equal."""


def layer_cases(unit: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    """A case for each number of axes that the layer accepts. Raises BadInput, or Violation if `build` fails."""
    instance = construct(unit, settings)
    contract = _contract(unit)
    path = display_name(unit, settings)
    found: list[_Attempt] = []
    first: _Attempt | None = None
    given = [value for value in settings.values() if type(value) is int and value > 0]
    groups = [[tuple(shape)]] if shape is not None else _shapes(contract, instance, given)
    for group in groups:
        if found and group and not group[0]:
            break  # inputs of shape (N,) only if nothing else is accepted
        for candidate in group:
            attempt = _Attempt(unit, instance.copy(), candidate, seed)
            first = first or attempt
            if attempt.error is None:
                found.append(attempt)
                break
    return [
        LayerCase(path, attempt.layer, attempt.x, unit.contract, seed=seed, name=unit.name, make=attempt.make)
        for attempt in found or [_failed_attempt(unit, path, first, shape)]
    ]


def _contract(unit: Unit) -> Contract:
    declaration = unit.declaration
    if declaration is None:
        raise BadInput(f'{unit.label}: put @obeys("N n_in -> N n_out") above its class, or pass contract=')
    contract = declaration.contract
    if len(contract.inputs) != 1 or len(contract.outputs) != 1:
        raise BadInput(f'{unit.label}: the contract "{contract.text}" has several inputs or outputs, a layer has one')
    before, after = contract.inputs[0][:1], contract.outputs[0][:1]
    if before != after:
        raise BadInput(
            f'{unit.label}: the contract "{contract.text}" names the batch {" ".join(before)} in the input and '
            f'{" ".join(after)} in the output, so a layer could return any number of samples'
        )
    return contract


def _shapes(contract: Contract, layer: Subject, given: list[int]) -> Iterator[list[tuple[int, ...]]]:
    """Shapes without N, grouped by number of axes, the most likely first; `given` are sizes among the settings."""
    side, known = contract.inputs[0], resolve(contract, layer)
    for axes in (("_k",), ("_k", "_l"), ()) if "..." in side else ((),):
        at = side.index("...") if "..." in side else 0
        names = (*side[:at], *axes, *side[at + 1 :]) if "..." in side else side
        group = []
        for sizes in (*SIZES, *((size, 6, 8, 10) for size in given)):
            free = itertools.cycle(sizes)
            bound = dict(known)
            for name in names[1:]:
                if not name.isdigit() and name not in bound:
                    bound[name] = next(free)
            group.append(tuple(int(name) if name.isdigit() else bound[name] for name in names[1:]))
        yield list(dict.fromkeys(group))


class _Attempt:
    """One attempt: build for `shape`, then forward in both modes on a copy. `error` is the exception, if any.

    `step` is the step that raised it: build, domain, copy or forward.
    """

    def __init__(self, unit: Unit, layer: Subject, shape: tuple[int, ...], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.layer, self.shape, self.step = layer, shape, "build"
        self.error: Exception | None = None
        self.make: Callable[[np.random.Generator], Any] | None = None
        self.x: Array = sample(rng, (N, *shape), None)
        try:
            unbuilt = layer.copy()
            built = unit.subject.form != "class" and bool(layer.params)
            layer = self.layer = layer.completed()
            if not built:
                layer.call("build", shape, rng)
                self.make = partial(_build, unbuilt, shape)
            self.step = "domain"
            _check_holders(unit, layer)
            layer.to_float32()
            self.x = sample(rng, (N, *shape), domain_of(layer))
            self.step = "copy"
            layer.copy()
            self.step = "forward"
            for training in (True, False):
                probe = layer.copy()
                probe.training = training
                with np.errstate(all="ignore"):
                    probe.forward(self.x.copy())
        except Exception as error:
            self.error = error


def _check_holders(unit: Unit, layer: Subject) -> None:
    """Raise BadInput if the parameters or gradients are a list, whose arrays have no names."""
    for holder in ("params", "grads"):
        found = layer.attribute(holder)
        kind = found.type_name if isinstance(found, Opaque) else type(found).__name__
        if kind in ("list", "tuple") and (isinstance(found, Opaque) or len(found)):
            raise BadInput(
                f"{unit.label}: {holder} is a {kind}, expected a dict of arrays by name, such as "
                '{"W": W, "b": b}; without the decorator nn verify also takes lists'
            )


def _build(unbuilt: Subject, shape: tuple[int, ...], rng: np.random.Generator) -> Subject:
    """Another such layer, built from this generator."""
    layer = unbuilt.completed()
    layer.call("build", shape, rng)
    layer.to_float32()
    return layer


def _failed_attempt(unit: Unit, path: str, first: _Attempt | None, shape: Any) -> _Attempt:
    """The first attempt, whose forward raised, for law `shape` to report.

    Raises BadInput or Violation if the layer could not be built, copied or given an input.
    """
    assert first is not None and first.error is not None
    error = first.error
    if first.step == "domain" and isinstance(error, BadInput):
        raise error
    if first.step == "copy":
        raise BadInput(f"{unit.label}: can't copy it, which every check does: {error}") from error
    if isinstance(error, IndexError) and "integer" in str(error):
        raise BadInput(f"{unit.label}: takes integers as input, which is not supported: {error}") from error
    if first.step == "build":
        if isinstance(error, ValueError) and shape is None:
            raise BadInput(
                f"{unit.label}: build raised ValueError for every input shape that was tried, such as {first.shape}: "
                f'{error}; set examples = [{{"input_shape": (...)}}] in the class'
            ) from error
        raise Violation(
            "shape",
            location=first.layer.location("build", path),
            actual=f"{type(error).__name__}: {error}",
            expected=f"parameters for an input of shape {first.shape}",
            cause=cause_of(error),
            cause_code="exception",
        ) from error
    return first
