"""The term that backward drops is found, and nothing if no term accounts for the gradient."""

from pathlib import Path as File
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec import LayerCase, Violation, conformance, obeys
from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.fixes.dropped_terms import WRONG_MODE, DroppedTerm, dropped_term
from nnlaw.spec.subjects.cases import Case

HEAD = """
import numpy as np

from nn import Layer, layer, loss, model
from spec import obeys


def sigmoid(z):
    return 1 / (1 + np.exp(-z))

"""
LAYER = '''
@layer("mine")
@obeys("N n -> N n")
class Mine(Layer):
    couples_samples = {couples}

    def build(self, shape, rng):
        self.params = {{"W": rng.normal(0, 0.5, (shape[0], shape[0]))}}

    def forward(self, x):
        W = self.params["W"]
        {forward}

    def backward(self, dy):
        W = self.params["W"]
        {backward}
'''


def layer(forward: str, backward: str, *, couples: bool = False) -> str:
    """A layer with one square matrix."""
    bodies = {name: text.replace("; ", "\n        ") for name, text in (("forward", forward), ("backward", backward))}
    return HEAD + LAYER.format(couples=couples, **bodies)


def case_of(source: str, folder: File) -> Case:
    """The first case of the class in `source`."""
    (folder / "mine.py").write_text(source, encoding="utf-8")
    (record,) = units_in_file(folder / "mine.py")
    return cases(record, 0)[0]


def found_in(case: Case, parameter: str = "") -> DroppedTerm:
    """What is found for a wrong gradient of the input, or of a parameter."""
    return dropped_term(case, Violation("gradient", actual="1", expected="2", parameter=parameter))


DENSE = "self.x = x; self.h = sigmoid(x @ W); "
BACK = "dz = {}; self.grads['W'] = self.x.T @ dz; "
RIGHT = BACK.format("dy * self.h * (1 - self.h)") + "return dz @ W.T"


@pytest.mark.parametrize(
    ("forward", "backward", "parameter", "code", "words"),
    [
        (DENSE + "return x + self.h", RIGHT, "", "dropped-term", "`x` in `return x + self.h`"),
        (DENSE + "return x * self.h", BACK.format("dy * self.x * self.h * (1 - self.h)") + "return dz @ W.T", "",
         "dropped-term", "`x` in `return x * self.h`"),
        (DENSE + "return self.h @ W", BACK.format("dy @ W.T * self.h * (1 - self.h)") + "return dz @ W.T", "W",
         "dropped-term", "`W` in `return self.h @ W`"),
        (DENSE + "return np.tanh(self.h)", RIGHT, "", "missing-derivative", "the derivative of `np.tanh(self.h)`"),
        (DENSE + "return x - self.h", RIGHT + " + dy", "", "miscounted-term", "`self.h` (line 23) is counted with the"),
        (DENSE + "return x + self.h", RIGHT + " / 4 + dy", "", "miscounted-term", "counted 0.25 times"),
        (DENSE + "a = self.h.mean(axis=1, keepdims=True); return self.h - a", RIGHT, "", "dropped-term",
         "`a` (line 24) is treated as a constant"),
    ],
)  # fmt: skip
def test_a_dropped_or_miscounted_term(
    forward: str, backward: str, parameter: str, code: str, words: str, tmp_path: File
) -> None:
    """Found by what is constant, what passes unchanged, or how often it counts, however backward is written."""
    found = found_in(case_of(layer(forward, backward), tmp_path), parameter)
    assert found.cause.code == code and words in found.cause.text, found
    assert found.dropped is (code == "dropped-term")


def test_two_statistics_that_are_treated_as_constants(tmp_path: File) -> None:
    """If one of them alone does not account for the gradient."""
    forward = "mean, var = x.mean(axis=0), x.var(axis=0); self.r = 1 / np.sqrt(var + 1e-3); return (x - mean) * self.r"
    source = layer(forward, "self.grads['W'] = 0 * W; return dy * self.r", couples=True)
    found = found_in(case_of(source, tmp_path)).cause
    assert found.code == "dropped-term"
    assert found.text == "two terms are missing: `mean` and `var` are each treated as a constant"


def test_a_backward_that_ignores_the_mode(tmp_path: File) -> None:
    """It is right in training mode and wrong in evaluation mode."""
    forward = "self.x = x; return 2 * x if self.training else 3 * x"
    case = case_of(layer(forward, "self.grads['W'] = 0 * W; return 2 * dy"), tmp_path)
    assert found_in(case) == DroppedTerm(WRONG_MODE, True)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (DENSE + "return x + self.h", RIGHT + " + dy"),
        (DENSE + "return x + self.h", RIGHT + " * 0.7 + dy * self.h"),
        (DENSE + "return x + self.h", "raise KeyError"),
    ],
    ids=["right", "two mistakes", "fails"],
)
def test_no_cause_if_no_term_accounts_for_the_gradient(forward: str, backward: str, tmp_path: File) -> None:
    """A correct gradient, one that is wrong in two ways, and a backward that raises."""
    case = case_of(layer(forward, backward), tmp_path)
    assert found_in(case) == found_in(case, "V") == DroppedTerm()


def test_code_without_a_source_gets_no_cause() -> None:
    """Its expressions are unknown."""
    space: dict[str, Any] = {"np": np}
    exec("class Mine:\n  def forward(self, x): return x + np.tanh(x)\n  def backward(self, dy): return dy", space)
    case = LayerCase("mine", obeys("N n -> N n")(space["Mine"])(), np.random.default_rng(0).standard_normal((5, 4)))
    assert found_in(case) == DroppedTerm()


MODEL = '''
@model("mine")
class Mine:
    def __init__(self, n_in, n_out, rng):
        self.params = {"W": rng.normal(0, 0.1, (n_in, n_out)).astype(np.float32)}

    def predict(self, x):
        z = x @ self.params["W"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x, labels):
        p, rows = self.predict(x), np.arange(len(x))
        loss = -float(np.log(p[rows, labels]).mean())
        loss += 0.1 * float((self.params["W"] ** 4).sum())
        p[rows, labels] -= 1
        return loss, {"W": x.T @ p / len(x)}
'''
LOSS = '''
@loss("mine")
class Mine:
    targets = "real"

    def forward(self, prediction, target):
        self.d = prediction - target
        self.w = 1 + self.d**2
        return float((self.w * self.d**2).sum()) / len(prediction)

    def backward(self):
        return 2 * self.w * self.d / len(self.d)
'''


@pytest.mark.parametrize(
    ("source", "parameter", "words"),
    [(MODEL, "W", "float((self.params['W'] ** 4).sum())"), (LOSS, "", "`self.w` (line 18)")],
    ids=["model", "loss"],
)
def test_models_and_losses_have_terms_too(source: str, parameter: str, words: str, tmp_path: File) -> None:
    """A term of the loss that has no gradient, and a weight that is treated as a constant."""
    found = found_in(case_of(HEAD + source, tmp_path), parameter).cause
    assert found.code == "dropped-term" and words in found.text, found


def test_the_dropped_term_is_the_likely_cause(tmp_path: File) -> None:
    """Of the violation that is explained."""
    case_of(HEAD + LOSS, tmp_path)
    (unit,) = units_in_file(tmp_path / "mine.py")
    found = conformance(unit, explain=True).violations[0]
    assert (found.law, found.cause_code) == ("gradient", "dropped-term") and "`self.w`" in found.cause


@pytest.mark.parametrize("backward", ["return 'x'", "return None", "return dy[0]", "self.grads = {}; return dy"])
def test_a_result_that_is_not_a_gradient_has_no_cause(backward: str, tmp_path: File) -> None:
    """Of another type or shape, or missing: the law reports that."""
    assert found_in(case_of(layer(DENSE + "return self.h", backward), tmp_path)) == DroppedTerm()


def test_a_bug_in_the_search_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    """Only exceptions of the code under test are caught."""
    monkeypatch.setattr("nnlaw.spec.fixes.dropped_terms.traced", None)
    case = case_of(layer(DENSE + "return x + self.h", RIGHT), tmp_path)
    with pytest.raises(TypeError):
        found_in(case)
