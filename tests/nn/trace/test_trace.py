"""nn/trace/: the network with known numbers, and a pass through any small one."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.core.markdown_page import MarkdownPage
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.trace.trace import gradient_through_probabilities, take_step
from nnlaw.nn.trace.walkthrough import as_dict, walkthrough
from nnlaw.nn.trace.worked_example import WorkedExample, read_worked_example, textbook_file
from nnlaw.spec.violation import BadInput

BY_HAND = tomllib.loads(textbook_file().read_text(encoding="utf-8"))["by_hand"]
DEEP = "dense:3 tanh dropout:0.5 batchnorm leaky_relu:0.1 sigmoid relu dense:3"
THREE = [[-1, 2], [3, 1], [0.5, 0.2]]


def test_the_textbook_network_gives_the_known_numbers() -> None:
    """Every value and gradient agrees with the number computed by hand, to three digits."""
    found = read_worked_example(textbook_file()).trace()
    gradients = {name: g.analytic for s in found.layers for name, g in s.gradients.items()}
    values = {s.y_name: s.y for s in found.layers} | {"L": np.array(found.loss), "dz2": found.output.analytic}
    values |= {"a2": 1 / (1 + np.exp(-values["z2"])), "da1/dz1": (values["z1"] > 0) * 1.0}
    values |= gradient_through_probabilities(found) | gradients
    values["dW1"] = values["dW1"].T  # by_hand has samples as columns
    for name, expected in BY_HAND.items():
        digits = 5e-5 if name == "da2/dz2" else 5.5e-4
        assert np.abs(values[name].ravel() - np.ravel(expected)).max() < digits, name
    assert np.allclose(values["dL/dz2"], values["dz2"], atol=1e-15), "in two factors and simplified"


def test_a_transposed_square_matrix_raises_no_error() -> None:
    """W1 for samples as columns gives another z1."""
    example = read_worked_example(textbook_file())
    transposed = np.array(example.weights["0:dense.W"]).T.tolist()
    found = replace(example, weights=example.weights | {"0:dense.W": transposed}).trace()
    assert np.allclose(found.layers[0].y, [[0.8, 1.1]])


@pytest.mark.parametrize(
    ("layers", "loss", "x", "y"),
    [
        ("dense:2 relu dense:1", "binary_cross_entropy", [[-1, 2]], [[1]]),
        (DEEP, "softmax_cross_entropy", THREE, [1, 0, 2]),
        (DEEP, "softmax_cross_entropy:smoothing=0.1", THREE, [1, 0, 2]),
        ("softmax", "mse", [[1, 2, 3]], [[0, 0, 1]]),
        ("dense:1", "mse", THREE, [[1], [2], [3]]),
    ],
)
def test_backpropagation_agrees_with_finite_differences(layers: str, loss: str, x: object, y: object) -> None:
    """Every gradient of built-in layers equals its finite difference, also with dropout masks."""
    found = WorkedExample(layers, loss, x, y).trace()
    assert found.violation is None
    for layer in found.layers:
        for name, g in layer.gradients.items():
            assert np.allclose(g.analytic, g.numeric, rtol=1e-4, atol=1e-8), name
    text = walkthrough(found, take_step(found, 0.01)).markdown()
    assert "WRONG" not in text and "finite difference" in text


def test_the_gradient_predicts_the_decrease_of_the_loss() -> None:
    """A short step decreases the loss by lr·‖g‖² to first order; a long one increases it, as the page reports."""
    found = read_worked_example(textbook_file()).trace()
    short = take_step(found, 1e-4)
    assert short.before - short.after == pytest.approx(short.expected_decrease, rel=1e-2)
    unlucky = WorkedExample("dense:1", "mse", [[1, 2]], [[1]]).trace()
    page = walkthrough(unlucky, take_step(unlucky, 10)).markdown()
    assert "rose" in page and "overshoots" in page


def test_a_wrong_backward_is_located(tmp_path: Path) -> None:
    """The violation names the wrong layer between two correct ones, and the page marks its numbers."""
    file = tmp_path / "faulty.py"
    file.write_text(
        "from nn import layer\nfrom spec import obeys\n"
        "@layer('cube')\n@obeys('N ... -> N ...')\nclass Cube:\n"
        "    '''y = x³\n\n    with a wrong slope'''\n"
        "    def forward(self, x):\n        self.x = x\n        return x**3\n"
        "    def backward(self, dy):\n        return dy * 2 * self.x**2\n"
    )
    load_plugin_file(file)
    found = WorkedExample("dense:2 cube dense:1", "mse", [[1, 2]], [[1]]).trace()
    assert found.violation is not None and found.violation.location.unit == "1:cube(2)"
    page = walkthrough(found).markdown()
    assert "y = x³" in page and "WRONG" in page
    assert as_dict(found)["gradients"]["dz1"]["wrong"] == [0, 1]


def test_a_kink_is_not_a_violation() -> None:
    """For an input exactly at ReLU's kink the page explains that any slope between is correct."""
    found = WorkedExample("relu dense:1", "mse", [[0, 1]], [[1]]).trace()
    assert found.violation is None
    assert "on a kink" in walkthrough(found).markdown()


def test_long_arrays_are_truncated() -> None:
    """A page shows the first entries and the number of others."""
    page = walkthrough(WorkedExample("dense:30 relu dense:2", "mse", [[1, 2]], [[1, 0]]).trace()).markdown()
    assert "dW1: 36 more" in page and "... and 18 more" in page


def test_a_page_is_markdown() -> None:
    """Headings, paragraphs, code, tables and images."""
    page = MarkdownPage().heading("T", 1).text("word").code(["a = 1"]).table(["x", "y"], [["1", "|2|"]])
    page.image("p.png", "a dot")
    assert page.markdown() == (
        "# T\n\nword\n\n```text\na = 1\n```\n\n| x | y |\n|---|---|\n| 1 | \\|2\\| |\n\n![a dot](p.png)\n"
    )


BAD = [
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]", "no 'y'"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]\nz = 1", "unknown key 'z'"),
    ("layers = 1\nloss = 'mse'\nx = [[1]]\ny = [[1]]", "layers = 1"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]\nweights = 1", "weights = 1"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [1]\ny = [[1]]", "x has shape (1,)"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1], [1, 2]]\ny = [[1]]", "rows of equal length"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[inf]]\ny = [[1]]", "finite numbers"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1e300]]\ny = [[1]]", "the loss is inf"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1, 2]]", "y has 2 numbers"),
    ("layers = 'dense:1'\nloss = 'binary_cross_entropy'\nx = [[1]]\ny = [[2]]", "numbers from 0 to 1"),
    ("layers = 'dense:2'\nloss = 'softmax_cross_entropy'\nx = [[1]]\ny = [2]", "class number from 0 to 1"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]\n[weights]\nW = [1]", "no 'W' in this network; choose"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]\n[weights]\n'0:dense.W' = [1]", "has shape (1,)"),
    ("layers = 'dense:500 dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]", "500 numbers, expected at most 400"),
    ("layers = ", "expected TOML"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words for _, words in BAD])
def test_a_bad_example_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """The message has what was found and what was expected."""
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_worked_example(file).trace()
    assert words in str(caught.value) and ("expected" in str(caught.value) or "choose" in str(caught.value))


@pytest.mark.parametrize("layers", ["dense:200 dense:1", "dense:1 dense:200 dense:1", "dense:200 relu dense:1"])
def test_an_output_that_is_too_large_is_refused(layers: str) -> None:
    """The limit of 400 numbers also applies to outputs."""
    with pytest.raises(BadInput, match=r"trace: z\d has 600 numbers, expected at most 400"):
        WorkedExample(layers, "mse", [[1], [2], [3]], [[1], [2], [3]]).trace()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("loss", "weights", "y", "cost"),
    [("binary_cross_entropy", [-1], [[1]], 5000), ("softmax_cross_entropy", [-1, 0, 1], [0], 10000)],
)
def test_a_probability_of_0_is_explained(
    loss: str, weights: list[int], y: object, cost: int
) -> None:
    """The product of two factors divides by it, as the page explains; loss and simplified gradient are correct."""
    found = WorkedExample(f"dense:{len(weights)}", loss, [[5000]], y, weights={"0:dense.W": [weights]}).trace()
    page = " ".join(walkthrough(found).markdown().split())
    assert "∞ · 0 is not a number" in page and "[nan" in page
    assert found.violation is None and found.loss == cost and np.isfinite(found.output.analytic).all()
    shown = f"costs = [{cost:.4g}]" if loss.startswith("softmax") else f"log 1 = {cost}"
    assert shown in page
