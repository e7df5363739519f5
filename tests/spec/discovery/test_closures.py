"""Functions that return functions are checked like classes; hints and remarks of check()."""

import copy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, CheckFailed, check
from nnlaw.spec.discovery.calls import constructions
from nnlaw.spec.discovery.closures import class_of_closures

Array = NDArray[Any]


def make_dense(n_in: int, n_out: int) -> Any:
    """An affine map whose weights are variables of the functions."""
    W, x = np.random.default_rng(0).standard_normal((n_in, n_out)), None

    def forward(inputs: Array) -> Array:
        nonlocal x
        x = inputs
        return inputs @ W

    def backward(dy: Array) -> Any:
        assert x is not None
        return dy @ W.T, x.T @ dy

    return forward, backward


def test_copies_of_closures_share_no_variables() -> None:
    """A changed weight of a copy leaves the original as it is."""
    kind: Any = class_of_closures(make_dense, lambda each: (made.instance for made in constructions(each, None)))
    first = kind(4, 3)
    second = copy.deepcopy(first)
    second.W = np.zeros((4, 3))
    x = np.ones((2, 4))
    assert first.forward(x).any() and not second.forward(x).any()
    assert set(first.variables()) == {"W", "x"} and second.variables()["W"] is second.W


def test_closures_are_checked_with_their_variables() -> None:
    """The weights among the variables of the functions are parameters."""
    report: Any = check(make_dense)
    assert (report.outcome, report.compared) == ("passed", ["x (5, 4)", "W (4, 3)"])


class Picture:
    """A layer of images of one size only."""

    def forward(self, x: Array) -> Array:
        assert x.shape[1:] == (11, 13)
        self.x = x
        return x**2

    def backward(self, dy: Array) -> Array:
        return 2 * self.x * dy


def test_a_hint_is_named_in_a_line_to_paste_and_then_used() -> None:
    """The shape of an input that is not found by trying; an array gives its shape, too."""
    with pytest.raises(CheckFailed, match=r"check\(Picture, input_shape=\(5, 4\)\)"):
        check(Picture)
    for report in (check(Picture, input_shape=(2, 11, 13)), check(Picture, np.ones((2, 11, 13)))):
        assert isinstance(report, object) and report.compared == ["x (2, 11, 13)"]  # type: ignore[union-attr]  # one report
    with pytest.raises(BadInput, match=r"layout='cols': expected one of rows"):
        check(Picture, layout="cols")


def test_functions_with_arrays_are_called_with_them() -> None:
    """As check_backward and check_loss do, with a report."""
    def forward(x: Array, w: Array) -> Any:
        return x @ w, (x, w)

    def backward(dout: Array, cache: Any) -> Any:
        return dout @ cache[1].T, cache[0].T @ dout

    x, w = np.random.default_rng(0).normal(size=(5, 4)), np.random.default_rng(1).normal(size=(4, 3))
    report: Any = check(forward, backward, x, w)
    assert (report.outcome, report.compared) == ("passed", ["dx (5, 4)", "dw (4, 3)"])
    with pytest.raises(CheckFailed, match="dw of"):
        check(forward, lambda dout, cache: (dout @ cache[1].T, 2 * cache[0].T @ dout), x, w)
    report = check(lambda w, x: (float(((x @ w) ** 2).sum()), 2 * x.T @ (x @ w)), w, x)
    assert report.outcome == "passed"


class Naive:
    """A softmax without its maximum subtracted."""

    def forward(self, x: Array) -> Array:
        e = np.exp(x)
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, dy: Array) -> Array:
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))


def test_an_unstable_softmax_passes_with_a_remark() -> None:
    """No law of code that is not registered checks numerical stability."""
    report: Any = check(Naive)
    assert report.outcome == "passed" and any("nan or inf" in note for note in report.notes)
