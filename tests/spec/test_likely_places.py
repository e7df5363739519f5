"""Causes and fixes of networks and functions that nothing registers: where a mistake can be, and what is changed."""

import ast
from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.load import load
from nnlaw.spec.fixes.likely_places import LikelyPlaces, find_places
from nnlaw.spec.fixes.recompile import VariantBuilder
from nnlaw.spec.violation import Violation

NETWORK = """import numpy as np

SLOPE = 0.3


def relu_slope(z):
    return np.where(z > 0, 1.0, SLOPE)


def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


def init_params(n_in=4, n_hidden=5, n_out=3):
    rng = np.random.default_rng(0)
    return {"W1": rng.normal(size=(n_in, n_hidden)), "b1": rng.normal(size=n_hidden),
            "W2": rng.normal(size=(n_hidden, n_out)), "b2": rng.normal(size=n_out)}


def forward(X, params):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = A1 @ params["W2"] + params["b2"]
    E = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    return P, (Z1, A1, P)


def backward(params, cache, X, Y):
    Z1, A1, P = cache
    d2 = (P - Y) / len(X)
    dW2 = A1.T @ d2
    db2 = d2.sum(axis=0)
    d1 = d2 @ params["W2"].T * tanh_slope(Z1)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""


def unit_in(source: str, name: str, folder: Path) -> Found:
    """The unit of this name in a file with the source."""
    (folder / "code.py").write_text(source, encoding="utf-8")
    loaded = load(folder / "code.py")
    return next(unit for unit in find(loaded.module, list(loaded.names)) if unit.name == name)


def violation_in(source: str, name: str, folder: Path) -> Violation:
    """The first violation of a unit, explained."""
    return conformance(unit_in(source, name, folder), explain=True).violations[0]


def places_in(source: str, folder: Path) -> LikelyPlaces:
    """The places of the network."""
    unit = unit_in(source, "backward", folder)
    case = unit.readings[0].cases(0)[0]
    builder = VariantBuilder.of(case)
    assert builder is not None
    return find_places(builder, case)


def test_a_correct_network_has_no_known_places(tmp_path: Path) -> None:
    """Every place may be changed, because nothing is known."""
    assert places_in(NETWORK, tmp_path) == LikelyPlaces()


def test_only_what_the_wrong_gradients_depend_on_is_tried(tmp_path: Path) -> None:
    """The gradient of b2 alone is wrong: only its own line can be."""
    source = NETWORK.replace("db2 = d2.sum(axis=0)", "db2 = d2.mean(axis=0)")
    likely = places_in(source, tmp_path)
    tree = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "backward")
    assert isinstance(tree, ast.FunctionDef)
    lines = {ast.unparse(each).partition(" = ")[0] for each in tree.body if likely.may_be_at("backward", each)}
    assert "db2" in lines and not lines & {"dW2", "d1", "dW1", "db1"}


@pytest.mark.parametrize(
    ("right", "wrong", "after"),
    [
        ("* tanh_slope(Z1)", "* (1 - A1)", "A1 ** 2"),
        ("* tanh_slope(Z1)", "* relu_slope(Z1)", "tanh_slope(Z1)"),
        ("db2 = d2.sum(axis=0)", "db2 = d2.sum()", "d2.sum(axis=0)"),
    ],
    ids=["a square", "another function", "a sum over too many axes"],
)
def test_a_network_of_functions_gets_the_edit_that_fixes_it(
    right: str, wrong: str, after: str, tmp_path: Path
) -> None:
    """The array that is wrong is named, and a returned number is not its loss."""
    found = violation_in(NETWORK.replace(right, wrong), "backward", tmp_path)
    assert found.suggestion is not None and [edit.after for edit in found.suggestion.edits] == [after]
    assert found.cause


ADAM = """import numpy as np


class Adam:
    def __init__(self, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps, self.t, self.m, self.v = lr, beta1, beta2, eps, 0, None, None

    def update(self, params, grads):
        if self.m is None:
            self.m, self.v = [0 * p for p in params], [0 * p for p in params]
        self.t += 1
        for i, (p, g) in enumerate(zip(params, grads)):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * g
            self.v[i] = self.beta2 * self.v[i] + (1 - self.beta2) * g**2
            m, v = self.m[i] / (1 - self.beta1**self.t), self.v[i] / (1 - self.beta2**self.t)
            p -= self.lr * m / (np.sqrt(v) + self.eps)
"""


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("p -= self.lr", "p += self.lr", "wrong-sign-of-step"),
        ("self.v[i] / (1 - self.beta2**self.t)", "self.v[i] / (1 - self.beta1**self.t)", "wrong-beta-in-correction"),
    ],
    ids=["climbs", "beta"],
)
def test_an_optimizer_is_explained(right: str, wrong: str, code: str, tmp_path: Path) -> None:
    """The steps are exactly those of a usual mistake."""
    found = violation_in(ADAM.replace(right, wrong), "Adam", tmp_path)
    assert found.cause_code == code


@pytest.mark.usefixtures("brief")
def test_a_step_count_that_goes_on_from_array_to_array_is_explained(tmp_path: Path) -> None:
    """t is increased once per array."""
    once, inside = "        self.t += 1\n", "            self.m[i] ="
    source = ADAM.replace(once, "").replace(inside, f"    {once}{inside}")
    assert violation_in(source, "Adam", tmp_path).cause_code == "counts-arrays"


def test_functions_behind_a_metric_are_changed(tmp_path: Path) -> None:
    """A precision that is rounded down."""
    source = """import numpy as np


def precision(y_true, y_pred):
    hits = np.sum((y_true == 1) & (y_pred == 1))
    return hits // max(np.sum(y_pred == 1), 1)
"""
    found = violation_in(source, "precision", tmp_path)
    assert found.cause_code == "floor-division" and found.suggestion is not None
