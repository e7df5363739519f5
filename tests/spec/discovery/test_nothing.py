"""spec.discovery.nothing: definitions that no law checks, and gradients that nothing checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.load import load

RELU = """
def relu(x):
    return np.maximum(x, 0)

def relu_derivative(x):
    return (x > 0) * 1.0
"""

STRANGE = """
def backward(graph, /, *, trail):
    return trail.walk(graph)
"""


def found_in(folder: Path, code: str) -> dict[str, Found]:
    """What is found in a file with this code, by name."""
    (folder / "mine.py").write_text("import numpy as np\n" + code)
    return {unit.name: unit for unit in find(load(folder / "mine.py").module)}


def test_a_backward_that_nothing_calls_is_a_unit_that_is_not_checked(tmp_path: Path) -> None:
    """A function that is named as a gradient is not a mere tool beside what is checked."""
    found = found_in(tmp_path, RELU + STRANGE)
    assert found["relu"].readings
    assert found["backward"].is_unit and not found["backward"].readings
    assert "check_backward" in found["backward"].reason


def test_a_class_with_a_backward_of_another_form_is_a_unit(tmp_path: Path) -> None:
    """So is a class that has such a method."""
    found = found_in(tmp_path, "class Trail:\n    def backward(self, /, *, trail):\n        return trail.walk(self)\n")
    assert found["Trail"].is_unit and not found["Trail"].readings


@pytest.mark.parametrize(
    "name",
    [
        "clip_gradients",
        "numerical_gradient",
        "check_gradient",
        "gradient_descent",
        "plot_grad",
        "get_derivative",
        "clip_grad_norm",
        "average_gradients",
        "numericalGradient",
    ],
)
def test_tools_around_gradients_are_none(tmp_path: Path, name: str) -> None:
    """Functions that check, clip, plot or apply gradients do not compute them."""
    found = found_in(tmp_path, f"def {name}(graph, /, *, trail):\n    return trail.walk(graph)\n")
    assert not found[name].is_unit


@pytest.mark.parametrize(
    "name",
    ["batchnorm_backward", "layer_norm_backward", "average_pool_backward", "lstm_step_backward", "latest_grad",
     "gradient_of_norm", "computeGradients", "_backward"],
)  # fmt: skip
def test_a_word_of_a_tool_inside_of_another_name_is_none(tmp_path: Path, name: str) -> None:
    """The gradient of a normalization, of an average or of a step is a gradient."""
    found = found_in(tmp_path, f"def {name}(graph, /, *, trail):\n    return trail.walk(graph)\n")
    assert found[name].is_unit


def test_what_a_unit_uses_is_checked_with_it(tmp_path: Path) -> None:
    """A helper that a checked method calls needs no check of its own."""
    code = """
def tanh_backward_of(trail, /, *, dy):
    return dy * (1 - trail ** 2)

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return tanh_backward_of(self.y, dy=dy)
"""
    found = found_in(tmp_path, code)
    assert found["Tanh"].readings and not found["tanh_backward_of"].is_unit


def test_a_base_class_is_nothing_to_check(tmp_path: Path) -> None:
    """Methods that only raise compute no gradient."""
    code = "class Layer:\n    def backward(self, trail):\n        raise NotImplementedError\n"
    assert not found_in(tmp_path, code)["Layer"].is_unit


def test_an_input_node_of_a_graph_is_nothing_to_check(tmp_path: Path) -> None:
    """Its forward does nothing, so its backward has nothing to be compared with."""
    code = "class Input:\n    def forward(self):\n        pass\n    def backward(self):\n        self.trail = [1]\n"
    assert not found_in(tmp_path, code)["Input"].is_unit
