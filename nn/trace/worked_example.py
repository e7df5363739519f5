"""A small network to compute by hand: layers, loss, input, target, and weights.

    layers = "dense:2 relu dense:1"          a TOML file; fixtures/textbook.toml is one
    loss = "binary_cross_entropy"
    x = [[1, 2]]                             one row per sample
    y = [[1]]                                one row per sample, or class numbers for softmax_cross_entropy
    [weights]
    "0:dense.W" = [[0.1, 0.3], [0.2, 0.4]]   samples are rows: x @ W
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import nnlaw.nn.builtin  # noqa: F401  # registers the built-in layers and losses
from nnlaw.nn.core.regular_file import read_toml
from nnlaw.nn.core.rng import stream
from nnlaw.nn.network import Network
from nnlaw.nn.trace.trace import Trace, trace
from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.locations import fixtures
from nnlaw.spec.violation import BadInput, counted

REQUIRED = {"layers", "loss", "x", "y"}
OPTIONAL = {"init", "weights", "by_hand"}


def textbook_file() -> Path:
    """The file of the textbook network, in the checkout or in the installed package."""
    return fixtures() / "textbook.toml"


@dataclass(frozen=True)
class WorkedExample:
    """A network, an input and a target. Weights that are not given are random, rounded to two decimals."""

    layers: str
    loss: str
    x: Any
    y: Any
    init: str = "he"
    weights: dict[str, Any] = field(default_factory=dict)
    by_hand: dict[str, Any] = field(default_factory=dict)

    def trace(self, seed: int = 0) -> Trace:
        """Build the network and trace it. Raises BadInput if the parts do not fit together."""
        x = _array("x", self.x)
        if x.ndim != 2 or not x.size:
            raise BadInput(f"x has shape {x.shape}, expected rows of samples such as [[1, 2]]")
        rng = stream(np.random.SeedSequence(seed), "init")
        network = in_float64(Network(x.shape[1], 0, rng, layers=self.layers, loss=self.loss, init=self.init))
        for name, array in network.params.items():
            network.params[name] = np.round(array, 2)
        for name, value in self.weights.items():
            array = _array(name, value)
            if name not in network.params:
                raise BadInput(f"weights: no {name!r} in this network; choose from {', '.join(network.params)}")
            if array.shape != network.params[name].shape:
                raise BadInput(f"weights: {name} has shape {array.shape}, expected {network.params[name].shape}")
            network.params[name] = array
        return trace(network, x, _target(network, _array("y", self.y), len(x)))


def _target(network: Network, y: Array, count: int) -> Array:
    """The target for the loss: class numbers (N,), or rows like the output."""
    if getattr(network.loss, "targets", "labels") == "labels":
        classes = y.reshape(-1)
        if classes.shape != (count,) or not np.isin(classes, np.arange(network.n_out)).all():
            expected = f"a class number from 0 to {network.n_out - 1} for each of {counted(count, 'row')}"
            raise BadInput(f"y = {y.tolist()}, expected {expected}")
        return classes.astype(np.int64)
    if y.size != count * network.n_out:
        expected = f"{counted(count, 'row')} of {network.n_out}, one number per output"
        raise BadInput(f"y has {counted(y.size, 'number')}, expected {expected}")
    target = y.reshape(count, network.n_out)
    if network.loss.targets == "binary" and ((target < 0) | (target > 1)).any():
        raise BadInput(f"y = {y.tolist()}, expected numbers from 0 to 1, the targets of {network.loss_name}")
    return target


def _array(name: str, value: Any) -> Array:
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"{name} = {value!r}, expected numbers in rows of equal length") from None
    if not np.isfinite(array).all():
        raise BadInput(f"{name} = {value!r}, expected finite numbers")
    return array


def read_worked_example(path: Path) -> WorkedExample:
    """Read a worked example from a TOML file. Raises BadInput that names the file and the error in it."""
    table = read_toml(path)
    unknown, missing = sorted(set(table) - REQUIRED - OPTIONAL), sorted(REQUIRED - set(table))
    if unknown or missing:
        problem = f"unknown key {unknown[0]!r}" if unknown else f"no {missing[0]!r}"
        raise BadInput(f"{path}: {problem}, expected layers, loss, x and y; init, [weights] and [by_hand] are optional")
    for name in ("layers", "loss", "init"):
        if not isinstance(table.get(name, ""), str):
            raise BadInput(f"{path}: {name} = {table[name]!r}, expected a string")
    for name in ("weights", "by_hand"):
        if not isinstance(table.get(name, {}), dict):
            raise BadInput(f"{path}: {name} = {table[name]!r}, expected a table such as [{name}]")
    return WorkedExample(**table)


def read_rows(option: str, text: str) -> list[list[float]]:
    """Read `1,2;3,4` as two rows of two numbers. Raises BadInput, naming the option."""
    try:
        return [[float(word) for word in row.split(",")] for row in text.split(";")]
    except ValueError:
        raise BadInput(f"--{option} {text!r}, expected numbers such as 1,2 or, for two samples, 1,2;3,4") from None
