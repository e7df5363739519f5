"""Numbers that are parameters, the form in which they are put back, and parameters that can't be compared."""

from collections import deque, namedtuple
from typing import Any

import numpy as np
import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.match_gradients import Kept
from nnlaw.spec.discovery.slots import Slot, number_leaves
from nnlaw.spec.discovery.trained_numbers import names_updated_in, trained_numbers
from nnlaw.spec.gradcheck.gradients import check_gradient
from nnlaw.spec.report import UnitOutcome
from nnlaw.spec.violation import Inconclusive, Violation

Pair = namedtuple("Pair", "w b")


class Holder:
    """An object with one attribute."""

    def __init__(self, value: Any) -> None:
        self.value = value


@pytest.mark.parametrize(
    "value", [0.5, 3, np.float64(0.5), [1.0, 2.0], [[1.0], [2.0]], (1.0, 2.0), deque([1.0, 2.0]), Pair(1.0, 2.0)]
)
def test_a_number_or_a_list_of_numbers_keeps_its_form(value: Any) -> None:
    """An array that is put in its place becomes a number, or a list, of the same type."""
    holder = Holder(value)
    ((slot, array),) = number_leaves(holder)
    slot.set(holder, array + 0.25)
    assert type(holder.value) in (type(value), float)
    assert np.array_equal(np.array(holder.value), np.array(value) + 0.25)


def test_a_named_tuple_stays_one() -> None:
    """An array in a named tuple is found by its field, and replaced there."""
    holder = Holder(Pair(np.zeros(2), np.ones(2)))
    Slot(((".", "value"), (".", "b"))).set(holder, np.full(2, 7.0))
    assert isinstance(holder.value, Pair) and holder.value.b[0] == 7


def test_a_setting_is_not_trained() -> None:
    """A number with a gradient by name, or that was changed, is trained; another one is a setting."""
    thing = Holder(0.9)
    thing.slope, thing.eps = 0.25, 1e-5  # type: ignore[attr-defined]
    start = dict(number_leaves(thing))
    thing.value = 0.8
    found = trained_numbers(start, thing, [(Slot(((".", "dslope"),)), np.array(3.0))], [], 5)
    assert {slot.name: place.where for slot, (_, place) in found.items()} == {"slope": "object", "value": "step"}
    assert Kept("object", Slot(((".", "dslope"),))) in [place for _, place in found.values()]


def test_names_in_updates_need_a_gradient_or_a_rate() -> None:
    """What a method assigns from a gradient or with a learning rate; not what it only decays."""
    source = "class A:\n def up(self, lr):\n  self.a -= lr * self.g\n  self.b *= 0.9\n  self.c = self.c - self.grad_c\n"
    assert names_updated_in(source) == {"a", "c"}


class InClosure:
    """Weights are variables of functions."""

    def __init__(self) -> None:
        W = np.random.default_rng(0).standard_normal((4, 3))
        self.product = lambda x: x @ W
        self.back = lambda dy: dy @ W.T

    def forward(self, x: Any) -> Any:
        self.x = x
        return self.product(x)

    def backward(self, dy: Any) -> Any:
        self.grad_w = self.x.T @ dy
        return self.back(dy)


class InBytes:
    """Weights are bytes."""

    def __init__(self) -> None:
        self.W = np.random.default_rng(0).standard_normal((4, 3)).tobytes()

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ np.frombuffer(self.W).reshape(4, 3)

    def backward(self, dy: Any) -> Any:
        self.dW = self.x.T @ dy
        return dy @ np.frombuffer(self.W).reshape(4, 3).T


@pytest.mark.parametrize("kind", [InClosure, InBytes])
def test_weights_that_cannot_be_compared_are_reported(kind: type) -> None:
    """The unit is partly checked, and the report names them."""
    report = conformance(kind)
    assert report.outcome is UnitOutcome.PARTLY_CHECKED
    assert any(name.startswith("W") for name in report.missing)


@pytest.mark.parametrize(("offset", "error"), [(0.0, Violation), (1e9, Violation), (1e18, Inconclusive)])
def test_a_large_value_hides_no_wrong_slope(offset: float, error: type[Exception]) -> None:
    """A wrong gradient fails beside a large constant, or is inconclusive; it never passes."""
    x = np.linspace(0.1, 1, 6)
    with pytest.raises(error):
        check_gradient(lambda x: float(np.sum(x**2) + offset), x, 2.2 * x)


def test_a_right_slope_beside_a_large_value_passes() -> None:
    """Larger steps give enough precision."""
    x = np.linspace(0.1, 1, 6)
    check_gradient(lambda x: float(np.sum(x**2) + 1e9), x, 2 * x)
