"""What admits claims, what layers draw, and the slope by the input: who is accused of what, and who is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers the layers of the networks below
from nnlaw.nn.network import Network
from nnlaw.spec import BadInput, LayerCase, ModelCase, ScheduleCase, Violation, conformance, obeys
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.intervals import parse_interval
from nnlaw.spec.law import CATALOG

RNG = np.random.default_rng


def test_an_interval_is_read_as_it_is_written() -> None:
    """Each end is included or not; ∞ is one; what is no number lies in none."""
    half, all_above = parse_interval("[0, 1)"), parse_interval("(0, ∞)")
    assert [x in half for x in (-0.1, 0, 0.5, 1, float("nan"))] == [False, True, True, False, False]
    assert [x in all_above for x in (0, 1e-300, 1e300, float("inf"))] == [False, True, True, False]
    assert 1 in parse_interval("(0, 1]")


@pytest.mark.parametrize("text", ["0, 1", "[1, 0]", "[0, 0]", "[a, 1]", "[0; 1]"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """By ValueError."""
    with pytest.raises(ValueError):
        parse_interval(text)


@pytest.mark.parametrize("claimed", [{"floor": "0..1"}, {"floor": 1}, "[0, 1]", {"depth": "[0, 1]"}])
def test_a_claim_that_admits_nothing_of_sense_is_bad_input(claimed: Any) -> None:
    """No interval, no dict, or no setting of that name."""
    with pytest.raises(BadInput, match="admits"):
        conformance(_schedule(lambda t, floor: floor, claimed))


def _schedule(factor: Callable[[float, float], float], admits: Any) -> ScheduleCase:
    def made(t: float, *, floor: float = 0.5) -> float:
        return factor(t, floor)

    made.admits = admits  # type: ignore[attr-defined]  # as a registering decorator sets a claim
    return ScheduleCase("mine", made)


def _within(error: Exception, high: float = 1.0) -> Callable[[float, float], float]:
    def factor(t: float, floor: float) -> float:
        if not 0 <= floor <= high:
            raise error
        return floor

    return factor


def _constant(t: float, floor: float) -> float:
    if not 0 <= floor <= 1:
        raise ValueError("floor")
    return 1.0


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (_within(ValueError("floor is wrong"), 2.0), "is accepted, expected a ValueError"),
        (_within(ValueError("floor is wrong"), 0.7), "expected to be accepted"),
        (_within(ValueError("no")), "a message that names floor"),
        (_within(TypeError("floor")), "refused by TypeError"),
        (_constant, "without effect"),
    ],
)
def test_a_claim_about_a_setting_that_does_not_hold_is_told(factor: Callable[..., float], words: str) -> None:
    """Taken beyond, refused within, refused without its name or by another error, or taken and not used."""
    case = _schedule(factor, {"floor": "[0, 1]"})
    with pytest.raises(Violation, match=words):
        CATALOG["schedule", "settings"].check(case)


def test_a_claim_about_a_setting_that_holds_is_silent() -> None:
    """Taken within, refused beyond by name, and used."""
    CATALOG["schedule", "settings"].check(_schedule(_within(ValueError("floor")), {"floor": "[0, 1]"}))


class Sigmoid:
    """y = σ(x), with a range that tests set."""

    like = "sigmoid"
    range: ClassVar[tuple[float, float]]

    def forward(self, x: Array) -> Array:
        self.y = 0.5 * (1 + np.tanh(0.5 * x))
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * self.y * (1 - self.y)


@pytest.mark.parametrize(("claimed", "laws"), [((0, 1), []), ((-0.001, 1.001), []), ((0, 2), ["definition"])])
def test_a_standard_name_claims_no_wider_range_than_the_textbook(claimed: Any, laws: list[str]) -> None:
    """But for what rounding may ask."""
    kind = obeys("N C -> N C")(type("Mine", (Sigmoid,), {"range": claimed}))
    report = conformance(LayerCase("mine", kind(), RNG(0).standard_normal((5, 4)).astype(np.float32)))
    assert [found.law for found in report.violations] == laws


def test_a_contract_has_one_name_for_the_batch() -> None:
    """Two would let a layer return any number of samples."""
    kind = obeys("M C -> N C")(type("Mine", (Sigmoid,), {"range": (0, 1)}))
    with pytest.raises(BadInput, match="names the batch M in the input and N in the output"):
        conformance(kind)


def network(layers: str, **changes: Any) -> ModelCase:
    """A default model whose class has these methods in place of its own."""
    kind = type("Changed", (Network,), changes)

    def make(rng: np.random.Generator) -> Any:
        return kind(14, 3, rng, layers=layers)

    x = RNG(1).standard_normal((12, 14)).astype(np.float32)
    return ModelCase("network", make(RNG(0)), make, x, np.arange(12) % 3)


def _tied(self: Any, *args: Any, **settings: Any) -> None:
    Network.__init__(self, *args, **settings)
    self.layers[2].params["W"] = self.layers[0].params["W"]


def _twice(self: Any, *args: Any, **settings: Any) -> None:
    Network.__init__(self, *args, **settings)
    self.layers[2].params["W"] = 3 * self.layers[0].params["W"]


def test_layers_that_draw_the_same_numbers_are_told() -> None:
    """Scaled or not; but an array that two layers share is tied on purpose."""
    judge = CATALOG["model", "own-draws"].check
    with pytest.raises(Violation, match="over again"):
        judge(network("dense:14 tanh dense:14 dense:3", __init__=_twice))
    judge(network("dense:14 tanh dense:14 dense:3", __init__=_tied))
    judge(network("dense:14 tanh dense:14 dense:3"))
    judge(network("dense:14,init=zeros tanh dense:14,init=zeros dense:3"))


def _in_training(self: Any, x: Array, labels: Array) -> Array:
    self.layers[0].needs_dx = True
    return np.array(self._there_and_back(x, labels)[1])


def _leaves_eval(self: Any, x: Array, labels: Array) -> Array:
    slope = Network.input_gradient(self, x, labels)
    for layer in self.layers:
        layer.training = False
    return slope


def _turned(self: Any, x: Array, labels: Array) -> Array:
    return -Network.input_gradient(self, x, labels)


def _flat(self: Any, x: Array, labels: Array) -> Array:
    return Network.input_gradient(self, x, labels).ravel()


@pytest.mark.parametrize(
    ("layers", "method", "words"),
    [
        ("dense:16 relu dropout dense:3", _in_training, "another one the next time"),
        ("dense:16 batchnorm relu dense:3", _in_training, "another one in a batch|ended by"),
        ("dense:16 relu dropout dense:3", _leaves_eval, "followed by a loss"),
        ("dense:16 relu dense:3", _turned, "along a random direction"),
        ("dense:16 relu dense:3", _flat, "of shape"),
    ],
)
def test_a_wrong_slope_by_the_input_is_told(layers: str, method: Any, words: str) -> None:
    """Of training, of another mode afterwards, of the wrong sign, or of another shape."""
    with pytest.raises((Violation, ValueError), match=f"{words}|at least 2"):
        CATALOG["model", "input-gradient"].check(network(layers, input_gradient=method))


@pytest.mark.parametrize("layers", ["dense:16 relu dense:3", "dropout:0.01 dense:3", "dense:16 batchnorm relu dense:3"])
def test_the_slope_by_the_input_of_the_default_model_is_right(layers: str) -> None:
    """With and without layers that training runs otherwise."""
    CATALOG["model", "input-gradient"].check(network(layers))


def _mean_in_training(self: Any, x: Array, labels: Array) -> float:
    return float(self.loss.forward(self.forward(x), self.targets(labels)))


def _mean_of_parts(self: Any, x: Array, labels: Array) -> float:
    parts = [slice(i, i + 1000) for i in range(0, len(x), 1000)]
    return float(np.mean([Network.mean_loss(self, x[part], labels[part]) for part in parts]))


def _mean_leaves_eval(self: Any, x: Array, labels: Array) -> float:
    value = Network.mean_loss(self, x, labels)
    for layer in self.layers:
        layer.training = False
    return value


def _twice_the_mean(self: Any, x: Array, labels: Array) -> float:
    return 2 * Network.mean_loss(self, x, labels)


@pytest.mark.parametrize(
    ("layers", "method", "words"),
    [
        ("dense:16 relu dropout dense:3", _mean_in_training, "the next time"),
        ("dense:16 relu dense:3", _mean_of_parts, "for 1500 samples"),
        ("dense:16 relu dropout dense:3", _mean_leaves_eval, "followed by a loss"),
        ("dense:16 relu dense:3", _twice_the_mean, "as in training"),
    ],
)
def test_a_wrong_loss_in_eval_mode_is_told(layers: str, method: Any, words: str) -> None:
    """Of training, of parts that are not equally large, with another mode afterwards, or of another size."""
    with pytest.raises(Violation, match=words):
        CATALOG["model", "mean-loss"].check(network(layers, mean_loss=method))


@pytest.mark.parametrize("layers", ["dense:16 relu dense:3", "dropout:0.01 dense:3", "dense:16 batchnorm relu dense:3"])
def test_the_loss_of_the_default_model_in_eval_mode_is_right(layers: str) -> None:
    """With and without layers that training runs otherwise."""
    CATALOG["model", "mean-loss"].check(network(layers))
