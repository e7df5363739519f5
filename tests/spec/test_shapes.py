"""Shape contracts: parsed, bound to shapes, and printed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlaw.spec import BadInput
from nnlaw.spec.contracts.shapes import Mismatch, bind, concrete, expected_shape, parse, resolve

SHAPES = st.lists(st.integers(0, 9), max_size=5).map(tuple)


class Owner:
    """Two integer dimensions, and two attributes that are not integers."""

    n_in = 3
    n_out = np.int64(4)
    flag = True
    word = "3"


@pytest.mark.parametrize("text", ["N C", "N -> C -> D", "N -C -> N", "... ... -> N", "N 2x -> N"])
def test_an_unreadable_contract_is_refused(text: str) -> None:
    """The refusal quotes the contract."""
    with pytest.raises(BadInput, match="contract"):
        parse(text)


def test_both_sides_are_read() -> None:
    """Commas separate arrays, spaces separate dimensions, and a side may be empty."""
    contract = parse("N C, N -> ")
    assert (contract.inputs, contract.outputs) == ((("N", "C"), ("N",)), ())
    assert contract.reversed.outputs == contract.inputs


@given(SHAPES)
def test_dots_match_any_axes(shape: tuple[int, ...]) -> None:
    """`...` means the same axes on both sides."""
    dims = bind(("N", "..."), (7, *shape), {})
    assert concrete(("...", "N"), dims) == (*shape, 7)
    assert bind(("N", "..."), (7, *shape), dims) == dims


@given(SHAPES)
def test_a_side_without_dots_has_a_fixed_number_of_axes(shape: tuple[int, ...]) -> None:
    """Two names match two axes and nothing else."""
    if len(shape) == 2:
        assert bind(("A", "B"), shape, {}) == {"A": shape[0], "B": shape[1]}
    else:
        with pytest.raises(Mismatch):
            bind(("A", "B"), shape, {})


@pytest.mark.parametrize(
    ("side", "shape", "dims"),
    [(("N", "N"), (2, 3), {}), (("N", "3"), (2, 4), {}), (("N", "C"), (2, 4), {"C": 5}), (("N", "...", "C"), (2,), {}),
     (("N", "..."), (2, 3), {"...": (4,)})],
)
def test_a_shape_that_does_not_fit_is_a_mismatch(
    side: tuple[str, ...], shape: tuple[int, ...], dims: dict[str, object]
) -> None:
    """Repeated names, numbers, known names, too few axes, and other axes than before."""
    with pytest.raises(Mismatch):
        bind(side, shape, dims)


def test_integers_of_the_owner_are_dimensions() -> None:
    """NumPy's integers count, booleans and strings do not."""
    assert resolve(parse("N n_in flag -> N n_out word 3"), Owner()) == {"n_in": 3, "n_out": 4}


class Counting:
    """Keeps the sizes of its latest batch."""

    N, B, n_in, n_out = 2, 2, 3, 4


@pytest.mark.parametrize(
    ("contract", "known"),
    [("N n_in -> N n_out", {"n_in": 3, "n_out": 4}), ("B N -> B n_out", {"N": 2, "n_out": 4}),
     ("n_in N -> n_out N", {"n_in": 3, "n_out": 4}), ("N n_in, N -> ", {"n_in": 3}), ("N ... -> N ...", {})],
)
def test_the_batch_size_is_not_read_from_the_owner(contract: str, known: dict[str, int]) -> None:
    """The name that comes first in every array is the batch, else N; also with the arrow reversed."""
    assert resolve(parse(contract), Counting()) == resolve(parse(contract).reversed, Counting()) == known


def test_the_expected_shape_has_known_sizes() -> None:
    """Known names have their numbers, `...` its axes, and the rest stay names."""
    assert expected_shape(("N", "...", "n_in", "C", "3"), {"...": (2, 5), "n_in": 4}) == "(N, 2, 5, n_in=4, C, 3)"
    assert expected_shape(("...",), {}) == "(...)"


def test_concrete_needs_every_name() -> None:
    """Without the size of a name there is no shape."""
    assert concrete(("N", "3"), {"N": 2}) == (2, 3)
    assert concrete(("N", "3"), {}) is None
