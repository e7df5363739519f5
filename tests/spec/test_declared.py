"""Declared attributes: defaults, valid values, domains."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import BadInput
from nnlaw.spec.contracts.declared import ATTRIBUTES, declared_value, domain_of, inside_domain


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_undeclared_attribute_has_its_default(name: str) -> None:
    """The default is valid for its own row."""
    assert declared_value(object(), name) == ATTRIBUTES[name].default
    assert ATTRIBUTES[name].is_valid(ATTRIBUTES[name].default)


@pytest.mark.parametrize(
    ("name", "value"),
    [("couples_samples", 1), ("domain", "probabilities"), ("domain", (1, 0)), ("domain", (np.nan, 1)), ("range", 3),
     ("range", "logits"), ("targets", "words"), ("variance", 2.0), ("restarts", "yes"), ("like", 3)],
)
def test_an_invalid_value_is_refused(name: str, value: Any) -> None:
    """The message names the owner, the value and what was expected."""
    with pytest.raises(BadInput, match=rf"SimpleNamespace: {name} = .*expected"):
        declared_value(SimpleNamespace(**{name: value}), name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("couples_samples", True), ("domain", "logits"), ("domain", (0, np.inf)), ("range", (0.0, 1.0)),
     ("targets", "real"), ("variance", lambda i, o: 1 / i), ("restarts", True), ("like", "adam")],
)
def test_a_valid_value_is_returned(name: str, value: Any) -> None:
    """Unchanged."""
    assert declared_value(SimpleNamespace(**{name: value}), name) is value


def test_a_pair_may_be_an_array() -> None:
    """It is read as a list of numbers; any other array is an invalid value."""
    assert domain_of(SimpleNamespace(domain=np.array([0.0, 1.0]))) == (0.0, 1.0)
    assert declared_value(SimpleNamespace(range=np.array([0.0, 1.0])), "range") == [0.0, 1.0]
    for name in ("domain", "targets", "couples_samples"):
        with pytest.raises(BadInput, match=rf"{name} = \[3.0, 2.0\], expected"):
            declared_value(SimpleNamespace(**{name: np.array([3.0, 2.0])}), name)


def test_a_class_is_named_in_the_message() -> None:
    """A class, not its type."""
    with pytest.raises(BadInput, match=r"^Wrong: range"):
        declared_value(type("Wrong", (), {"range": 1}), "range")


def test_values_outside_the_domain_are_replaced() -> None:
    """By the entries of the fallback; without a domain nothing is."""
    layer = SimpleNamespace(domain=(0.0, 2.0))
    assert inside_domain(layer, np.array([-1.0, 1.5, 3.0]), np.array([0.1, 0.2, 0.3])).tolist() == [0.1, 1.5, 0.3]
    probe = np.array([-9.0])
    assert inside_domain(object(), probe, np.array([1.0])) is probe
    assert domain_of(SimpleNamespace(domain="logits")) is None
