"""spec.subjects.strided_views"""

import numpy as np
import pytest
from numpy.lib import stride_tricks

from nnlaw.spec.subjects.strided_views import check_strided_views


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """as_strided is replaced in this test alone."""
    monkeypatch.setattr(stride_tricks, "as_strided", stride_tricks.as_strided)
    check_strided_views()


def test_views_within_the_memory_of_the_array_are_as_before() -> None:
    """Also one that reads beyond its argument, which is itself a view, and one of negative steps."""
    x = np.arange(12.0)
    windows = stride_tricks.as_strided(x, (5, 4), (16, 8))
    assert np.array_equal(windows[:, 0], x[:9:2])
    assert np.array_equal(stride_tricks.as_strided(x[4:8], (8,)), x[4:])
    assert np.array_equal(stride_tricks.as_strided(x[-1:], (12,), (-8,)), x[::-1])
    assert np.array_equal(stride_tricks.as_strided([1, 2, 3], (2, 2), (8, 8)), [[1, 2], [2, 3]])
    assert np.array_equal(stride_tricks.sliding_window_view(x, 11)[1], x[1:])
    assert stride_tricks.as_strided(x, (0, 99)).size == 0


@pytest.mark.parametrize(("shape", "strides"), [((13,), (8,)), ((6, 4), (16, 8)), ((2,), (-8,))])
def test_a_view_beyond_the_memory_raises(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    """One number too many is enough."""
    with pytest.raises(ValueError, match="beyond the memory"):
        stride_tricks.as_strided(np.arange(12.0), shape, strides)
