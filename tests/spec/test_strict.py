"""Arming an instance: the same bits, judged."""

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
    """y = xW, with switches for what may go wrong."""

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


def test_armed_and_plain_agree_bit_for_bit() -> None:
    """Outputs and gradients are the same, on this instance alone."""
    plain, armed = Affine(), strict(Affine(), path="1:affine")
    x, dy = batch(), np.ones((5, 3), np.float32)
    assert plain.forward(x).tobytes() == armed.forward(x).tobytes()
    first, second = plain.backward(dy), armed.backward(dy)
    assert first is not None and first.tobytes() == second.tobytes()
    assert plain.grads["W"].tobytes() == armed.grads["W"].tobytes()
    assert is_armed(armed) and not is_armed(plain)


def test_arming_twice_is_arming_once() -> None:
    """A guard is never put before a guard."""
    layer = strict(Affine())
    forward = layer.forward
    assert strict(layer).forward is forward


def test_a_deep_copy_is_plain() -> None:
    """Audits probe copies, which count no calls and stand on their own."""
    check_log = CheckLog()
    layer = strict(Affine(), check_log=check_log)
    twin = copy.deepcopy(layer)
    twin.params["W"][:] = 0
    assert not is_armed(twin)
    assert not twin.forward(batch()).any()
    assert layer.forward(batch()).any()
    assert check_log.checked()["finite"] == 1


def test_the_docket_counts() -> None:
    """Every guard counts its calls under each of its laws."""
    check_log = CheckLog()
    layer = strict(Affine(), check_log=check_log)
    for _ in range(3):
        layer.backward(np.ones_like(layer.forward(batch())))
    assert check_log.checked() == {"dtype": 6, "finite": 6, "input-untouched": 6, "shape": 6}


def test_a_law_outside_the_catalogue_is_counted_by_its_name() -> None:
    """A judge of one's own has the name of its function."""

    def mine(call: object) -> None:
        """Never complains."""

    check_log = CheckLog()
    own = obeys("N C -> N C", mine)(type("Own", (Affine,), {"forward": lambda self, x: x}))
    layer = strict(own(), check_log=check_log)
    layer.forward(batch())
    assert check_log.checked()["mine"] == 1


class Writer(Affine):
    """Works in place on what it was handed."""

    def forward(self, x: Array) -> Array:
        x *= 2  # the line
        return x @ self.params["W"]


def test_a_write_is_caught_at_its_line() -> None:
    """The law is input-untouched, and the place is the line that writes."""
    x = batch()
    with pytest.raises(Violation) as found:
        strict(Writer()).forward(x)
    line = Writer.forward.__code__.co_firstlineno + 1
    assert (found.value.law, found.value.array, found.value.location.line) == ("input-untouched", "input", line)
    assert np.array_equal(x, batch())


def test_nan_is_blamed_on_the_parameter() -> None:
    """The output shows it, the parameter is the root."""
    layer = strict(Affine())
    layer.forward(batch())
    layer.params["W"][2, 1] = np.nan
    with pytest.raises(Violation) as found:
        layer.forward(batch())
    assert (found.value.law, found.value.index, found.value.cause) == ("finite", (0, 1), "W[2, 1] = nan")


def test_nan_in_the_input_is_blamed_on_the_input() -> None:
    """Before the call, and also where the input was sound when it was last looked at."""
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


def test_large_finite_numbers_raise_no_alarm() -> None:
    """float32 of 1e30 is finite, although its square is not."""
    layer = strict(Affine())
    assert np.isfinite(layer.forward(batch(scale=1e30))).all()
    layer.forward(batch())
    assert np.isfinite(layer.backward(np.full((5, 3), 1e30, np.float32))).all()


@pytest.mark.parametrize("x", [None, [[1.0]], np.ones((2, 5), np.float32), np.ones(4, np.float32)])
def test_the_wrong_input_is_told_not_raised(x: Any) -> None:
    """No array, too wide, or flat: law shape."""
    with pytest.raises(Violation, match=": shape: Affine"):
        strict(Affine()).forward(x)


def test_an_exception_inside_is_a_broken_shape() -> None:
    """Valid input should raise nothing; the exception is kept as the cause, at its line."""
    layer = strict(Affine())
    layer.params["W"] = np.ones((3, 3), np.float32)
    with pytest.raises(Violation, match="raised ValueError") as found:
        layer.forward(batch())
    assert isinstance(found.value.__cause__, ValueError)
    assert found.value.location.line == Affine.forward.__code__.co_firstlineno + 2
    assert found.value.cause == f"forward raises at test_strict.py:{found.value.location.line}"


def test_a_first_layer_may_skip_its_dx() -> None:
    """With needs_dx False, None is an answer; without, it is not."""
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


def test_a_domain_is_judged_behind_another_armed_layer() -> None:
    """That an input is known to be finite does not excuse it from the claimed domain."""
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


def test_what_cannot_be_armed_is_refused() -> None:
    """No contract, no room, a class, or no layer at all."""
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
    """An armed loss with some attributes changed."""
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
def test_a_loss_refuses_what_lies_outside_its_domain(prediction: Array, target: Array, index: Any) -> None:
    """Labels out of range, float labels, and probabilities where logits are due."""
    check_log = CheckLog()
    for sound in (None, prediction):
        check_log.last_checked = sound
        with pytest.raises(Violation) as found:
            armed_loss(check_log).forward(prediction, target)
        assert (found.value.law, found.value.index) == ("domain", index)


def test_a_sound_loss_passes() -> None:
    """The quick look and the thorough one agree, for each kind of target."""
    check_log = CheckLog()
    check_log.last_checked = LOGITS
    assert armed_loss(check_log).forward(LOGITS, LABELS) == 1.0
    assert armed_loss().forward(LOGITS, LABELS.astype(np.uint8)) == 1.0
    assert armed_loss(domain=None).forward(LOGITS[:, :1], np.array([0, 0])) == 1.0
    assert armed_loss(domain=None, targets="real").forward(LOGITS, LOGITS) == 1.0
    assert armed_loss(value=np.float32(2)).forward(LOGITS, LABELS) == 2
    assert armed_loss().backward().shape == (2, 3)


def test_a_claimed_interval_of_a_loss_is_always_judged() -> None:
    """Also where the prediction was found sound before; binary targets lie in [0, 1]."""
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
def test_a_loss_answers_with_one_finite_number(value: Any, law: str) -> None:
    """nan, an array and a word are none; and it may not write."""
    with pytest.raises(Violation) as found:
        armed_loss(value=value).forward(LOGITS, LABELS)
    assert found.value.law == law


@pytest.mark.parametrize(("slope", "law"), [(None, "shape"), (3.0, "shape"), (np.full((2, 3), np.nan), "finite")])
def test_the_slope_of_a_loss_is_judged(slope: Any, law: str) -> None:
    """An exception, a number, and nan."""
    with pytest.raises(Violation) as found:
        armed_loss(slope=slope).backward()
    assert found.value.law == law


def test_a_model_predicts_probabilities() -> None:
    """Rows of an armed `predict` sum to 1."""

    class Model:
        """Answers 1/3, and thrice that on demand."""

        factor = np.float32(1)

        def predict(self, x: Array) -> Array:
            return np.full((len(x), 3), self.factor / 3, np.float32)

    model = Model()
    arm_predict(model, "model", CheckLog())
    model.predict(batch())
    model.factor = np.float32(3)
    with pytest.raises(Violation, match="simplex"):
        model.predict(batch())
