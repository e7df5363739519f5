"""Sweeps with new copies: one copy is called again only where that gives the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlaw.spec.subjects.object_subject import ObjectSubject


class Dropout:
    """Keeps half of the inputs, after a multiplication with weights."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(4)
        self.params = {"W": np.arange(1.0, 13).reshape(4, 3)}
        self.calls = 0

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Random outputs."""
        self.calls += 1
        return self.factor() * (x * (self.rng.random(x.shape) < 0.5)) @ self.params["W"]

    def factor(self) -> float:
        """1; what subclasses override depends on the calls before."""
        return 1.0


class Counting(Dropout):
    """Its third and later calls have another result."""

    def factor(self) -> float:
        """2 from the third call on."""
        return 1.0 + (self.calls > 2)


class Once(Dropout):
    """Refuses a second call."""

    def factor(self) -> float:
        """1 in the first call."""
        if self.calls > 1:
            raise RuntimeError("it was called before")
        return 1.0


class Views(Dropout):
    """Computes with weights that are views of one array, as the parameters are; a deep copy parts them."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = self.params["W"].reshape(-1)
        self.params = {"W": self.flat.reshape(4, 3)}

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Random outputs."""
        return (x * (self.rng.random(x.shape) < 0.5)) @ self.flat.reshape(4, 3)


@pytest.mark.parametrize("kind", [Dropout, Counting, Once, Views])
def test_a_sweep_is_that_of_new_copies(kind: Callable[[], Any]) -> None:
    """The results at changes of the input and of a parameter are those of a new copy each."""
    x, layer = np.linspace(1, 2, 20).reshape(5, 4), ObjectSubject(kind())
    changes: list[Any] = [(0, (i, 3.0 + i)) for i in range(20)]
    changes += [(("params", "W"), (i, 5.0)) for i in range(12)]
    found = layer.sweep("forward", [x], changes, fresh=True)
    expected = [layer.sweep("forward", [x], [change], fresh=True)[0] for change in changes]
    assert all(map(np.array_equal, found, expected))
    assert len({each.tobytes() for each in found}) > 5
    assert layer.object.calls == 0


class Endless(Dropout):
    """Is interrupted in its second call, as after the time that it may take."""

    def factor(self) -> float:
        """1 in the first call."""
        if self.calls > 1:
            raise TimeoutError
        return 1.0


def test_an_interrupted_sweep_ends() -> None:
    """The time is over, so nothing else is tried."""
    with pytest.raises(TimeoutError):
        ObjectSubject(Endless()).sweep("forward", [np.ones((5, 4))], [(0, (i, 3.0)) for i in range(20)] * 2, fresh=True)
