"""The Hypothesis strategies: their shapes, types and values."""

from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings
from numpy.typing import NDArray

from nnlaw.spec import BadInput, obeys
from nnlaw.spec.strategies import HOSTILE, arrays, batches, hostile, inputs, shapes

Array = NDArray[Any]
few = settings(max_examples=25, deadline=None, database=None)


@obeys("N h 3 ... -> N h")
class EverySide:
    """A layer with every sort of dimension."""

    h = 2
    domain = (0.1, 0.3)


@given(inputs(EverySide()))
@few
def test_inputs_fit_contract_and_domain(x: Array) -> None:
    """Attributes, numbers and further axes; float32 inside the declared domain."""
    assert x.shape[1:3] == (2, 3) and x.ndim <= 5 and x.dtype == np.float32
    assert ((x >= 0.1) & (x <= 0.3)).all()


@pytest.mark.parametrize(
    ("low", "high"), [(1e5, 1e6), (1e5, np.inf), (-np.inf, -1e5), (0.5, np.inf), (-np.inf, np.inf)]
)
def test_inputs_stay_in_an_unbounded_or_distant_domain(low: float, high: float) -> None:
    """Up to ±1e4 if the domain reaches that far."""
    layer = type("Far", (), {"domain": (low, high)})()

    @given(inputs(layer, contract="N C -> N C"))
    @few
    def within(x: Array) -> None:
        assert np.isfinite(x).all() and ((x >= low) & (x <= high)).all()

    within()


@given(inputs(object(), contract="N C -> N C"))
@few
def test_a_contract_can_be_passed(x: Array) -> None:
    """For a class without @obeys."""
    assert x.ndim == 2 and x.size


def test_inputs_need_a_contract() -> None:
    """Without one there is no shape."""
    with pytest.raises(BadInput, match="has no contract"):
        find(inputs(object()), lambda x: True)


@given(batches(n_in=3, classes=4))
@few
def test_batches_have_labels_in_range(batch: tuple[Array, Array]) -> None:
    """As many as samples."""
    x, labels = batch
    assert x.shape == (len(labels), 3) and labels.dtype == np.int64 and ((labels >= 0) & (labels < 4)).all()


@given(shapes(max_dims=2))
@few
def test_shapes_are_small(shape: tuple[int, ...]) -> None:
    """From 1 to 6 in every direction."""
    assert 1 <= len(shape) <= 2 and all(1 <= side <= 6 for side in shape)


@pytest.mark.parametrize(
    "trait",
    [
        np.isnan,
        np.isposinf,
        lambda v: 0 < abs(v) < 1.2e-38,
        lambda v: abs(v) > 9e37,
        lambda v: v == 0 and np.signbit(v),
    ],
)
def test_hostile_floats_are_found(trait: Any) -> None:
    """nan, infinity, denormals, overflow when squared, and negative zero."""
    search = settings(max_examples=2000, database=None, derandomize=True)
    assert trait(find(hostile(), lambda v: bool(trait(v)), settings=search))


@given(hostile((2, 3), width=16), arrays((2,), width=64))
@few
def test_widths_are_kept(small: Array, wide: Array) -> None:
    """Down to half and up to double precision."""
    assert small.dtype == np.float16 and wide.dtype == np.float64 and np.isfinite(wide).all()


@pytest.mark.parametrize("name", ["nn-dev", "nn-ci", "nn-thorough"])
def test_profiles_are_registered(name: str) -> None:
    """By importing the module."""
    assert settings.get_profile(name).deadline is None


@pytest.mark.parametrize("width", [16, 32, 64])
def test_every_width_has_its_hostile_numbers(width: int) -> None:
    """nan, both infinities, overflow when squared and denormals of either sign, and −0."""
    floats = np.finfo(f"float{width}")
    values = np.array(HOSTILE[width], floats.dtype)
    with np.errstate(over="ignore"):
        squared = values * values
    assert np.isnan(values).any() and {np.inf, -np.inf} <= set(values)
    for sign in (1, -1):
        side = np.isfinite(values) & (sign * values > 0)
        assert np.isinf(squared[side]).any() and (np.abs(values[side]) < floats.tiny * 2).any()
    assert ((values == 0) & np.signbit(values)).any()
