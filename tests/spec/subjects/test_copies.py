"""Copies of generators, alone and inside objects."""

import copy

import numpy as np
import pytest

from nnlaw.spec.subjects.copies import copies_of, copy_of_generator


class Noise:
    """Holds one generator under two names."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.parts = [self.rng]


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.Philox, np.random.MT19937])
def test_a_copy_of_a_generator_is_that_of_deepcopy(bits: type[np.random.BitGenerator]) -> None:
    """It has the same numbers and children, and neither advances with the original."""
    generator = np.random.Generator(bits(5))
    generator.random()
    generator.spawn(2)
    ours, other = copy_of_generator(generator), copy.deepcopy(generator)
    generator.random(4)
    generator.spawn(1)
    assert np.array_equal(ours.random(3), other.random(3))
    assert ours.spawn(1)[0].random() == other.spawn(1)[0].random()


def test_copies_of_an_object_have_a_generator_each() -> None:
    """Every copy has the numbers of the original, in one generator under both names."""
    thing = Noise()
    expected = copy.deepcopy(thing).rng.random(3)
    copies = copies_of(thing)
    for twin in [next(copies) for _ in range(3)]:
        assert twin.parts[0] is twin.rng is not thing.rng
        assert np.array_equal(twin.rng.random(3), expected)
