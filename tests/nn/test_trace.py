"""The hand-traced network, and the pass through any small one."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.core.document import Page
from nnlaw.nn.plugins.loader import load_file
from nnlaw.nn.trace.trace import take_step
from nnlaw.nn.trace.walkthrough import as_dict, lesson
from nnlaw.nn.trace.walkthrough_losses import long_route
from nnlaw.nn.trace.worked_example import Exercise, read_exercise, textbook
from nnlaw.spec.violation import BadInput

BY_HAND = tomllib.loads(textbook().read_text(encoding="utf-8"))["by_hand"]
DEEP = "dense:3 tanh dropout:0.5 batchnorm leaky_relu:0.1 sigmoid relu dense:3"
THREE = [[-1, 2], [3, 1], [0.5, 0.2]]


def test_the_textbook_network_gives_the_figures_worked_out_by_hand() -> None:
    """Every value and gradient of the hand-traced network agrees with its known answer to three digits."""
    found = read_exercise(textbook()).trace()
    gradients = {name: g.analytic for s in found.stages for name, g in s.gradients.items()}
    values = {s.y_name: s.y for s in found.stages} | {"L": np.array(found.loss), "dz2": found.output.analytic}
    values |= {"a2": 1 / (1 + np.exp(-values["z2"])), "da1/dz1": (values["z1"] > 0) * 1.0} | long_route(found)
    values |= gradients
    values["dW1"] = values["dW1"].T  # the book's W1 acts on columns
    for name, expected in BY_HAND.items():
        digits = 5e-5 if name == "da2/dz2" else 5.5e-4
        assert np.abs(values[name].ravel() - np.ravel(expected)).max() < digits, name
    assert np.allclose(values["dL/dz2"], values["dz2"], atol=1e-15), "the long route and the fused one"


def test_the_wrong_orientation_is_told_by_numbers_alone() -> None:
    """The book's W1 used as it stands raises nothing and gives another z1."""
    work = read_exercise(textbook())
    turned = np.array(work.weights["0:dense.W"]).T.tolist()
    found = Exercise(work.layers, work.loss, work.x, work.y, weights=work.weights | {"0:dense.W": turned}).trace()
    assert np.allclose(found.stages[0].y, [[0.8, 1.1]])


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
    """Every gradient of every array of built-in layers lies beside an equal finite difference, masks and all."""
    found = Exercise(layers, loss, x, y).trace()
    assert found.violation is None
    for stage in found.stages:
        for name, g in stage.gradients.items():
            assert np.allclose(g.analytic, g.numeric, rtol=1e-4, atol=1e-8), name
    text = lesson(found, take_step(found, 0.01)).plain()
    assert "WRONG" not in text and "finite difference" in text


def test_a_step_makes_the_loss_fall_about_as_far_as_the_gradient_says() -> None:
    """A short step loses lr·‖g‖² to first order; a far too long one rises, and the page says so."""
    found = read_exercise(textbook()).trace()
    short = take_step(found, 1e-4)
    assert short.before - short.after == pytest.approx(short.expected_fall, rel=1e-2)
    unlucky = Exercise("dense:1", "mse", [[1, 2]], [[1]]).trace()
    page = lesson(unlucky, take_step(unlucky, 10)).plain()
    assert "rose" in page and "overshoots" in page


def test_a_wrong_backward_is_found_at_its_root(tmp_path: Path) -> None:
    """Of a faulty plugin between two sound layers the plugin is accused, and its numbers are marked."""
    file = tmp_path / "faulty.py"
    file.write_text(
        "from nn import layer\nfrom spec import obeys\n"
        "@layer('cube')\n@obeys('N ... -> N ...')\nclass Cube:\n"
        "    '''y = x³\n\n    with a wrong slope'''\n"
        "    def forward(self, x):\n        self.x = x\n        return x**3\n"
        "    def backward(self, dy):\n        return dy * 2 * self.x**2\n"
    )
    load_file(file)
    found = Exercise("dense:2 cube dense:1", "mse", [[1, 2]], [[1]]).trace()
    assert found.violation is not None and found.violation.location.path == "1:cube(2)"
    page = lesson(found).plain()
    assert "y = x³" in page and "WRONG" in page
    assert as_dict(found)["gradients"]["dz1"]["wrong"] == [0, 1]


def test_a_kink_is_told_and_not_accused() -> None:
    """An input exactly at ReLU's kink is no fault: the page says that any slope between is right."""
    found = Exercise("relu dense:1", "mse", [[0, 1]], [[1]]).trace()
    assert found.violation is None
    assert "on a kink" in lesson(found).plain()


def test_long_arrays_are_cut_and_counted() -> None:
    """A page shows the first entries and says how many more there are."""
    page = lesson(Exercise("dense:30 relu dense:2", "mse", [[1, 2]], [[1, 0]]).trace()).plain()
    assert "dW1: 36 more" in page and "... and 18 more" in page


def test_a_page_is_the_same_in_text_and_in_markdown() -> None:
    """One page, two renderings: headings, paragraphs, code, tables, pictures."""
    page = Page().heading("T", 1).text("word").code(["a = 1"]).table(["x", "y"], [["1", "|2|"]])
    page.picture("p.png", "a dot")
    assert page.markdown() == (
        "# T\n\nword\n\n```text\na = 1\n```\n\n| x | y |\n|---|---|\n| 1 | \\|2\\| |\n\n![a dot](p.png)\n"
    )
    assert page.plain().splitlines()[:2] == ["T", "="] and "[a dot: p.png]" in page.plain()


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
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]\n[weights]\nW = [1]", "no 'W' in this network"),
    ("layers = 'dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]\n[weights]\n'0:dense.W' = [1]", "has shape (1,)"),
    ("layers = 'dense:500 dense:1'\nloss = 'mse'\nx = [[1]]\ny = [[1]]", "500 numbers, expected at most 400"),
    ("layers = ", "exercise"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words for _, words in BAD])
def test_a_bad_exercise_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    """An exercise that cannot be worked through is refused in one sentence that says what was found."""
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_exercise(file).trace()
    assert words in str(caught.value) and "expected" in str(caught.value) + "expected" * (text == "layers = ")


@pytest.mark.parametrize("layers", ["dense:200 dense:1", "dense:1 dense:200 dense:1", "dense:200 relu dense:1"])
def test_an_output_too_large_to_be_shown_is_refused(layers: str) -> None:
    """Not only inputs and parameters have at most 400 numbers."""
    with pytest.raises(BadInput, match=r"trace: z\d has 600 numbers, expected at most 400"):
        Exercise(layers, "mse", [[1], [2], [3]], [[1], [2], [3]]).trace()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("loss", "weights", "y", "cost"),
    [("binary_cross_entropy", [-1], [[1]], 5000), ("softmax_cross_entropy", [-1, 0, 1], [0], 10000)],
)
def test_a_probability_that_becomes_0_is_part_of_the_lesson(
    loss: str, weights: list[int], y: object, cost: int
) -> None:
    """The long route divides by it and the page says so; the cost and the fused route are what they are."""
    found = Exercise(f"dense:{len(weights)}", loss, [[5000]], y, weights={"0:dense.W": [weights]}).trace()
    page = " ".join(lesson(found).plain().split())
    assert "∞ · 0 is not a number" in page and "[nan" in page
    assert found.violation is None and found.loss == cost and np.isfinite(found.output.analytic).all()
    shown = f"costs = [{cost:.4g}]" if loss.startswith("softmax") else f"log 1 = {cost}"
    assert shown in page
