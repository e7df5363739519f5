"""conformance(): every law in order, and one diagnostic per bug."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, CheckLog, LayerCase, LossCase, Violation, conformance, obeys

Array = NDArray[Any]


@obeys("N C -> N C")
class Swish:
    """y = x σ(x)."""

    def forward(self, x: Array) -> Array:
        self.x, self.s = x, 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, dy: Array) -> Array:
        return dy * self.s * (1 + self.x * (1 - self.s))


@obeys("N C -> N D")
class Maxout:
    """The larger of each pair of columns."""

    def forward(self, x: Array) -> Array:
        self.left = x[:, ::2] >= x[:, 1::2]
        return np.where(self.left, x[:, ::2], x[:, 1::2])

    def backward(self, dy: Array) -> Array:
        dx = np.empty((len(dy), 2 * dy.shape[1]), dy.dtype)
        dx[:, ::2], dx[:, 1::2] = dy * self.left, dy * ~self.left
        return dx


@obeys("N C -> N C")
class Tied:
    """One number, used twice: y = a x + a² x."""

    start = 0.7

    def __init__(self) -> None:
        self.params = {"a": np.full(1, self.start, np.float32)}
        self.grads = {"a": np.zeros(1, np.float32)}

    def forward(self, x: Array) -> Array:
        self.x, a = x, self.params["a"]
        return a * x + a * a * x

    def backward(self, dy: Array) -> Array:
        a = self.params["a"]
        self.grads["a"][...] = (dy * self.x).sum() * (1 + 2 * a)
        return dy * (a + a * a)


@obeys("N C -> N C")
class ZeroGain(Tied):
    """A gain that starts at zero."""

    start = 0.0


@obeys("N C -> N C")
class Log:
    """y = ln x, with a declared domain of positive x."""

    domain = (1e-3, np.inf)

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.log(x)

    def backward(self, dy: Array) -> Array:
        return dy / self.x


@obeys("N C -> N C")
class Centered:
    """Subtracts the mean of the batch, as declared."""

    couples_samples = True

    def forward(self, x: Array) -> Array:
        return x - x.mean(axis=0)

    backward = forward


@obeys("N ... -> N ...")
class Same:
    """Returns its input itself."""

    def forward(self, x: Array) -> Array:
        return x

    backward = forward


@pytest.mark.parametrize("layer", [Swish, Maxout, Tied, ZeroGain, Log, Centered, Same])
def test_a_correct_layer_passes(layer: Callable[[], Any]) -> None:
    """For twenty seeds."""
    for seed in range(20):
        x = np.random.default_rng(seed).standard_normal((5, 4), dtype=np.float32)
        case = LayerCase("correct", layer(), np.abs(x) + np.float32(0.01) if layer is Log else x, seed=seed)
        report = conformance(case)
        assert report.outcome == "passed", [violation.message for violation in report.violations]


class SquaredError:
    """Half the mean squared error."""

    targets = "real"

    def forward(self, prediction: Array, target: Array) -> float:
        self.off = prediction - target
        return float((self.off**2).sum(axis=1).mean() / 2)

    def backward(self) -> Array:
        return self.off / len(self.off)


class BinaryEntropy:
    """Cross-entropy of probabilities in (0, 1)."""

    targets = "binary"
    domain = (1e-4, 1 - 1e-4)

    def forward(self, prediction: Array, target: Array) -> float:
        self.p, self.t = prediction, target
        return float(-(target * np.log(prediction) + (1 - target) * np.log(1 - prediction)).sum(axis=1).mean())

    def backward(self) -> Array:
        return (self.p - self.t) / (self.p * (1 - self.p)) / len(self.p)


class Likelihood:
    """The negative log-likelihood of labels under probabilities."""

    domain = (1e-4, 1.0)
    targets = "labels"

    def forward(self, prediction: Array, target: Array) -> float:
        self.p, self.t = prediction, target
        return float(-np.log(prediction[np.arange(len(target)), target]).mean())

    def backward(self) -> Array:
        gradient = np.zeros_like(self.p)
        rows = np.arange(len(self.t))
        gradient[rows, self.t] = -1 / self.p[rows, self.t] / len(rows)
        return gradient


@pytest.mark.parametrize("loss", [SquaredError, BinaryEntropy, Likelihood])
def test_a_correct_loss_passes(loss: Callable[[], Any]) -> None:
    """With real targets, binary ones and labels, and with a small domain."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((5, 4), dtype=np.float32)
        prediction = z if loss is SquaredError else np.clip(1 / (1 + np.exp(-z)), 0.05, 0.95)
        target: Array = rng.standard_normal((5, 4), dtype=np.float32)
        if loss is BinaryEntropy:
            target = (target > 0).astype(np.float32)
        if loss is Likelihood:
            target = rng.integers(0, 4, 5)
        report = conformance(LossCase("correct", loss(), prediction, target, seed=seed))
        assert report.outcome == "passed", [violation.message for violation in report.violations]


def test_loss_minimum_needs_two_classes() -> None:
    """With one class every prediction is right."""
    report = conformance(LossCase("one", Likelihood(), np.full((3, 1), 0.5, np.float32), np.zeros(3, np.int64)))
    assert {row.law: row.outcome for row in report.results}["loss-minimum"] == "n.a."


def case_of(layer: Any, **settings: Any) -> LayerCase:
    """A layer on a small Gaussian batch."""
    return LayerCase("a", layer, np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32), **settings)


class WrongAndAdding(Tied):
    """Adds up its gradients, and has the wrong sign."""

    def backward(self, dy: Array) -> Array:
        super().backward(dy)
        return -dy


def test_laws_that_depend_on_a_failed_law_are_skipped() -> None:
    """One bug, one diagnostic."""
    results = {row.law: row for row in conformance(case_of(WrongAndAdding())).results}
    assert results["gradient"].outcome == "fail"
    assert results["stale-gradient"].outcome == "skipped"
    assert results["repeatable-backward"].reason == "depends on gradient"
    assert results["independent-samples"].outcome == "pass"


def test_a_failed_call_law_skips_the_other_laws() -> None:
    """Even if only one law was requested; the call law is reported too."""
    wide = obeys("N C -> N 9")(type("Wide", (Swish,), {}))
    report = conformance(case_of(wide()), ["gradient"])
    assert [(row.law, row.outcome) for row in report.results] == [("shape", "fail"), ("gradient", "skipped")]


def test_only_the_requested_laws_are_reported() -> None:
    """In the order of the catalog."""
    report = conformance(case_of(Swish()), ["gradient", "shape"])
    assert [row.law for row in report.results] == ["shape", "gradient"]


def test_a_law_outside_the_catalog_is_reported() -> None:
    """A function that @obeys adds is checked on each call, and other laws are skipped if it fails."""
    def few(call: Any) -> None:
        if call.outputs and call.outputs["output"].max() > 1:
            raise Violation("few", location=call.location, array="output", actual="above 1", expected="at most 1")

    def doubled(self: Any, x: Array) -> Array:
        return 2 * x

    layer = type("Two", (), {"forward": doubled, "backward": doubled})
    report = conformance(obeys("N n -> N n", few)(layer))
    assert [found.law for found in report.violations] == ["few"] and report.outcome == "failed"
    assert conformance(obeys("N n -> N n", lambda call: None)(layer)).outcome == "passed"


@pytest.mark.parametrize(
    ("laws", "words"),
    [(["gradiant"], "layer has no law called gradiant; did you mean gradient or stale-gradient?"),
     (["gradient", "gradiant"], "has no law called gradiant;"), (["loss-mean"], "layer has no law called loss-mean"),
     ("gradient", "laws = .gradient.: laws must be a list of codes")],
)
def test_an_unknown_law_is_refused(laws: Any, words: str) -> None:
    """For a case and for a class; laws of other kinds are ignored if one is of this kind."""
    for subject in (case_of(Swish()), Swish):
        with pytest.raises(BadInput, match=words):
            conformance(subject, laws)
    assert [row.law for row in conformance(case_of(Swish()), ["gradient", "loss-mean"])] == ["gradient"]


def test_call_laws_are_for_layers_losses_and_models() -> None:
    """A schedule is not one of them."""
    with pytest.raises(BadInput, match="schedule has no law called shape"):
        conformance(lambda t: 1 - t, ["shape"], kind="schedule")


def test_a_law_of_an_undeclared_attribute_is_not_applicable() -> None:
    """The reason is in the report."""
    results = {row.law: row for row in conformance(case_of(Centered())).results}
    assert results["range"].outcome == results["independent-samples"].outcome == "n.a."
    assert "couples_samples" in results["independent-samples"].reason


def test_a_report_can_be_written_as_json() -> None:
    """Names, outcomes and violations."""
    data = json.loads(json.dumps(conformance(case_of(WrongAndAdding())).to_dict()))
    assert (data["name"], data["kind"], data["outcome"]) == ("a", "layer", "failed")
    assert [found["law"] for found in data["violations"]] == ["gradient"]
    assert {"law", "outcome", "reason", "depends_on", "exception"} == set(data["laws"][0])


@obeys("N C -> N C")
class Hinge:
    """max(0, x): every entry is a kink if x is 0."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dy: Array) -> Array:
        return dy * (self.x > 0)


def test_a_batch_of_kinks_is_partly_checked() -> None:
    """No law fails, but gradient cannot be decided."""
    assert conformance(LayerCase("a", Hinge(), np.zeros((5, 4), np.float32))).outcome == "partly checked"


def test_a_missing_contract_fails_shape() -> None:
    """Unless the case has one."""

    class Bare:
        def forward(self, x: Array) -> Array:
            return 2 * x

        backward = forward

    report = conformance(case_of(Bare()))
    assert "the contract is missing" in report.violations[0].message
    assert conformance(case_of(Bare(), contract="N C -> N C")).outcome == "passed"


class RaisesOnFloat64(Swish):
    """Raises for float64, which only audits use."""

    def forward(self, x: Array) -> Array:
        if x.dtype == np.float64:
            raise KeyError("float64")
        return super().forward(x)


def test_an_exception_in_an_audit_fails_that_law() -> None:
    """The report continues."""
    report = conformance(case_of(RaisesOnFloat64()))
    assert [found.law for found in report.violations] == ["gradient"]
    assert "KeyError on valid input" in report.violations[0].message
    line = RaisesOnFloat64.forward.__code__.co_firstlineno + 2
    assert report.violations[0].location.line == line
    assert report.violations[0].cause == f"forward raises at test_conformance.py:{line}"


def test_an_invalid_declaration_is_refused() -> None:
    """It is unusable input, not a failed law."""
    layer = Swish()
    layer.couples_samples = "yes"  # type: ignore[attr-defined]  # an invalid value, on purpose
    with pytest.raises(BadInput, match="couples_samples"):
        conformance(case_of(layer))


def test_the_check_log_counts_audits() -> None:
    """Each law that passed or failed is counted once."""
    check_log = CheckLog()
    conformance(case_of(Swish()), check_log=check_log)
    assert check_log.checked()["gradient"] == 1


def test_a_gradient_of_another_shape_fails() -> None:
    """Such as one that is summed over the classes."""
    short = type("Short", (SquaredError,), {"backward": lambda self: self.off.sum(axis=1, keepdims=True)})()
    report = conformance(LossCase("short", short, np.ones((5, 4), np.float32), np.zeros((5, 4), np.float32)))
    assert "gradient" in {found.law for found in report.violations}
    assert "of shape (5, 1)" in report.violations[0].message


def test_an_exception_in_a_law_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no line of the checked code raised it, the cause names the line of the law."""
    monkeypatch.setattr("nnlaw.spec.laws.layer.batch_permutation.check_close", None)
    found = conformance(case_of(Swish()), ["batch-permutation"]).violations[0]
    assert found.cause.startswith("a return value of an unexpected type, or a bug in this check (batch_permutation.py:")


def test_inputs_in_place_of_laws_are_refused() -> None:
    """An array in the place of the laws' codes gets a sentence that names the function that takes inputs."""
    with pytest.raises(BadInput, match=r"list of codes; .* call check\(unit, \*inputs\)"):
        conformance(Swish(), np.zeros((2, 3), np.float32))  # type: ignore[arg-type]  # the mistake that is tested
