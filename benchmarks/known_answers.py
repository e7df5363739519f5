"""Make fixtures/known/answers.json: values of the textbook's functions from two sources that are independent of nn.

    pip install mpmath onnx && python benchmarks/known_answers.py

mpmath computes each function from its formula with 50 digits, and its slopes from differences at that precision. The
reference evaluator of the onnx package computes the same in float64 from the standard's own operators, and its
slopes from central differences. If values differ by more than 10⁻⁶, or slopes by more than 10⁻⁴ (the evaluator's erf is
float32), nothing is written. The stored values are those of mpmath.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import onnx
from known_functions import LABELS, LAYERS, LOSSES, ONE_HOT, POINTS, SLOPES, TARGETS
from known_optimizers import GRADIENTS, LR, OPTIMIZERS, START
from known_sources import Rows
from mpmath import mpf

FOLDER = Path(__file__).parents[1] / "fixtures" / "known"
APART, APART_SLOPES = 1e-6, 1e-4


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
    return sum(mpf(s) * v for row, dy in zip(y, SLOPES, strict=True) for v, s in zip(row, dy, strict=True))


def compared(what: str, first: Any, second: Any) -> Any:
    """The first value in float64. Raises SystemExit if the second differs."""
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
