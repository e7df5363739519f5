"""A wrong gradient gets the edits that make every law pass, and their cause, or nothing."""

import threading
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec.conformance import conformance
from nnlaw.spec.violation import Violation

HEAD = """
import numpy as np

from nn import Layer, layer, loss, model, optimizer
from spec import obeys

"""
DENSE = '''
@layer("mine")
@obeys("N n_in -> N n_out")
class Mine(Layer):
    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        self.params = {"W": rng.normal(0, 0.3, (*shape, self.n_out)), "b": np.zeros(self.n_out)}
        self.grads = {"W": np.zeros((*shape, self.n_out)), "b": np.zeros(self.n_out)}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"] = self.x.T @ dy
        self.grads["b"] = dy.sum(axis=0)
        return dy @ self.params["W"].T
'''
ELEMENTWISE = '''
@layer("mine")
@obeys("N n -> N n")
class Mine(Layer):
    def forward(self, x):
        {forward}

    def backward(self, dy):
        {backward}
'''
GLU = '''
@layer("mine")
@obeys("N n -> N m")
class Mine(Layer):
    examples = [{{"input_shape": (6,)}}]

    def forward(self, x):
        self.a, b = np.split(x, 2, axis=1)
        self.gate = 1 / (1 + np.exp(-b))
        return self.a * self.gate

    def backward(self, dy):
        return np.concatenate([dy * self.gate, {}], axis=1)
'''
SINE = "return 2 * dy * np.cos(self.z)"
TWO_STEPS = '''
@layer("mine")
@obeys("N n -> N n")
class Mine(Layer):
    def build(self, shape, rng):
        self.params = {"W": rng.normal(0, 0.3, (*shape, *shape))}
        self.grads = {"W": np.zeros((*shape, *shape))}

    def forward(self, x):
        self.x = x
        self.x = np.tanh(x @ self.params["W"])
        return 2 * self.x

    def backward(self, dy):
        dz = 2 * dy * (1 - self.x**2)
        self.grads["W"] = self.x.T @ dz
        return dz @ self.params["W"].T
'''
SOFTMAX = "e = np.exp(x - x.max(axis=1, keepdims=True)); self.p = e / e.sum(axis=1, keepdims=True); return self.p"


def explained(source: str, folder: Path, seed: int = 0) -> Violation:
    """The only violation of the class in `source`, with its cause and fix."""
    (folder / "mine.py").write_text(HEAD + source, encoding="utf-8")
    (record,) = units_in_file(folder / "mine.py")
    (violation,) = conformance(record, seed=seed, explain=True).violations
    return violation


def elementwise(forward: str, backward: str) -> str:
    """A layer without parameters."""
    return ELEMENTWISE.format(forward=forward, backward=backward)


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        (DENSE.replace("dy.sum(axis=0)", "dy.mean(axis=0)"), "dy.mean(axis=0)", "dy.sum(axis=0)"),
        (DENSE.replace("dy.sum(axis=0)", "dy.sum()"), "dy.sum()", "dy.sum(axis=0)"),
        (DENSE.replace("self.x.T @ dy", "self.x.T @ dy / len(dy)"), "self.x.T @ dy / len(dy)", "self.x.T @ dy"),
        (DENSE.replace("return dy @", "return -dy @"), "-dy", "dy"),
        (elementwise("return np.tanh(x)", "return dy"), "dy", "dy * (1 - self.y ** 2)"),
        (elementwise("self.y = np.tanh(x); return self.y", "return dy * (1 - self.y)"), "self.y", "self.y ** 2"),
        (elementwise("self.m = x < 0; return np.where(self.m, 0 * x, x)", "return dy * self.m"), "self.m", "~self.m"),
        (elementwise("self.s = 1 / (1 + np.exp(-x)); return x * self.s", "return dy * self.s"), "self.s",
         "(self.s + self.x * self.s * (1 - self.s))"),
        (elementwise(SOFTMAX, "return self.p * (dy - (dy * self.p).sum())"), "(dy * self.p).sum()",
         "(dy * self.p).sum(axis=1, keepdims=True)"),
        (elementwise(SOFTMAX, "return dy * self.p * (1 - self.p)"), "dy * self.p * (1 - self.p)",
         "self.p * (dy - (dy * self.p).sum(axis=1, keepdims=True))"),
        (elementwise("return x - x.mean(axis=1, keepdims=True)", "return dy"), "dy",
         "dy - dy.mean(axis=1, keepdims=True)"),
        (elementwise("return x[:, ::-1]", "return dy"), "dy", "dy[:, ::-1]"),
    ],
)  # fmt: skip
def test_a_wrong_gradient_gets_the_edit_that_fixes_it(source: str, before: str, after: str, tmp_path: Path) -> None:
    """Of the smallest expression, at its place in the file."""
    found = explained(source, tmp_path)
    assert found.law == "gradient" and found.suggestion is not None
    edit = found.suggestion.edits[0]
    line = (HEAD + source).splitlines()[edit.line - 1]
    assert line[edit.column - 1 : edit.end_column - 1] == edit.before
    assert (edit.before, edit.after) == (before, after)
    assert f"suggested fix: {before} -> {after}" in found.message
    assert found.to_dict()["suggestion"]["edits"][0]["after"] == edit.after


@pytest.mark.parametrize(
    ("source", "fixed", "cause"),
    [
        (elementwise("return np.tanh(x)", "return dy"),
         elementwise("self.y = np.tanh(x)\n        return self.y", "return dy * (1 - self.y ** 2)"),
         "missing-derivative"),
        (DENSE.replace("        self.x = x\n", "").replace("self.x.T", "dy.T"),
         DENSE, "wrong-name"),
        (GLU.format("dy * self.gate * (1 - self.gate)"), GLU.format("dy * self.a * self.gate * (1 - self.gate)"),
         "missing-factor"),
        (TWO_STEPS, TWO_STEPS.replace("self.x = x", "self.input = x\n        self.x = x").replace(
            'self.grads["W"] = self.x.T', 'self.grads["W"] = self.input.T'), "overwritten-cache"),
        (elementwise("self.z = 2 * x\n        y = np.sin(self.z)\n        self.z = y\n        return y", SINE),
         elementwise("self.z = 2 * x\n        y = np.sin(self.z)\n        return y", SINE), "overwritten-cache"),
    ],
    ids=["result", "input", "stored already", "overwritten", "overwritten for nothing"],
)  # fmt: skip
def test_what_backward_needs_is_stored_by_the_same_edit(source: str, fixed: str, cause: str, tmp_path: Path) -> None:
    """Unless forward stores an equal array: then the edit uses that."""
    found = explained(source, tmp_path)
    assert found.suggestion is not None and len(found.suggestion.edits) == 1
    assert found.suggestion.edits[0].apply(HEAD + source) == HEAD + fixed
    assert found.cause_code == cause


LOSS = '''
@loss("mine")
class Mine:
    targets = "real"

    def forward(self, prediction, target):
        self.d = prediction - target
        return float((self.d**2).sum()) / len(prediction)

    def backward(self):
        return self.d / len(self.d)
'''
MODEL = '''
@model("mine")
class Mine:
    def __init__(self, n_in, n_out, rng):
        self.params = {"W": rng.normal(0, 0.01, (n_in, n_out)).astype(np.float32)}

    def predict(self, x):
        z = x @ self.params["W"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x, labels):
        p, rows = self.predict(x), np.arange(len(x))
        loss = -float(np.log(p[rows, labels]).mean())
        p[rows, labels] -= 1
        return loss, {"W": x.T @ p}
'''
OPTIMIZER = '''
@optimizer("mine", like="sgd")
class Mine:
    def __init__(self):
        self.state = {}

    def step(self, w, g, lr):
        w -= lr * g / 2
'''


@pytest.mark.parametrize(
    ("source", "right"),
    [(LOSS, "2 * self.d"), (MODEL, "/ len(x)"), (OPTIMIZER, "lr * g")],
    ids=["loss", "model", "optimizer"],
)
def test_other_kinds_get_fixes_too(source: str, right: str, tmp_path: Path) -> None:
    """Losses and models for their gradient, an optimizer for the reference that it declares."""
    suggestion = explained(source, tmp_path).suggestion
    assert suggestion is not None and right in suggestion.edits[0].after


HELPER = '''
def slope(z):
    return 1 - np.tanh(z)

''' + elementwise("self.x = x; return np.tanh(x)", "return dy * slope(self.x)")
KEPT = elementwise("self.y = x; return np.tanh(x)", "return dy * (1 - self.y**2)")


@pytest.mark.parametrize(("source", "right"), [(HELPER, "(z) ** 2"), (KEPT, "self.out")], ids=["helper", "forward"])
def test_the_mistake_may_be_in_another_function(source: str, right: str, tmp_path: Path) -> None:
    """In a function that backward calls, or in what forward stores."""
    assert right in str(explained(source, tmp_path).suggestion)


def test_a_law_that_leaves_open_what_is_right_gets_no_fix(tmp_path: Path) -> None:
    """The random numbers could be removed, or declared."""
    found = explained(elementwise("return x + np.random.rand(*x.shape)", "return dy"), tmp_path)
    assert found.suggestion is None and "suggested fix" not in found.message


def test_a_change_that_never_ends_is_stopped(tmp_path: Path) -> None:
    """A while loop is not changed, and a change that takes too long is stopped."""
    forward = "self.l = [x]; self.l.append(x); return np.stack(self.l).sum(axis=0)"
    slow = elementwise(forward, "n = 0\n        while n < 2: n += 1\n        return 3 * dy")
    assert explained(slow, tmp_path).law == "gradient"


def test_no_fix_is_searched_outside_the_main_thread(tmp_path: Path) -> None:
    """A change that never ends could not be stopped there."""
    found: list[Violation] = []
    source = DENSE.replace("dy.sum(axis=0)", "dy.sum()")
    work = threading.Thread(target=lambda: found.append(explained(source, tmp_path)))
    work.start()
    work.join()
    assert found[0].law == "gradient" and found[0].suggestion is None


def test_code_without_a_source_gets_no_fix() -> None:
    """A class that was made by exec is checked all the same."""
    space: dict[str, Any] = {}
    exec(HEAD.replace("from nn import Layer, layer, loss, model, optimizer", "from nn import Layer"), space)
    exec("class Mine(Layer):\n    def forward(self, x): return 2 * x\n    def backward(self, dy): return dy", space)
    (found,) = conformance(space["Mine"], kind="layer", contract="N n -> N n", explain=True).violations
    assert found.law == "gradient" and found.suggestion is None


def test_the_class_is_not_changed(tmp_path: Path) -> None:
    """Its methods are the same objects after the search."""
    (tmp_path / "mine.py").write_text(HEAD + DENSE.replace("dy.sum(axis=0)", "dy.sum()"), encoding="utf-8")
    (record,) = units_in_file(tmp_path / "mine.py")
    before = {name: vars(record.thing)[name] for name in ("__init__", "build", "forward", "backward")}
    assert conformance(record, explain=True).violations
    assert {name: vars(record.thing)[name] for name in before} == before


DROPPED = """
@layer("mine")
@obeys("N n -> N n")
class Mine(Layer):
    def __init__(self, slope: float = 0.5):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, dy):
        return np.where(self.x > 0, dy, {})
"""


def test_of_edits_that_compute_the_same_the_nearest_is_suggested(tmp_path: Path) -> None:
    """Here `1 + np.tanh(...)`, not `-0.5` for `0.5` nor `-self.x`."""
    forward = "self.x = x; return np.log1p(np.exp(-abs(x))) + np.maximum(x, 0)"
    found = explained(elementwise(forward, "return dy * 0.5 * (1 - np.tanh(0.5 * self.x))"), tmp_path)
    assert found.suggestion is not None and len(found.suggestion.edits) == 1
    assert "1 + np.tanh(0.5 * self.x)" in found.suggestion.edits[0].after
    assert (found.cause_code, found.cause) == ("wrong-sign", "the sign is wrong")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (elementwise(SOFTMAX, "return self.p * (dy - (dy * self.p).sum(axis=0, keepdims=True))"),
         "the sum runs over axis 0 (the batch); it should run over axis 1"),
        (elementwise("self.m = x > 0; return x * self.m", "return dy * ~self.m"), "the mask is inverted"),
        (DROPPED.format("3 * dy"), "`3` is used instead of `self.slope`"),
    ],
)  # fmt: skip
def test_the_cause_comes_from_the_fix(source: str, cause: str, tmp_path: Path) -> None:
    """A number that fits only the present settings, such as 0.5 for the slope, is not suggested."""
    assert cause in explained(source, tmp_path).cause


@pytest.mark.slow
def test_a_number_is_not_mistaken_for_the_learning_rate(tmp_path: Path) -> None:
    """0.1 is right for one learning rate only: the change must pass with two."""
    source = """
@optimizer("mine", like="adam")
class Mine:
    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8):
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.state = {}

    def step(self, w, g, lr):
        s = self.state
        if not s:
            s["m"], s["v"], s["t"] = np.zeros_like(w), np.zeros_like(w), np.zeros(1)
        s["t"] += 1
        s["m"][:] = self.beta1 * s["m"] + 0.2 * g
        s["v"][:] = self.beta2 * s["v"] + (1 - self.beta2) * g**2
        m, v = s["m"] / (1 - self.beta1 ** s["t"]), s["v"] / (1 - self.beta2 ** s["t"])
        w -= lr * m / (np.sqrt(v) + self.eps)
"""
    found = explained(source, tmp_path)
    assert found.law == "definition"
    assert found.suggestion is None or all("lr" not in edit.after for edit in found.suggestion.edits)


NORM = """
@layer("mine")
@obeys("N ... -> N ...")
class Mine:
    def forward(self, x):
        self.x = x
        self.s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        self.h = (x - x.mean(axis=-1, keepdims=True)) / self.s
        return self.h

    def backward(self, dy):
        d = {}
        a = dy.sum(axis=-1, keepdims=True) / d
        b = (dy * self.h).sum(axis=-1, keepdims=True) / d
        return (dy - a - self.h * b) / self.s
"""


@pytest.mark.parametrize("wrong", ["self.x.size // len(self.x)", "len(self.x)", "self.x.shape[1]"])
def test_a_fix_is_right_for_every_number_of_axes(wrong: str, tmp_path: Path) -> None:
    """The layer accepts any: shape[-1] is right for all, other sizes for some."""
    suggestion = explained(NORM.format(wrong), tmp_path).suggestion
    assert suggestion is not None and [edit.after for edit in suggestion.edits] == ["self.x.shape[-1]"]


@pytest.mark.slow
def test_a_term_that_forward_lacks_is_not_deleted_from_backward(tmp_path: Path) -> None:
    """Neither the bias that forward never adds, nor the input that it does not pass on."""
    without_bias = DENSE.replace(' + self.params["b"]', "")
    backward = "dx = dy * (1 - self.y**2)\n        dx += dy\n        return dx"
    for source in (without_bias, elementwise("self.y = np.tanh(x)\n        return self.y", backward)):
        suggestion = explained(source, tmp_path).suggestion
        assert suggestion is None or all(edit.after for edit in suggestion.edits)


RECURRENT = """
@layer("mine")
@obeys("N T n -> N T h")
class Mine(Layer):
    def __init__(self, h: int):
        self.h = h

    def build(self, shape, rng):
        self.params = {{"Wx": rng.normal(0, 0.5, (shape[1], self.h)), "Wh": rng.normal(0, 0.5, (self.h, self.h))}}

    def forward(self, x):
        self.x, self.states = x, np.zeros((*x.shape[:2], self.h), x.dtype)
        before = np.zeros((len(x), self.h), x.dtype)
        for t in range(x.shape[1]):
            before = np.tanh(x[:, t] @ self.params["Wx"] + before @ self.params["Wh"])
            self.states[:, t] = before
        return self.states.copy()

    def backward(self, dy):
        g, dx, later = {{k: np.zeros_like(v) for k, v in self.params.items()}}, np.zeros_like(self.x), 0
        for t in reversed(range(self.x.shape[1])):
            d = (dy[:, t] + later) * (1 - self.states[:, t] ** 2)
            g["Wx"] += self.x[:, t].T @ d
            g["Wh"] += {}.T @ d
            dx[:, t], later = d @ self.params["Wx"].T, d @ self.params["Wh"].T
        self.grads = g
        return dx
"""


@pytest.mark.slow
@pytest.mark.parametrize("index", ["t - 1", "max(t - 1, 0)"])
def test_the_state_before_the_first_step(index: str, tmp_path: Path) -> None:
    """It is zero; an index takes the first or the last state instead."""
    found = explained(RECURRENT.format(f"self.states[:, {index}]"), tmp_path)
    assert found.cause_code == "wrong-first-state" and found.suggestion is not None
    assert found.cause.startswith("the state before the first step is zero, but `self.states[:, ")
    assert "(t > 0) * self.states" in found.suggestion.edits[0].after
