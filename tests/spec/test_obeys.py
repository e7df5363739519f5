"""@obeys marks a class and wraps a function."""

from threading import Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, Violation, obeys, rows_sum_to_one, strict
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.obeys import CHECKED_CALL, declaration_of

Array = NDArray[np.float32]
X = np.ones((2, 3), np.float32)


def test_a_class_is_returned_unchanged() -> None:
    """The same class with the same methods, and its declaration."""

    class Identity:
        def forward(self, x: Array) -> Array:
            return x

    before = Identity.forward
    assert obeys("N C -> N C")(Identity) is Identity
    assert Identity.forward is before
    found = declaration_of(Identity())
    assert found is not None and found.contract.text == "N C -> N C"
    assert declaration_of(3) is None


def test_a_wrapped_function_keeps_the_original() -> None:
    """`.bare` is the function as written, and the wrapper has its name."""

    def double(x: Array) -> Array:
        return 2 * x

    wrapped = obeys("N C -> N C")(double)
    assert wrapped.bare is double  # type: ignore[attr-defined]  # a function's attributes are not in its type
    assert wrapped.__name__ == "double"


@obeys("N C -> N C")
def drops_a_column(x: Array) -> Array:
    """Does not fit its contract."""
    return x[:, 1:]


def test_functions_are_checked_inside_the_block_only() -> None:
    """Outside of `with strict():` the call is made directly."""
    assert drops_a_column(X).shape == (2, 2)
    with strict(), pytest.raises(Violation, match=r"drops_a_column: output is of shape \(2, 2\)"):
        drops_a_column(X)
    assert CHECKED_CALL.get() is None
    assert drops_a_column(X).shape == (2, 2)


def test_blocks_nest() -> None:
    """After the inner block, the outer one is still active."""
    with strict():
        with strict():
            pass
        with pytest.raises(Violation):
            drops_a_column(X)


def test_another_thread_is_not_checked() -> None:
    """The block is active in its own thread."""
    shapes = []
    with strict():
        thread = Thread(target=lambda: shapes.append(drops_a_column(X).shape))
        thread.start()
        thread.join()
    assert shapes == [(2, 2)]


@obeys("N K, K C -> N C")
def product(a: Array, b: Array) -> Array:
    """A matrix product."""
    return a @ b


def test_two_inputs_share_their_names() -> None:
    """K of the first must be K of the second, by position and by keyword."""
    with strict():
        assert product(X, np.ones((3, 4), np.float32)).shape == (2, 4)
        assert product(X, b=np.ones((3, 4), np.float32)).shape == (2, 4)
        assert product(a=X, b=np.ones((3, 4), np.float32)).shape == (2, 4)
        with pytest.raises(Violation, match=r"input 1 is of shape \(2, 4\), expected \(K=3, C\)"):
            product(X, np.ones((2, 4), np.float32))
        with pytest.raises(Violation, match="input 1"):
            product(X, b=np.ones((2, 4), np.float32))


@obeys("N -> N, N")
def split(x: Array) -> object:
    """Declares two arrays, and returns one if x is short."""
    return (x, 2 * x) if len(x) > 1 else x


def test_every_declared_output_must_be_returned() -> None:
    """One array instead of two fails."""
    with strict():
        assert isinstance(split(X[:, 0]), tuple)
        with pytest.raises(Violation, match=r"1 array, expected 2"):
            split(X[:1, 0])


@obeys("N C -> N C", rows_sum_to_one)
def uneven(x: Array) -> Array:
    """Rows of sum 3, one entry perhaps negative."""
    return x


def test_further_laws_are_checked() -> None:
    """Rows of probabilities must sum to 1 and not be negative."""
    with strict():
        with pytest.raises(Violation) as found:
            uneven(X)
        assert (found.value.law, found.value.index) == ("simplex", (0,))
        with pytest.raises(Violation, match="at least 0"):
            uneven(np.array([[2, -1]], np.float32))
        assert uneven(X / 3).shape == X.shape


def test_any_function_of_a_call_can_be_a_law() -> None:
    """It is called after each call."""

    def never(call: Call) -> None:
        if call.outputs:
            raise call.violation("never", actual="called", expected="no call")

    wrapped = obeys("N C -> N C", never)(lambda x: x)
    with strict(), pytest.raises(Violation, match="never"):
        wrapped(X)


@obeys("N C -> N C")
def writes(x: Array) -> Array:
    """Works in place."""
    x += 1
    return x


@obeys("N C -> N C")
def outer(x: Array) -> Array:
    """Calls a function that works in place."""
    return writes(x)


def test_the_innermost_function_is_reported() -> None:
    """A violation inside another checked function keeps its own law and place."""
    with strict(), pytest.raises(Violation) as found:
        outer(X)
    assert (found.value.law, found.value.location.method) == ("input-untouched", "writes")


def test_a_list_is_reported() -> None:
    """Inputs must be arrays."""
    with strict(), pytest.raises(Violation, match="of type list"):
        uneven([[1.0]])  # type: ignore[arg-type]  # a list, on purpose


def test_a_bad_contract_is_refused_at_once() -> None:
    """The decorator itself raises BadInput."""
    with pytest.raises(BadInput):
        obeys("N C")


@obeys("N -> ")
def total(x: Array) -> object:
    """A number, or an array if x is short."""
    return x.sum() if len(x) > 1 else x


def test_a_contract_without_outputs_declares_a_number() -> None:
    """An array instead of a number fails."""
    with strict():
        assert total(X[:, 0]) == 2
        with pytest.raises(Violation, match="expected one number"):
            total(X[:1, 0])
