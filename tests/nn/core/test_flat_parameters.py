"""The flat parameter and gradient buffers of a model."""

from collections.abc import Callable

import numpy as np
import pytest

from nnlaw.nn.core.flat_parameters import FlatParameters
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.training.build import build_model

pytestmark = pytest.mark.usefixtures("hasty")


class Interleaved:
    """A model whose parameters are not grouped by layer."""

    def __init__(self) -> None:
        names = {"h.W": (2, 2), "o.W": (2, 2), "h.b": (2,), "o.b": (2,)}
        self.params = {name: np.ones(shape, np.float32) for name, shape in names.items()}


def test_the_norm_of_a_layer_is_over_its_own_parameters() -> None:
    """In any order of `params`; together the norms of the layers give that of the whole gradient."""
    flat = FlatParameters(Interleaved())
    flat.collect({name: np.ones_like(view) for name, view in flat.views.items()})
    assert list(flat.layers) == ["h", "o"]
    assert np.square(flat.norms()).sum() == pytest.approx(flat.g.size)
    assert {name: len(part) for name, part in flat.layers.items()} == {"h": 6, "o": 6}


def test_a_model_without_parameters_is_refused(refusal: Callable[[Callable[[], object]], str]) -> None:
    """It can't be trained."""
    one = build_model(Settings(layers="relu"), 10, 10)
    assert "no parameters" in refusal(lambda: FlatParameters(one))
