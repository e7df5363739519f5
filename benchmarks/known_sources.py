"""The two sources of known values, independent of nn: mpmath with 50 digits, and onnx's reference evaluator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
from mpmath import exp, log, mpf, sqrt
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

Rows = list[list[Any]]
mpmath.mp.dps = 50

# ---------------------------------------------------------------------------------------- the first source: mpmath


def elementwise(f: Callable[[Any], Any]) -> Callable[[Rows], Rows]:
    """A function of each number, on all of them."""
    return lambda x: [[f(v) for v in row] for row in x]


def sigmoid(v: Any) -> Any:
    return 1 / (1 + exp(-v))


def softplus(v: Any) -> Any:
    return log(1 + exp(v))


def log_softmax(x: Rows) -> Rows:
    return [[v - log(sum(exp(u) for u in row)) for v in row] for row in x]


def normalized(row: Sequence[Any], eps: float, centered: bool = True) -> list[Any]:
    mean = sum(row) / len(row) if centered else mpf(0)
    variance = sum((v - mean) ** 2 for v in row) / len(row)
    return [(v - mean) / sqrt(variance + mpf(eps)) for v in row]


def columns(x: Rows) -> Rows:
    return [list(column) for column in zip(*x, strict=True)]


def scaled(x: Rows, gain: Sequence[float], shift: Sequence[float]) -> Rows:
    return [[mpf(g) * v + mpf(s) for v, g, s in zip(row, gain, shift, strict=True)] for row in x]


# ------------------------------------------------------------------------------------- the second source: onnx


def evaluated(
    op: str, feeds: dict[str, Any], *, outputs: int = 1, domain: str = "", version: int = 23, **attributes: Any
) -> list[Any]:
    """The outputs of the reference evaluator for one operator."""
    names = [f"out{i}" for i in range(outputs)]
    node = helper.make_node(op, list(feeds), names, domain=domain, **attributes)
    infos = [[helper.make_tensor_value_info(n, TensorProto.DOUBLE, None) for n in of] for of in (feeds, names)]
    opsets = [helper.make_opsetid("", version)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    model = helper.make_model(helper.make_graph([node], "one", *infos), opset_imports=opsets)
    return [np.asarray(found) for found in ReferenceEvaluator(model).run(None, feeds)]


def operator(op: str, constants: dict[str, Any] | None = None, **settings: Any) -> Callable[[Any], Any]:
    """An operator with x as its only input."""
    arrays = {name: np.array(value, float) for name, value in (constants or {}).items()}
    return lambda x: evaluated(op, {"x": x, **arrays}, **settings)[0]


def chain(*steps: tuple[str, Any]) -> Callable[[Any], Any]:
    """Operators one after the other; each may take a second input besides."""

    def composed(x: Any) -> Any:
        for op, second in steps:
            x = evaluated(op, {"x": x} if second is None else {"x": x, "second": np.array(second, float)})[0]
        return x

    return composed
