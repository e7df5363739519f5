"""Makes fixtures/known/answers.json: what the textbook's functions answer, from two sources that know nothing of nn.

    pip install mpmath onnx && python benchmarks/known_answers.py

mpmath computes each function from its formula with 50 digits, and its slopes from differences at that precision. The
reference evaluator of the onnx package computes the same in float64 from the standard's own operators, and its
slopes from central differences. Where the answers are further apart than 10⁻⁶, or the slopes than 10⁻⁴ (the evaluator
has an erf of float32), nothing is written. What is stored is mpmath's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import onnx
from mpmath import exp, log, mpf, sqrt, tanh
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

FOLDER = Path(__file__).parents[1] / "fixtures" / "known"
APART, APART_SLOPES = 1e-6, 1e-4
TRAINING = "ai.onnx.preview.training"
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


SCALE, ALPHA = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
GAIN, SHIFT = (1.5, 0.5, -2.0), (0.25, -0.75, 0.0)
MEAN, VARIANCE = (0.5, -0.25, 1.0), (1.5, 0.75, 2.0)


# ------------------------------------------------------------------------------------- the second source: onnx


def evaluated(
    op: str, feeds: dict[str, Any], *, outputs: int = 1, domain: str = "", version: int = 23, **attributes: Any
) -> list[Any]:
    """What the reference evaluator answers for one operator."""
    names = [f"out{i}" for i in range(outputs)]
    node = helper.make_node(op, list(feeds), names, domain=domain, **attributes)
    told = [[helper.make_tensor_value_info(n, TensorProto.DOUBLE, None) for n in of] for of in (feeds, names)]
    opsets = [helper.make_opsetid("", version)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    model = helper.make_model(helper.make_graph([node], "one", *told), opset_imports=opsets)
    return [np.asarray(found) for found in ReferenceEvaluator(model).run(None, feeds)]


def operator(op: str, constants: dict[str, Any] | None = None, **settings: Any) -> Callable[[Any], Any]:
    """An operator of x alone."""
    arrays = {name: np.array(value, float) for name, value in (constants or {}).items()}
    return lambda x: evaluated(op, {"x": x, **arrays}, **settings)[0]


def chain(*steps: tuple[str, Any]) -> Callable[[Any], Any]:
    """Operators one after the other; each may take a second input besides."""

    def answer(x: Any) -> Any:
        for op, second in steps:
            x = evaluated(op, {"x": x} if second is None else {"x": x, "second": np.array(second, float)})[0]
        return x

    return answer


# ------------------------------------------------------------------------------------------------ what is asked

POINTS = [[-3.0, -0.5, 0.25], [0.75, 1.25, 4.0], [-1.5, 2.0, -0.125], [0.5, -2.5, 1.125]]
SLOPES = [[0.5, -1.0, 2.0], [-0.75, 1.5, 0.25], [1.0, -0.5, -1.25], [2.0, 0.125, -0.25]]
LABELS = [2, 0, 1, 0]
TARGETS = [[-2.5, 0.5, 0.0], [1.0, 1.0, 3.0], [-1.0, 1.5, 0.5], [0.25, -2.0, 1.5]]
ONE_HOT = [[float(c == label) for c in range(3)] for label in LABELS]

Layer = tuple[str, str, dict[str, Any], Callable[[Rows], Rows], Callable[[Any], Any]]

NORM = {"gain": list(GAIN), "shift": list(SHIFT)}
RUNNING = {"mean": list(MEAN), "variance": list(VARIANCE)}
LAYERS: list[Layer] = [
    ("relu", "max(x, 0)", {}, elementwise(lambda v: max(v, mpf(0))), operator("Relu")),
    ("leaky_relu", "x or a·x", {"slope": 0.125}, elementwise(lambda v: v if v > 0 else v / 8),
     operator("LeakyRelu", alpha=0.125)),
    ("elu", "x or eˣ − 1", {}, elementwise(lambda v: v if v > 0 else exp(v) - 1), operator("Elu", alpha=1.0)),
    ("selu", "1.0507·(x or 1.6733·(eˣ − 1))", {},
     elementwise(lambda v: SCALE * (v if v > 0 else ALPHA * (exp(v) - 1))), operator("Selu")),
    ("gelu", "x·Φ(x)", {"variant": "exact"},
     elementwise(lambda v: v * (1 + mpmath.erf(v / sqrt(mpf(2)))) / 2), operator("Gelu")),
    ("gelu", "x/2·(1 + tanh(√(2/π)(x + 0.044715x³)))", {"variant": "tanh"},
     elementwise(lambda v: v / 2 * (1 + tanh(sqrt(2 / mpmath.pi) * (v + mpf("0.044715") * v**3)))),
     operator("Gelu", approximate="tanh")),
    ("swish", "x·σ(x)", {}, elementwise(lambda v: v * sigmoid(v)), operator("Swish", version=24)),
    ("mish", "x·tanh(log(1 + eˣ))", {}, elementwise(lambda v: v * tanh(softplus(v))), operator("Mish")),
    ("sigmoid", "1/(1 + e⁻ˣ)", {}, elementwise(sigmoid), operator("Sigmoid")),
    ("tanh", "tanh x", {}, elementwise(tanh), operator("Tanh")),
    ("softplus", "log(1 + eˣ)", {}, elementwise(softplus), operator("Softplus")),
    ("softsign", "x/(1 + |x|)", {}, elementwise(lambda v: v / (1 + abs(v))), operator("Softsign")),
    ("hardtanh", "min(max(x, −1), 1)", {}, elementwise(lambda v: min(max(v, mpf(-1)), mpf(1))),
     operator("Clip", {"low": -1, "high": 1})),
    ("relu6", "min(max(x, 0), 6)", {}, elementwise(lambda v: min(max(v, mpf(0)), mpf(6))),
     operator("Clip", {"low": 0, "high": 6})),
    ("softmax", "eˣ/Σeˣ", {}, lambda x: [[exp(v) for v in row] for row in log_softmax(x)], operator("Softmax", axis=1)),
    ("log_softmax", "x − log Σeˣ", {}, log_softmax, operator("LogSoftmax", axis=1)),
    ("layernorm", "gain·(x − μ)/√(v + ε) + shift of each row", {"eps": 1e-5} | NORM,
     lambda x: scaled([normalized(row, 1e-5) for row in x], GAIN, SHIFT),
     operator("LayerNormalization", {"gain": GAIN, "shift": SHIFT}, axis=1, epsilon=1e-5)),
    ("rmsnorm", "gain·x/√(mean x² + ε) of each row", {"eps": 1e-6, "gain": list(GAIN)},
     lambda x: scaled([normalized(row, 1e-6, False) for row in x], GAIN, (0, 0, 0)),
     operator("RMSNormalization", {"gain": GAIN}, axis=1, epsilon=1e-6)),
    ("batchnorm", "gain·(x − μ)/√(v + ε) + shift of each column", {"eps": 1e-5, "training": True} | NORM,
     lambda x: scaled(columns([normalized(column, 1e-5) for column in columns(x)]), GAIN, SHIFT),
     lambda x: evaluated("BatchNormalization", {"x": x, "gain": np.array(GAIN), "shift": np.array(SHIFT),
                                                "mean": np.zeros(3), "variance": np.ones(3)},
                         outputs=3, training_mode=1, epsilon=1e-5)[0]),
    ("batchnorm", "the same with running statistics", {"eps": 1e-5, "training": False} | NORM | RUNNING,
     lambda x: scaled([[(v - mpf(m)) / sqrt(mpf(s) + mpf(1e-5)) for v, m, s in zip(row, MEAN, VARIANCE, strict=True)]
                       for row in x], GAIN, SHIFT),
     operator("BatchNormalization", {"gain": GAIN, "shift": SHIFT, "mean": MEAN, "variance": VARIANCE},
              epsilon=1e-5)),
]  # fmt: skip


def over_samples(cost: Callable[[Any, Any], Any], target: Rows) -> Callable[[Rows], Any]:
    """The mean over the samples of the sum of `cost` over the outputs."""
    return lambda x: sum(
        cost(v, mpf(t)) for row, told in zip(x, target, strict=True) for v, t in zip(row, told, strict=True)
    ) / len(x)  # fmt: skip


def labelled(op: str) -> Callable[[Any], Any]:
    return lambda x: evaluated(op, {"x": x, "labels": np.array(LABELS)}, reduction="mean")[0]


def summed(*steps: tuple[str, Any], factor: float = 1.0) -> Callable[[Any], Any]:
    """A chain, summed over all and divided by the number of samples."""
    return lambda x: factor * evaluated("ReduceSum", {"x": chain(*steps)(x)}, keepdims=0)[0] / len(x)


def binary(x: Any) -> Any:
    """Σ softplus(x) − x·t, over the samples."""
    costs = chain(("Softplus", None))(x) - evaluated("Mul", {"x": x, "t": np.array(ONE_HOT)})[0]
    return evaluated("ReduceSum", {"x": costs}, keepdims=0)[0] / len(x)


LOSSES: list[tuple[str, str, str, Callable[[Rows], Any], Callable[[Any], Any]]] = [
    ("softmax_cross_entropy", "mean of −log softmax(x) at the label", "labels",
     lambda x: -sum(row[c] for row, c in zip(log_softmax(x), LABELS, strict=True)) / len(x),
     labelled("SoftmaxCrossEntropyLoss")),
    ("nll", "mean of −x at the label", "labels",
     lambda x: -sum(row[c] for row, c in zip(x, LABELS, strict=True)) / len(x),
     labelled("NegativeLogLikelihoodLoss")),
    ("binary_cross_entropy", "mean over n of Σ log(1 + eˣ) − x·t", "binary",
     over_samples(lambda v, t: -t * log(sigmoid(v)) - (1 - t) * log(1 - sigmoid(v)), ONE_HOT), binary),
    ("mse", "mean over n of ½ Σ (x − t)²", "real", over_samples(lambda v, t: (v - t) ** 2 / 2, TARGETS),
     summed(("Sub", TARGETS), ("Pow", 2.0), factor=0.5)),
    ("mae", "mean over n of Σ |x − t|", "real", over_samples(lambda v, t: abs(v - t), TARGETS),
     summed(("Sub", TARGETS), ("Abs", None))),
]  # fmt: skip

START = [1.0, -0.5, 2.0]
GRADIENTS = [[0.5, -1.0, 0.25], [-0.25, 2.0, 0.75], [1.5, 0.5, -1.0], [-2.0, 0.125, 0.5], [0.25, -0.75, 1.0]]
LR = 0.125
Step = Callable[[Any, Any, int, dict[str, Any]], Any]


def momentum(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    s["v"] = mpf("0.9") * s.get("v", mpf(0)) + g
    return w - LR * s["v"]


def nesterov(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    s["v"] = mpf("0.9") * s.get("v", mpf(0)) + g
    return w - LR * (g + mpf("0.9") * s["v"])


def adagrad(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    s["s"] = s.get("s", mpf(0)) + g * g
    return w - LR * g / (sqrt(s["s"]) + mpf("1e-8"))


def adam(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    b1, b2 = mpf("0.9"), mpf("0.999")
    s["m"] = b1 * s.get("m", mpf(0)) + (1 - b1) * g
    s["v"] = b2 * s.get("v", mpf(0)) + (1 - b2) * g * g
    return w - LR * s["m"] / (1 - b1**t) / (sqrt(s["v"] / (1 - b2**t)) + mpf("1e-8"))


def trained(op: str, moments: int, **attributes: Any) -> Callable[[], Any]:
    """The weights after each step of an operator of the training domain, whose t counts from 1 here."""

    def walk() -> Any:
        w, kept, path = np.array(START), [np.zeros(3) for _ in range(moments)], []
        for t, g in enumerate(GRADIENTS, 1):
            feeds = {"lr": np.array(LR), "t": np.array(t), "w": w, "g": np.array(g)}
            feeds |= {f"kept{i}": array for i, array in enumerate(kept)}
            w, *kept = evaluated(op, feeds, outputs=1 + moments, domain=TRAINING, **attributes)
            path.append(w)
        return np.array(path)

    return walk


OPTIMIZERS: list[tuple[str, str, dict[str, float], Step, Callable[[], Any]]] = [
    ("sgd", "w − lr·g", {}, lambda w, g, t, s: w - LR * g,
     trained("Momentum", 1, mode="standard", alpha=0.0, beta=1.0, norm_coefficient=0.0)),
    ("momentum", "v = βv + g,  w − lr·v", {"beta": 0.9}, momentum,
     trained("Momentum", 1, mode="standard", alpha=0.9, beta=1.0, norm_coefficient=0.0)),
    ("nesterov", "v = βv + g,  w − lr·(g + βv)", {"beta": 0.9}, nesterov,
     trained("Momentum", 1, mode="nesterov", alpha=0.9, beta=1.0, norm_coefficient=0.0)),
    ("adagrad", "s = s + g²,  w − lr·g/(√s + ε)", {"eps": 1e-8}, adagrad,
     trained("Adagrad", 1, epsilon=1e-8, decay_factor=0.0, norm_coefficient=0.0)),
    ("adam", "w − lr·m̂/(√v̂ + ε)", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, adam,
     trained("Adam", 2, alpha=0.9, beta=0.999, epsilon=1e-8)),
]  # fmt: skip

# ----------------------------------------------------------------------------------------------------- the table


def slopes(f: Callable[[Rows], Any], x: Rows, h: Any) -> Rows:
    """Central differences of a number f at each entry of x, in the arithmetic of x and h."""
    found = [[0] * len(row) for row in x]
    for i, row in enumerate(x):
        for j in range(len(row)):
            up, down = ([[*r] for r in x] for _ in range(2))
            up[i][j], down[i][j] = row[j] + h, row[j] - h
            found[i][j] = (f(up) - f(down)) / (2 * h)
    return found


def exact(rows: Rows) -> Rows:
    return [[mpf(v) for v in row] for row in rows]


def weighed(y: Any) -> Any:
    """Σ dy·y, of which dx is the slope."""
    return sum(mpf(s) * v for row, told in zip(y, SLOPES, strict=True) for v, s in zip(row, told, strict=True))


def compared(what: str, first: Any, second: Any) -> Any:
    """The first answer in float64. Raises SystemExit where the second is another."""
    found = np.vectorize(float)(np.array(first, object)).astype(float)
    apart = float(np.abs(found - np.asarray(second, float)).max())
    print(f"{what:40} apart by {apart:.1e}")
    if not apart <= (APART_SLOPES if what.endswith(" dx") else APART):
        raise SystemExit(f"{what}: mpmath and onnx are {apart:.1e} apart; nothing is written")
    return found.tolist()


def rows() -> list[dict[str, Any]]:
    """Every row of the table, each agreed on by both sources."""
    table: list[dict[str, Any]] = []
    fine, coarse = mpf("1e-20"), 1e-3
    for name, equation, settings, f, g in LAYERS:
        row: dict[str, Any] = {"kind": "layer", "name": name, "equation": equation, "settings": settings, "x": POINTS}
        row["y"] = compared(name, f(exact(POINTS)), g(np.array(POINTS)))
        row["dy"] = SLOPES
        near = slopes(lambda x, g=g: float((g(np.array(x)) * SLOPES).sum()), POINTS, coarse)  # type: ignore[misc]  # a lambda whose default carries the loop variable
        row["dx"] = compared(f"{name} dx", slopes(lambda x, f=f: weighed(f(x)), exact(POINTS), fine), near)  # type: ignore[misc]  # a lambda whose default carries the loop variable
        table.append(row)
    given = {"labels": LABELS, "binary": ONE_HOT, "real": TARGETS}
    for name, equation, targets, f, g in LOSSES:
        row = {"kind": "loss", "name": name, "equation": equation, "x": POINTS, "target": given[targets]}
        row["loss"] = compared(name, f(exact(POINTS)), g(np.array(POINTS)))
        near = slopes(lambda x, g=g: float(g(np.array(x))), POINTS, coarse)  # type: ignore[misc]  # a lambda whose default carries the loop variable
        row["dx"] = compared(f"{name} dx", slopes(f, exact(POINTS), fine), near)
        table.append(row)
    for name, equation, settings, step, walk in OPTIMIZERS:
        path, w, memories = [], [mpf(v) for v in START], [{} for _ in START]  # type: ignore[var-annotated]  # lists that begin empty
        for t, g in enumerate(GRADIENTS, 1):
            w = [step(a, mpf(b), t, s) for a, b, s in zip(w, g, memories, strict=True)]
            path.append(w)
        row = {"kind": "optimizer", "name": name, "equation": equation, "settings": settings, "lr": LR, "w": START}
        table.append(row | {"gradients": GRADIENTS, "path": compared(name, path, walk())})
    return table


def main() -> None:
    """Write the table and its digest."""
    sources = {"mpmath": mpmath.__version__, "onnx": onnx.__version__}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows())
    text = f'{{"sources": {json.dumps(sources)}, "answers": [\n{lines}\n]}}\n'
    (FOLDER / "answers.json").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (FOLDER / "SHA256SUMS").write_text(f"{digest}  answers.json\n")


if __name__ == "__main__":
    main()
