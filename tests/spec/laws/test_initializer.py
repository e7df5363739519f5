"""Laws of initializers."""

import pytest

from nnlaw.spec import BadInput, InitializerCase, conformance


def test_an_invalid_variance_is_refused() -> None:
    """A declared variance must be a finite number, at least 0."""

    def normal(rng, shape, fan_in, fan_out):  # type: ignore[no-untyped-def]  # as users write it
        return rng.standard_normal(shape)

    normal.variance = lambda fan_in, fan_out: -1.0  # type: ignore[attr-defined]  # a declaration on a function
    with pytest.raises(BadInput, match=r"variance\(300, 40\) = -1.0, expected a finite number"):
        conformance(InitializerCase("mine", normal))
