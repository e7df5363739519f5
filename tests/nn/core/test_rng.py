"""Random generators."""

import numpy as np

from nnlaw.nn.core.rng import find_generators


def test_generators_are_found_in_all_attributes() -> None:
    """In attributes, lists, dicts, and as a bound method, each once."""
    rng, other = np.random.default_rng(1), np.random.default_rng(2)

    class Holder:
        def __init__(self) -> None:
            self.parts, self.repeated, self.me = [{"draw": rng.random}], rng, self
            self.more = (other,)

    assert set(map(id, find_generators(Holder()).values())) == {id(rng), id(other)}
