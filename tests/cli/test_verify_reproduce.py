"""nn verify --reproduce writes a script that shows a wrong gradient by itself."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
UNITS = """import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.mean(axis=0)
        return dy @ self.W.T


class Columns:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in)
        self.b = np.zeros((n_out, 1))

    def forward(self, x):
        self.x = x
        return self.W @ x + self.b

    def backward(self, dy):
        dW = dy @ self.x.T
        db = dy.sum(axis=1, keepdims=True)
        return -self.W.T @ dy, dW, db


def tanh(x):
    return np.tanh(x)


def tanh_prime(x):
    return 1 - np.tanh(x)


def mse(y, t):
    return np.mean((y - t) ** 2)


def mse_prime(y, t):
    return (y - t) / y.size


def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout / 2, dout.sum(axis=0)
"""
REGISTERED = """import numpy as np

from nnlaw import layer, obeys


@layer("mine")
@obeys("N n_in -> N n_out")
class Mine:
    def __init__(self, units: int):
        self.n_out = units

    def build(self, shape, rng):
        self.params = {"W": rng.normal(0, 1, (shape[0], self.n_out))}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"]

    def backward(self, dy):
        self.grads["W"] = -self.x.T @ dy
        return dy @ self.params["W"].T
"""


@pytest.mark.parametrize(
    ("source", "name", "entry"),
    [
        (UNITS, "Dense", "db["), (UNITS, "Columns", "dx["), (UNITS, "tanh", "dx["), (UNITS, "mse_prime", "dx["),
        (UNITS, "affine_forward", "dw["), (REGISTERED, "Mine", "dW["),
    ],
)  # fmt: skip
def test_the_script_fails_with_the_numbers(source: str, name: str, entry: str, workplace: Path, nn: Any) -> None:
    """It imports NumPy and the file alone, and passes once the two numbers agree."""
    Path("net.py").write_text(source)
    code, _, err = nn("verify", f"net.py::{name}", "--reproduce", "show.py")
    assert code == 1 and "show.py shows d" in err
    text = Path("show.py").read_text()
    imports = set(re.findall(r"^(?:import|from) (\w+)", text, re.M))
    assert "nnlaw" not in text and imports == {"sys", "importlib", "numpy"}
    result = subprocess.run([sys.executable, "show.py"], capture_output=True, text=True)
    assert result.returncode == 1 and f"AssertionError: {entry}" in result.stderr
    shown = re.search(r"\] = (\S+), finite differences give (\S+)", result.stdout)
    assert shown is not None and shown[1] != shown[2]


def test_the_script_passes_once_the_code_is_correct(workplace: Path, nn: Any) -> None:
    """Here after --fix."""
    Path("net.py").write_text(UNITS)
    assert nn("verify", "net.py::Dense", "--reproduce", "show.py", "--fix")[0] == 0
    assert subprocess.run([sys.executable, "show.py"], capture_output=True).returncode == 0


def test_no_file_is_overwritten(workplace: Path, nn: Any) -> None:
    """Exit code 2; nothing is written if no law fails."""
    Path("net.py").write_text(UNITS.replace("mean(axis=0)", "sum(axis=0)"))
    code, _, err = nn("verify", "net.py::Dense", "--reproduce", "net.py")
    assert code == 2 and "net.py exists" in err and "class Dense" in Path("net.py").read_text()
    code, _, err = nn("verify", "net.py::Dense", "--reproduce", "show.py")
    assert code == 0 and "no law fails" in err and not Path("show.py").exists()
