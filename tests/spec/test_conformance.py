"""A report on one case: every law in order, one fault, one diagnostic."""

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
    """The larger of each two columns."""

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
    """y = ln x, for positive x, as it claims."""

    domain = (1e-3, np.inf)

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.log(x)

    def backward(self, dy: Array) -> Array:
        return dy / self.x


@obeys("N C -> N C")
class Centered:
    """Less the mean of the batch, as it claims."""

    couples_samples = True

    def forward(self, x: Array) -> Array:
        return x - x.mean(axis=0)

    backward = forward


@obeys("N ... -> N ...")
class Same:
    """Returns its very input."""

    def forward(self, x: Array) -> Array:
        return x

    backward = forward


@pytest.mark.parametrize("layer", [Swish, Maxout, Tied, ZeroGain, Log, Centered, Same])
def test_a_right_layer_is_never_accused(layer: Callable[[], Any]) -> None:
    """However unusual it is, over twenty seeds."""
    for seed in range(20):
        x = np.random.default_rng(seed).standard_normal((5, 4), dtype=np.float32)
        case = LayerCase("right", layer(), np.abs(x) + np.float32(0.01) if layer is Log else x, seed=seed)
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
        slope = np.zeros_like(self.p)
        rows = np.arange(len(self.t))
        slope[rows, self.t] = -1 / self.p[rows, self.t] / len(rows)
        return slope


@pytest.mark.parametrize("loss", [SquaredError, BinaryEntropy, Likelihood])
def test_a_right_loss_is_never_accused(loss: Callable[[], Any]) -> None:
    """Of real targets, of binary ones, and of labels; also where its domain is narrow."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((5, 4), dtype=np.float32)
        prediction = z if loss is SquaredError else np.clip(1 / (1 + np.exp(-z)), 0.05, 0.95)
        target: Array = rng.standard_normal((5, 4), dtype=np.float32)
        if loss is BinaryEntropy:
            target = (target > 0).astype(np.float32)
        if loss is Likelihood:
            target = rng.integers(0, 4, 5)
        report = conformance(LossCase("right", loss(), prediction, target, seed=seed))
        assert report.outcome == "passed", [violation.message for violation in report.violations]


def test_with_one_class_no_answer_is_wrong() -> None:
    """loss-minimum has nothing to say of a single class."""
    report = conformance(LossCase("one", Likelihood(), np.full((3, 1), 0.5, np.float32), np.zeros(3, np.int64)))
    assert {row.law: row.outcome for row in report.results}["loss-minimum"] == "n.a."


def case_of(layer: Any, **settings: Any) -> LayerCase:
    """A layer on a small Gaussian batch."""
    return LayerCase("a", layer, np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32), **settings)


class Growing(Tied):
    """Its gradients add up, and its sign is wrong."""

    def backward(self, dy: Array) -> Array:
        super().backward(dy)
        return -dy


def test_what_rests_on_a_broken_law_is_not_judged() -> None:
    """One fault, one diagnostic."""
    verdicts = {row.law: row for row in conformance(case_of(Growing())).results}
    assert verdicts["gradient"].outcome == "fail"
    assert verdicts["stale-gradient"].outcome == "skipped"
    assert verdicts["repeatable-backward"].reason == "depends on gradient"
    assert verdicts["independent-samples"].outcome == "pass"


def test_a_broken_call_leaves_no_audit_to_judge() -> None:
    """Not even where one code alone was asked for, and the call is told of then too."""
    wide = obeys("N C -> N 9")(type("Wide", (Swish,), {}))
    report = conformance(case_of(wide()), ["gradient"])
    assert [(row.law, row.outcome) for row in report.results] == [("shape", "fail"), ("gradient", "skipped")]


def test_only_what_was_asked_for_is_reported() -> None:
    """Codes pick their rows."""
    report = conformance(case_of(Swish()), ["gradient", "shape"])
    assert [row.law for row in report.results] == ["shape", "gradient"]


def test_a_further_law_that_is_in_no_catalogue_is_told_of() -> None:
    """A plain function under @obeys judges each call like any law, and what rests on sound calls is not judged."""
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
    """For a case and for a class; a law of another kind may stand beside one of this, for many are asked the same."""
    for subject in (case_of(Swish()), Swish):
        with pytest.raises(BadInput, match=words):
            conformance(subject, laws)
    assert [row.law for row in conformance(case_of(Swish()), ["gradient", "loss-mean"])] == ["gradient"]


def test_the_laws_of_calls_are_asked_of_what_is_called() -> None:
    """A schedule is not, so a law of calls is none of its own."""
    with pytest.raises(BadInput, match="schedule has no law called shape"):
        conformance(lambda t: 1 - t, ["shape"], kind="schedule")


def test_a_law_without_a_claim_does_not_apply() -> None:
    """What nobody claims is not judged, and the report says why."""
    verdicts = {row.law: row for row in conformance(case_of(Centered())).results}
    assert verdicts["range"].outcome == verdicts["independent-samples"].outcome == "n.a."
    assert "couples_samples" in verdicts["independent-samples"].reason


def test_a_report_is_json() -> None:
    """As plain data it has names, verdicts and violations."""
    data = json.loads(json.dumps(conformance(case_of(Growing())).to_dict()))
    assert (data["name"], data["kind"], data["outcome"]) == ("a", "layer", "failed")
    assert [found["law"] for found in data["violations"]] == ["gradient"]
    assert {"law", "outcome", "reason", "depends_on"} == set(data["laws"][0])


@obeys("N C -> N C")
class Hinge:
    """max(0, x): nothing but kinks where its input is zero."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dy: Array) -> Array:
        return dy * (self.x > 0)


def test_what_cannot_be_decided_is_inconclusive() -> None:
    """A batch that lies on kinks decides nothing, and that is no fault."""
    assert conformance(LayerCase("a", Hinge(), np.zeros((5, 4), np.float32))).outcome == "inconclusive"


def test_a_missing_contract_is_told_or_stood_in_for() -> None:
    """Law shape speaks, unless the case brings a contract."""

    class Bare:
        def forward(self, x: Array) -> Array:
            return 2 * x

        backward = forward

    report = conformance(case_of(Bare()))
    assert "the contract is missing" in report.violations[0].message
    assert conformance(case_of(Bare(), contract="N C -> N C")).outcome == "passed"


class Fragile(Swish):
    """Raises on float64, which only audits hand in."""

    def forward(self, x: Array) -> Array:
        if x.dtype == np.float64:
            raise KeyError("float64")
        return super().forward(x)


def test_an_exception_in_an_audit_breaks_that_law() -> None:
    """It never ends the report."""
    report = conformance(case_of(Fragile()))
    assert [found.law for found in report.violations] == ["gradient"]
    assert "KeyError on valid input" in report.violations[0].message
    line = Fragile.forward.__code__.co_firstlineno + 2
    assert report.violations[0].location.line == line
    assert report.violations[0].cause == f"forward raises at test_conformance.py:{line}"


def test_an_unusable_claim_is_refused() -> None:
    """A claim of the wrong kind is no broken law but bad input."""
    layer = Swish()
    layer.couples_samples = "yes"  # type: ignore[attr-defined]  # a claim of the wrong kind, on purpose
    with pytest.raises(BadInput, match="couples_samples"):
        conformance(case_of(layer))


def test_the_docket_counts_audits() -> None:
    """Each law that came to a verdict is counted once."""
    check_log = CheckLog()
    conformance(case_of(Swish()), check_log=check_log)
    assert check_log.checked()["gradient"] == 1


def test_a_slope_of_another_shape_is_told() -> None:
    """A gradient summed over the classes is no gradient of the prediction."""
    short = type("Short", (SquaredError,), {"backward": lambda self: self.off.sum(axis=1, keepdims=True)})()
    report = conformance(LossCase("short", short, np.ones((5, 4), np.float32), np.zeros((5, 4), np.float32)))
    assert "gradient" in {found.law for found in report.violations}
    assert "of shape (5, 1)" in report.violations[0].message


def test_a_law_that_falls_over_by_itself_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of what is judged raised, so the line of the law is told, and that it may be the judging's mistake."""
    monkeypatch.setattr("nnlaw.spec.laws.layer.batch_permutation.check_close", None)
    found = conformance(case_of(Swish()), ["batch-permutation"]).violations[0]
    assert found.cause.startswith("a return value of an unexpected type, or a bug in this check (batch_permutation.py:")
