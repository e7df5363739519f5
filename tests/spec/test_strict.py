"""strict(): guards on one instance compute the same bits, and check every call."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, CheckLog, Violation, obeys, strict
from nnlaw.spec.guards.strict import arm_loss, arm_predict, is_armed

Array = NDArray[Any]


@obeys("N n_in -> N n_out")
class Affine:
    """y = xW, with switches for errors."""

    def __init__(self) -> None:
        self.n_in, self.n_out = 4, 3
        self.params = {"W": np.random.default_rng(1).standard_normal((4, 3), dtype=np.float32)}
        self.grads = {"W": np.zeros((4, 3), np.float32)}
        self.needs_dx = True
        self.x = np.zeros((0, 4), np.float32)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["W"]

    def backward(self, dy: Array) -> Array | None:
        self.grads["W"][...] = self.x.T @ dy
        return dy @ self.params["W"].T if self.needs_dx else None


def batch(n: int = 5, scale: float = 1.0) -> Array:
    """A Gaussian batch."""
    return np.float32(scale) * np.random.default_rng(2).standard_normal((n, 4), dtype=np.float32)


def test_a_layer_with_guards_computes_the_same_bits() -> None:
    """Outputs and gradients are equal; only this instance has guards."""
    layer, guarded = Affine(), strict(Affine(), path="1:affine")
    x, dy = batch(), np.ones((5, 3), np.float32)
    assert layer.forward(x).tobytes() == guarded.forward(x).tobytes()
    first, second = layer.backward(dy), guarded.backward(dy)
    assert first is not None and first.tobytes() == second.tobytes()
    assert layer.grads["W"].tobytes() == guarded.grads["W"].tobytes()
    assert is_armed(guarded) and not is_armed(layer)


def test_strict_twice_adds_guards_once() -> None:
    """A guard never calls another guard."""
    layer = strict(Affine())
    forward = layer.forward
    assert strict(layer).forward is forward


def test_a_deep_copy_has_no_guards() -> None:
    """Laws call copies, which must not count as calls."""
    check_log = CheckLog()
    layer = strict(Affine(), check_log=check_log)
    twin = copy.deepcopy(layer)
    twin.params["W"][:] = 0
    assert not is_armed(twin)
    assert not twin.forward(batch()).any()
    assert layer.forward(batch()).any()
    assert check_log.checked()["finite"] == 1


def test_the_check_log_counts_calls() -> None:
    """Each guard counts its calls for each of its laws."""
    check_log = CheckLog()
    layer = strict(Affine(), check_log=check_log)
    for _ in range(3):
        layer.backward(np.ones_like(layer.forward(batch())))
    assert check_log.checked() == {"dtype": 6, "finite": 6, "input-untouched": 6, "shape": 6}


def test_a_law_outside_the_catalog_is_counted_by_its_name() -> None:
    """The name of its function."""

    def mine(call: object) -> None:
        """Always passes."""

    check_log = CheckLog()
    own = obeys("N C -> N C", mine)(type("Own", (Affine,), {"forward": lambda self, x: x}))
    layer = strict(own(), check_log=check_log)
    layer.forward(batch())
    assert check_log.checked()["mine"] == 1


class Writer(Affine):
    """Modifies its input."""

    def forward(self, x: Array) -> Array:
        x *= 2  # the line
        return x @ self.params["W"]


def test_a_write_is_reported_at_its_line() -> None:
    """The law is input-untouched, the location the line that writes."""
    x = batch()
    with pytest.raises(Violation) as found:
        strict(Writer()).forward(x)
    line = Writer.forward.__code__.co_firstlineno + 1
    assert (found.value.law, found.value.array, found.value.location.line) == ("input-untouched", "input", line)
    assert np.array_equal(x, batch())


def test_nan_in_a_parameter_is_the_cause() -> None:
    """The output is reported, the parameter is the likely cause."""
    layer = strict(Affine())
    layer.forward(batch())
    layer.params["W"][2, 1] = np.nan
    with pytest.raises(Violation) as found:
        layer.forward(batch())
    assert (found.value.law, found.value.index, found.value.cause) == ("finite", (0, 1), "W[2, 1] = nan")


def test_nan_in_the_input_is_reported_there() -> None:
    """Before the call, even if the array passed an earlier check."""
    check_log = CheckLog()
    first, second = strict(Affine(), check_log=check_log), strict(Affine(), check_log=check_log, contract="N C -> N D")
    second.params["W"] = np.ones((3, 2), np.float32)
    y = first.forward(batch())
    second.forward(y)
    y = first.forward(batch())
    y[1, 2] = np.inf
    with pytest.raises(Violation) as found:
        second.forward(y)
    assert (found.value.array, found.value.index) == ("input", (1, 2))


def test_large_finite_numbers_pass() -> None:
    """float32 of 1e30 is finite, although its square is not."""
    layer = strict(Affine())
    assert np.isfinite(layer.forward(batch(scale=1e30))).all()
    layer.forward(batch())
    assert np.isfinite(layer.backward(np.full((5, 3), 1e30, np.float32))).all()


@pytest.mark.parametrize("x", [None, [[1.0]], np.ones((2, 5), np.float32), np.ones(4, np.float32)])
def test_a_wrong_input_fails_shape(x: Any) -> None:
    """Not an array, too wide, or flat."""
    with pytest.raises(Violation, match=": shape: Affine"):
        strict(Affine()).forward(x)


def test_an_exception_on_valid_input_fails_shape() -> None:
    """It is kept as __cause__, and its line is the location."""
    layer = strict(Affine())
    layer.params["W"] = np.ones((3, 3), np.float32)
    with pytest.raises(Violation, match="raised ValueError") as found:
        layer.forward(batch())
    assert isinstance(found.value.__cause__, ValueError)
    assert found.value.location.line == Affine.forward.__code__.co_firstlineno + 2
    assert found.value.cause == f"forward raises at test_strict.py:{found.value.location.line}"


def test_a_first_layer_may_return_none() -> None:
    """With needs_dx = False, backward may return None; otherwise it may not."""
    layer = strict(Affine())
    layer.forward(batch())
    layer.needs_dx = False
    assert layer.backward(np.ones((5, 3), np.float32)) is None
    with pytest.raises(Violation, match="NoneType"):
        strict(type("Silent", (Affine,), {"backward": lambda self, dy: None})()).backward(np.ones((5, 3), np.float32))


@obeys("N C -> N C")
class Log:
    """y = ln x."""

    domain = (1e-6, np.inf)

    def forward(self, x: Array) -> Array:
        return np.log(x)

    def backward(self, dy: Array) -> Array:
        return dy


def test_a_domain_is_checked_after_another_layer_with_guards() -> None:
    """An array that was just checked is still checked against the domain."""
    check_log = CheckLog()
    first, second = strict(Affine(), check_log=check_log), strict(Log(), check_log=check_log)
    with pytest.raises(Violation) as found:
        second.forward(first.forward(batch()))
    assert found.value.law == "domain"
    assert second.forward(np.ones((2, 2), np.float32)).sum() == 0


class Slotted:
    """Has no room for guards."""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        """y = x."""
        return x

    backward = forward


def test_objects_that_cannot_have_guards_are_refused() -> None:
    """No contract, no __dict__, a class, and not a layer."""
    with pytest.raises(BadInput, match="no shape contract"):
        strict(Slotted())
    with pytest.raises(BadInput, match="__slots__"):
        strict(Slotted(), contract="N -> N")
    with pytest.raises(BadInput, match="takes an instance, not the class"):
        strict(Affine)
    with pytest.raises(BadInput, match="no forward"):
        strict(3)


class Entropy:
    """Cross-entropy of logits."""

    domain: Any = "logits"
    targets = "labels"
    value: Any = None
    slope: Any = np.ones((2, 3), np.float32)

    def forward(self, prediction: Array, target: Array) -> Any:
        if self.value == "write":
            prediction -= 1
        return 1.0 if self.value is None else self.value

    def backward(self) -> Any:
        if self.slope is None:
            raise KeyError("forward")
        return self.slope


def armed_loss(check_log: CheckLog | None = None, **changed: Any) -> Any:
    """A loss with guards and some attributes changed."""
    loss = Entropy()
    for name, value in changed.items():
        setattr(loss, name, value)
    arm_loss(loss, "loss", check_log or CheckLog())
    return loss


LOGITS = np.array([[0.5, -1, 2], [0, 3, 1]], np.float32)
LABELS = np.array([0, 2])


@pytest.mark.parametrize(
    ("prediction", "target", "index"),
    [(LOGITS, np.array([0, 3]), (1,)), (LOGITS, np.array([-1, 0]), (0,)), (LOGITS, np.array([0.0, 1.0]), None),
     (np.full((2, 3), 1 / 3, np.float32), LABELS, None)],
    ids=["too large", "negative", "floats", "probabilities"],
)
def test_a_loss_fails_domain_outside_of_it(prediction: Array, target: Array, index: Any) -> None:
    """Labels out of range, float labels, and probabilities instead of logits."""
    check_log = CheckLog()
    for last_checked in (None, prediction):
        check_log.last_checked = last_checked
        with pytest.raises(Violation) as found:
            armed_loss(check_log).forward(prediction, target)
        assert (found.value.law, found.value.index) == ("domain", index)


def test_a_correct_loss_passes() -> None:
    """The fast test and the laws agree, for each kind of target."""
    check_log = CheckLog()
    check_log.last_checked = LOGITS
    assert armed_loss(check_log).forward(LOGITS, LABELS) == 1.0
    assert armed_loss().forward(LOGITS, LABELS.astype(np.uint8)) == 1.0
    assert armed_loss(domain=None).forward(LOGITS[:, :1], np.array([0, 0])) == 1.0
    assert armed_loss(domain=None, targets="real").forward(LOGITS, LOGITS) == 1.0
    assert armed_loss(value=np.float32(2)).forward(LOGITS, LABELS) == 2
    assert armed_loss().backward().shape == (2, 3)


def test_a_declared_interval_of_a_loss_is_always_checked() -> None:
    """Even if the prediction was just checked; binary targets are in [0, 1]."""
    check_log = CheckLog()
    check_log.last_checked = LOGITS
    with pytest.raises(Violation, match=r"prediction\[0, 1\] = -1"):
        armed_loss(check_log, domain=(0.0, 1.0)).forward(LOGITS, LABELS)
    with pytest.raises(Violation, match="target"):
        armed_loss(domain=None, targets="binary").forward(LOGITS, LOGITS)
    with pytest.raises(Violation, match="of type list"):
        armed_loss(check_log).forward(LOGITS, [0, 1])


@pytest.mark.parametrize(("value", "law"), [(math.nan, "finite"), (np.ones(2), "shape"), ("x", "shape"),
                                            ("write", "input-untouched")])
def test_a_loss_returns_one_finite_number(value: Any, law: str) -> None:
    """Not nan, an array or a string; and it may not modify its input."""
    with pytest.raises(Violation) as found:
        armed_loss(value=value).forward(LOGITS, LABELS)
    assert found.value.law == law


@pytest.mark.parametrize(("slope", "law"), [(None, "shape"), (3.0, "shape"), (np.full((2, 3), np.nan), "finite")])
def test_the_gradient_of_a_loss_is_checked(slope: Any, law: str) -> None:
    """An exception, a number, and nan."""
    with pytest.raises(Violation) as found:
        armed_loss(slope=slope).backward()
    assert found.value.law == law


def test_a_model_predicts_probabilities() -> None:
    """Rows returned by `predict` sum to 1."""

    class Model:
        """Returns 1/3, or 1 if factor is 3."""

        factor = np.float32(1)

        def predict(self, x: Array) -> Array:
            return np.full((len(x), 3), self.factor / 3, np.float32)

    model = Model()
    arm_predict(model, "model", CheckLog())
    model.predict(batch())
    model.factor = np.float32(3)
    with pytest.raises(Violation, match="simplex"):
        model.predict(batch())


@obeys("N n -> N n")
class WithoutDx:
    """The identity, whose backward returns None without needs_dx = False."""

    def forward(self, x: Any) -> Any:
        return x

    def backward(self, dy: Any) -> Any:
        return None


def test_only_a_layer_with_needs_dx_false_may_return_none() -> None:
    """Otherwise law shape fails."""
    layer = strict(WithoutDx())
    layer.forward(batch())
    with pytest.raises(Violation, match=": shape: WithoutDx"):
        layer.backward(batch())


def test_the_check_log_counts_both_methods_of_a_loss() -> None:
    """Two calls of forward and two of backward."""

    class Square:
        targets = "real"

        def forward(self, prediction: Any, target: Any) -> float:
            self.off = prediction - target
            return float((self.off**2).sum() / len(self.off))

        def backward(self) -> Any:
            return 2 * self.off / len(self.off)

    check_log, loss = CheckLog(), Square()
    arm_loss(loss, "mine", check_log)
    for _ in range(2):
        loss.forward(batch(), batch() + 1)
        loss.backward()
    assert check_log.checked()["finite"] == 4


def test_an_empty_batch_fails() -> None:
    """A mean needs a sample."""
    loss = armed_loss()
    with pytest.raises(Violation, match="the batch is empty, expected at least one sample"):
        loss.forward(LOGITS[:0], np.zeros(0, np.int64))
