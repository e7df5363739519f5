"""Recipes that the code under test sends contain nothing but calls of the unit."""

import pytest

from nnlaw.spec.subjects.recipe import Recipe

RIGHT = Recipe(
    ("Dense",), "Dense(n_in=4, n_out=(3, -1.5))", "unit.forward(x, training=True)[0]", "unit.backward(dy)",
    {"x": "returned['dx']"}, {"W": "unit.layers[0].W"},
)  # fmt: skip


def test_a_recipe_is_sent_as_data() -> None:
    """It is the same on the other side."""
    assert Recipe.of(RIGHT.to_data()) == RIGHT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (1, "Dense(__import__('os').system('true'))"),
        (1, "Dense(np.load('weights.npy'))"),
        (2, "open('/etc/passwd').read()"),
        (2, "unit.forward(x).__class__"),
        (3, "unit.backward(dy); evil()"),
        (3, "(lambda: unit)()"),
        (4, {"x": "[unit for _ in x]"}),
        (5, ["unit.W"]),
        (0, ["os; import sys"]),
        (0, "Dense"),
    ],
)
def test_other_expressions_are_refused(field: int, value: object) -> None:
    """Nothing else than the unit, constants and the names of the script."""
    data = RIGHT.to_data()
    data[field] = value
    assert Recipe.of(data) is None


def test_other_data_is_refused() -> None:
    """Of another type or length."""
    assert Recipe.of(None) is None and Recipe.of([]) is None and Recipe.of({"make": "Dense()"}) is None
