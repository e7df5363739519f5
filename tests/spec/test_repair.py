"""The line that is wrong is named by the one change that mends it, or nothing is."""

import threading
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec.conformance import conformance
from nnlaw.spec.fixes.mutate import edits
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
SOFTMAX = "e = np.exp(x - x.max(axis=1, keepdims=True)); self.p = e / e.sum(axis=1, keepdims=True); return self.p"


def explained(source: str, folder: Path, seed: int = 0) -> Violation:
    """The one violation of the plugin in `source`, explained."""
    (folder / "mine.py").write_text(HEAD + source, encoding="utf-8")
    (record,) = units_in_file(folder / "mine.py")
    (violation,) = conformance(record, seed=seed, explain=True).violations
    return violation


def elementwise(forward: str, backward: str) -> str:
    """A layer without parameters."""
    return ELEMENTWISE.format(forward=forward, backward=backward)


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        (DENSE.replace("dy.sum(axis=0)", "dy.mean(axis=0)"), "dy.mean(axis=0)", "dy.sum(axis=0)"),
        (DENSE.replace("dy.sum(axis=0)", "dy.sum()"), "dy.sum()", "dy.sum(axis=0)"),
        (DENSE.replace("self.x.T @ dy", "self.x.T @ dy / len(dy)"), "self.x.T @ dy / len(dy)", "self.x.T @ dy"),
        (DENSE.replace("return dy @", "return -dy @"), "return -dy @", "return dy @"),
        (elementwise("return np.tanh(x)", "return dy"), "return dy", "dy * (1 - self.output ** 2)"),
        (elementwise("self.y = np.tanh(x); return self.y", "return dy * (1 - self.y)"), "1 - self.y", "self.y ** 2"),
        (elementwise("self.m = x < 0; return np.where(self.m, 0 * x, x)", "return dy * self.m"), "self.m", "~self.m"),
        (elementwise("self.s = 1 / (1 + np.exp(-x)); return x * self.s", "return dy * self.s"), "self.s", "self.input"),
        (elementwise(SOFTMAX, "return self.p * (dy - (dy * self.p).sum())"), ".sum()", ".sum(axis=1, keepdims=True)"),
        (elementwise(SOFTMAX, "return dy * self.p * (1 - self.p)"), "(1 - self.p)", "self.p * (dy - "),
        (elementwise("return x - x.mean(axis=1, keepdims=True)", "return dy"), "return dy", "dy.mean(axis=1"),
        (elementwise("return x[:, ::-1]", "return dy"), "return dy", "dy[:, ::-1]"),
    ],
)
def test_the_line_and_what_is_due_are_named(source: str, wrong: str, right: str, tmp_path: Path) -> None:
    """The change that mends a wrong gradient is told as the line stands and as it should."""
    found = explained(source, tmp_path)
    assert found.law == "gradient"
    assert found.suggestion is not None
    edit = found.suggestion.edits[0]
    assert wrong in (HEAD + source).splitlines()[edit.line - 1] and wrong in edit.before, edit
    assert right in edit.after, edit
    assert "suggested fix: " in found.message and str(edit) in found.message
    assert found.to_dict()["suggestion"]["edits"][0]["after"] == edit.after


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
    [(LOSS, "2"), (MODEL, "/ len(x)"), (OPTIMIZER, "w -= lr * g")],
    ids=["loss", "model", "optimizer"],
)
def test_other_kinds_are_mended_too(source: str, right: str, tmp_path: Path) -> None:
    """Losses and models by their gradient, an optimizer by the textbook that it claims to follow."""
    suggestion = explained(source, tmp_path).suggestion
    assert suggestion is not None and right in suggestion.edits[0].after


HELPER = '''
def slope(z):
    return 1 - np.tanh(z)

''' + elementwise("self.x = x; return np.tanh(x)", "return dy * slope(self.x)")
KEPT = elementwise("self.y = x; return np.tanh(x)", "return dy * (1 - self.y**2)")


@pytest.mark.parametrize(("source", "right"), [(HELPER, "(z) ** 2"), (KEPT, "self.output")], ids=["helper", "forward"])
def test_the_mistake_may_stand_elsewhere(source: str, right: str, tmp_path: Path) -> None:
    """In a function that backward calls, or in what forward keeps."""
    assert right in str(explained(source, tmp_path).suggestion)


def test_where_what_was_meant_is_open_nothing_is_named(tmp_path: Path) -> None:
    """A law that leaves open what the code should do gets no repair."""
    found = explained(elementwise("return x + np.random.rand(*x.shape)", "return dy"), tmp_path)
    assert found.suggestion is None and "suggested fix" not in found.message


def test_a_change_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """A loop that a change would make endless is not changed, and one that takes too long is stopped."""
    forward = "self.l = [x]; self.l.append(x); return np.stack(self.l).sum(axis=0)"
    slow = elementwise(forward, "n = 0\n        while n < 2: n += 1\n        return 3 * dy")
    assert explained(slow, tmp_path).law == "gradient"


def test_off_the_main_thread_nothing_is_tried(tmp_path: Path) -> None:
    """Where a change that never ends could not be stopped, the violation comes without a repair."""
    found: list[Violation] = []
    source = DENSE.replace("dy.sum(axis=0)", "dy.sum()")
    work = threading.Thread(target=lambda: found.append(explained(source, tmp_path)))
    work.start()
    work.join()
    assert found[0].law == "gradient" and found[0].suggestion is None


def test_what_has_no_source_is_left_alone() -> None:
    """A class made without a file is judged, and not mended."""
    space: dict[str, Any] = {}
    exec(HEAD.replace("from nn import Layer, layer, loss, model, optimizer", "from nn import Layer"), space)
    exec("class Mine(Layer):\n    def forward(self, x): return 2 * x\n    def backward(self, dy): return dy", space)
    (found,) = conformance(space["Mine"], kind="layer", contract="N n -> N n", explain=True).violations
    assert found.law == "gradient" and found.suggestion is None


def test_a_tree_is_as_before_when_all_was_tried() -> None:
    """Every edit is taken back before the next one."""
    import ast

    source = "def f(a, b):\n    c = a @ b.T\n    c += a[1:] * 2\n    return np.where(a > 0, c, -b).sum(axis=0)"
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    seen = {ast.unparse(tree) for _ in edits(tree, [ast.parse("b", mode="eval").body])}
    assert ast.unparse(tree) == source and len(seen) > 50


def test_the_plugin_itself_is_untouched(tmp_path: Path) -> None:
    """Looking for a repair changes neither the class nor its answers."""
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


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (elementwise(SOFTMAX, "return self.p * (dy - (dy * self.p).sum(axis=0, keepdims=True))"),
         "the wrong axis: a sum over 0 where one over 1 is due"),
        (elementwise("self.m = x > 0; return x * self.m", "return dy * ~self.m"), "the mask is inverted"),
        (DROPPED.format("3 * dy"), "`3` where `self.slope` is due"),
    ],
)  # fmt: skip
def test_a_change_that_mends_tells_the_cause(source: str, cause: str, tmp_path: Path) -> None:
    """In words; a number that fits only as the layer is set, as ½ for the slope, is passed over."""
    assert cause in explained(source, tmp_path).cause
