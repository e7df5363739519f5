"""The path through forward that backward forgets is named, and nothing where none accounts for the gradient."""

from pathlib import Path as File
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec import LayerCase, Violation, conformance, obeys
from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.fixes.dropped_terms import DroppedTerm, dropped_term
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
    """The first case of the plugin in `source`."""
    (folder / "mine.py").write_text(source, encoding="utf-8")
    (record,) = units_in_file(folder / "mine.py")
    return cases(record, 0)[0]


def said_of(case: Case, parameter: str = "") -> DroppedTerm:
    """What is found for a wrong gradient of the input, or of a parameter."""
    return dropped_term(case, Violation("gradient", actual="1", expected="2", parameter=parameter))


DENSE = "self.x = x; self.h = sigmoid(x @ W); "
BACK = "dz = {}; self.grads['W'] = self.x.T @ dz; "
RIGHT = BACK.format("dy * self.h * (1 - self.h)") + "return dz @ W.T"


@pytest.mark.parametrize(
    ("forward", "backward", "array", "words"),
    [
        (DENSE + "return x + self.h", RIGHT, "", "a path that is missing: `x` in `return x + self.h`"),
        (DENSE + "return x * self.h", BACK.format("dy * self.x * self.h * (1 - self.h)") + "return dz @ W.T", "",
         "a path that is missing: `x` in `return x * self.h`"),
        (DENSE + "return self.h @ W", BACK.format("dy @ W.T * self.h * (1 - self.h)") + "return dz @ W.T", "W",
         "a path that is missing: `W` in `return self.h @ W`"),
        (DENSE + "return np.tanh(self.h)", RIGHT, "", "a derivative that is missing: that of `np.tanh(self.h)`"),
        (DENSE + "return x - self.h", RIGHT + " + dy", "", "with the wrong sign: the one through `self.h`"),
        (DENSE + "return x + self.h", RIGHT + " / 4 + dy", "", "(ratio 0.25): the one through `self.h`"),
        (DENSE + "a = self.h.mean(axis=1, keepdims=True); return self.h - a", RIGHT, "", "`a` (line 24) is treated"),
    ],
)  # fmt: skip
def test_a_path_that_is_forgotten_is_named(
    forward: str, backward: str, array: str, words: str, tmp_path: File
) -> None:
    """By what is held still, what passes as it came, or how often it counts; whatever backward looks like."""
    said = said_of(case_of(layer(forward, backward), tmp_path), array).text
    assert words in said, said


def test_two_statistics_that_are_taken_for_constants_are_both_named(tmp_path: File) -> None:
    """Where holding either one alone does not account for the gradient."""
    forward = "mean, var = x.mean(axis=0), x.var(axis=0); self.r = 1 / np.sqrt(var + 1e-3); return (x - mean) * self.r"
    source = layer(forward, "self.grads['W'] = 0 * W; return dy * self.r", couples=True)
    said = said_of(case_of(source, tmp_path)).text
    assert said == "two paths that are missing: `mean` and `var` are each treated as a constant"


def test_a_backward_that_does_not_know_the_mode_is_told(tmp_path: File) -> None:
    """Right in training, and wrong in eval."""
    forward = "self.x = x; return 2 * x if self.training else 3 * x"
    said = said_of(case_of(layer(forward, "self.grads['W'] = 0 * W; return 2 * dy"), tmp_path)).text
    assert said == "a backward that is right in training and wrong in eval, as if forward ran in training"


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (DENSE + "return x + self.h", RIGHT + " + dy"),
        (DENSE + "return x + self.h", RIGHT + " * 0.7 + dy * self.h"),
        (DENSE + "return x + self.h", "raise KeyError"),
    ],
    ids=["right", "two mistakes", "fails"],
)
def test_where_no_path_accounts_for_the_gradient_nothing_is_said(forward: str, backward: str, tmp_path: File) -> None:
    """A right gradient, one that is wrong in two ways, and a backward that fails."""
    case = case_of(layer(forward, backward), tmp_path)
    assert said_of(case).text == "" and said_of(case, "V").text == ""


def test_a_layer_without_a_source_is_left_alone() -> None:
    """Nothing can be held in what can't be read."""
    space: dict[str, Any] = {"np": np}
    exec("class Mine:\n  def forward(self, x): return x + np.tanh(x)\n  def backward(self, dy): return dy", space)
    case = LayerCase("mine", obeys("N n -> N n")(space["Mine"])(), np.random.default_rng(0).standard_normal((5, 4)))
    assert said_of(case).text == ""


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
    ("source", "array", "words"),
    [(MODEL, "W", "float((self.params['W'] ** 4).sum())"), (LOSS, "", "`self.w` (line 18)")],
    ids=["model", "loss"],
)
def test_models_and_losses_have_paths_too(source: str, array: str, words: str, tmp_path: File) -> None:
    """A term of the loss that is never graded, a weight that is taken for a constant."""
    said = said_of(case_of(HEAD + source, tmp_path), array).text
    assert said.startswith("a path that is missing: ") and words in said, said


def test_what_is_forgotten_is_told_as_the_cause(tmp_path: File) -> None:
    """In the violation that is explained."""
    case_of(HEAD + LOSS, tmp_path)
    (record,) = units_in_file(tmp_path / "mine.py")
    found = conformance(record, explain=True).violations[0]
    assert found.law == "gradient" and found.cause.startswith("a path that is missing: `self.w`")


@pytest.mark.parametrize("backward", ["return 'x'", "return None", "return dy[0]", "self.grads = {}; return dy"])
def test_an_answer_that_is_no_gradient_tells_nothing(backward: str, tmp_path: File) -> None:
    """Of another type or shape, or missing: the law has said so."""
    assert said_of(case_of(layer(DENSE + "return self.h", backward), tmp_path)) == DroppedTerm()


def test_a_mistake_of_the_search_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    """Only what the plugin raises is passed over."""
    monkeypatch.setattr("nnlaw.spec.fixes.dropped_terms.taped", None)
    case = case_of(layer(DENSE + "return x + self.h", RIGHT), tmp_path)
    with pytest.raises(TypeError):
        said_of(case)
