"""spec/subjects/remote_subject.py: requests that are sent before the replies to those before them are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from loopback import Loopback

from nnlaw.spec import Violation, obeys
from nnlaw.spec.gradcheck.gradients import check_layer
from nnlaw.spec.subjects import remote_subject
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.remote_error import RemoteError
from nnlaw.spec.subjects.subject import Change

X = np.arange(6.0).reshape(2, 3) + 1


@obeys("N n_in -> N n_out")
class Affine:
    """y = x W + b. The gradient of b is that of the mean of the batch."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.params = {"W": rng.standard_normal((3, 4)), "b": np.zeros(4)}
        self.n_in, self.n_out = self.params["W"].shape
        self.grads: dict[str, Any] = {}

    def forward(self, x: Any) -> Any:
        """Raises ValueError for negative numbers."""
        if (x < 0).any():
            raise ValueError("negative")
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy: Any) -> Any:
        """The gradient of x."""
        self.grads = {"W": self.x.T @ dy, "b": dy.mean(axis=0)}
        return dy @ self.params["W"].T


def test_results_can_be_read_in_any_order() -> None:
    """Each has its own result or error, and a request that is sent later has its own, too."""
    subject = Loopback().subject(Affine())
    started = [subject.started([("forward", [sign * X])]) for sign in (1, -1, 2)]
    y = subject.forward(X)
    assert np.array_equal(started[2]().results[0], 2 * y)
    with pytest.raises(RemoteError, match="negative"):
        started[1]()
    assert np.array_equal(started[0]().results[0], y)


def test_a_result_that_is_not_read_is_passed_over() -> None:
    """The next request gets its own reply."""
    subject = Loopback().subject(Affine())
    subject.started([("forward", [2 * X])])
    assert np.array_equal(subject.forward(X), Affine().forward(X))


@pytest.mark.parametrize("fresh", [True, False])
def test_a_sweep_changes_several_arrays(fresh: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument and parameters, in any order; a long one is sent in parts. All arrays are restored."""
    monkeypatch.setattr(remote_subject, "MAX_CHANGES", 2)
    changes: list[Change] = [
        (0, (4, 7.0)),
        (("params", "W"), (None, np.ones((3, 4)))),
        (0, (None, 2 * X)),
        (("params", "b"), (1, 5.0)),
        (("params", "b"), (2, 5.0)),
    ]
    layer, x = Affine(), X.copy()
    remote = Loopback().subject(Affine()).sweep("forward", [X.copy()], changes, fresh=fresh)
    found = subject_of(layer).sweep("forward", [x], changes, fresh=fresh)
    assert len(found) == len(changes) and all(map(np.array_equal, found, remote))
    assert np.array_equal(found[1], X.sum(axis=1, keepdims=True) + np.zeros((2, 4)))
    assert np.array_equal(x, X) and np.array_equal(layer.forward(X), Affine().forward(X))


def test_wrong_slopes_take_few_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """All slopes of small arrays are measured with one message, and those that seem wrong looked at with another."""
    loopback, operations = Loopback(), list[str]()
    send = loopback.connection.send
    monkeypatch.setattr(loopback.connection, "send", lambda *args: (operations.append(args[0]), send(*args))[1])
    with pytest.raises(Violation, match="db"):
        check_layer(loopback.subject(Affine()), X, np.random.default_rng(0))
    assert operations.count("sweep") == 4  # with float32, and for a batch of another size
