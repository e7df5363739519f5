"""From anyone's plugin to cases: how it is constructed, which inputs it gets, and what is asked of its author."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, LayerCase, LossCase, ModelCase, Unit, Violation, conformance, obeys
from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.discovery.classify import unit_of
from nnlaw.spec.subjects.layer_protocol import complete_layer

Array = NDArray[Any]


@obeys("N n_in -> N n_out")
class Affine:
    """y = x W + b."""

    def __init__(self, units: int) -> None:
        self.n_out = units

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        (self.n_in,) = shape
        self.params = {"W": rng.normal(0, 1, (self.n_in, self.n_out)), "b": np.zeros(self.n_out)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy: Array) -> Array:
        self.grads = {"W": self.x.T @ dy, "b": dy.sum(axis=0)}
        return dy @ self.params["W"].T


@obeys("N ... -> N ...")
class Twice:
    """y = 2x, and nothing else: no base, no attributes."""

    def forward(self, x: Array) -> Array:
        return 2 * x

    backward = forward


def layer(thing: Any, **more: Any) -> Unit:
    """The record of a layer."""
    return Unit("layer", "mine", thing, **more)


def test_sizes_all_differ() -> None:
    """The batch, the input and the output of an affine map have three sizes, and its arrays are float32."""
    (case,) = cases(layer(Affine))
    assert isinstance(case, LayerCase)
    assert len({*case.x.shape, case.layer.n_out}) == 3 and case.path == "mine(units=3)"
    assert {a.dtype for a in (case.x, *case.layer.params.values(), *case.layer.grads.values())} == {np.dtype("f4")}


def test_any_further_axes_are_tried_with_one_and_with_two() -> None:
    """An elementwise layer is judged on vectors and on matrices."""
    assert [case.x.shape for case in cases(layer(Twice))] == [(5, 4), (5, 4, 6)]  # type: ignore[attr-defined]  # the kind of case is known here


class OnlyScalars(Twice):
    """Takes one number a sample."""

    def forward(self, x: Array) -> Array:
        if x.ndim > 1:
            raise ValueError("one number a sample")
        return 2 * x


class Halves(Twice):
    """Wants even widths, at least 8."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        if shape[0] % 8:
            raise ValueError("a multiple of 8")


class Fixed(Twice):
    """Works on its own shape alone."""

    examples = ({"input_shape": (11,)},)

    def forward(self, x: Array) -> Array:
        return 2 * x.reshape(-1, 11)


@pytest.mark.parametrize(("thing", "shape"), [(OnlyScalars, (5,)), (Halves, (5, 8)), (Fixed, (5, 11))])
def test_a_shape_is_found_that_the_layer_takes(thing: Any, shape: tuple[int, ...]) -> None:
    """By trying, or as an example says."""
    assert cases(layer(thing))[0].x.shape == shape  # type: ignore[attr-defined]  # the kind of case is known here


@obeys("N C -> N C")
class Log:
    """y = ln x."""

    domain = (0.5, np.inf)

    def forward(self, x: Array) -> Array:
        return np.log(x)

    def backward(self, dy: Array) -> Array:
        return dy


@pytest.mark.parametrize("domain", [(0.5, np.inf), (-np.inf, -2.0), (0.25, 0.5), (-np.inf, np.inf), (-1e30, 1e30),
                                    (1e5, 1e6), (-1e6, -1e5), (9e3, 1e6), (1e8, np.inf), (-np.inf, -1e8)])
def test_inputs_are_drawn_within_the_claimed_domain(domain: tuple[float, float]) -> None:
    """Whichever side of it is open."""
    thing = type("Claiming", (Log,), {"domain": domain, "forward": lambda self, x: x})
    x = cases(layer(thing))[0].x  # type: ignore[attr-defined]  # the kind of case is known here
    assert ((x > domain[0]) & (x < domain[1])).all() and len(np.unique(x)) > 10


@pytest.mark.parametrize("domain", [(1e5, 1e6), (1e5, np.inf), np.array([1e5, 1e6])])
def test_a_domain_far_out_is_judged_there(domain: Any) -> None:
    """No law leaves it: a logarithm that refuses all else is not accused, one that is wrong there is."""
    def forward(self: Any, x: Array) -> Array:
        if (x < 1e5).any():
            raise ValueError("too small")
        self.x = x
        return np.log(x)

    right = {"domain": domain, "forward": forward, "backward": lambda self, dy: dy / self.x}
    assert [v.message for v in conformance(type("Far", (), right), contract="N ... -> N ...").violations] == []
    wrong = right | {"backward": lambda self, dy: -dy / self.x}
    (found,) = conformance(type("Far", (), wrong), contract="N ... -> N ...").violations
    assert found.law == "gradient"


def test_examples_and_options_construct() -> None:
    """One case for each example; options stand in for all."""
    thing = type("Listed", (Affine,), {"examples": [{"units": 2}, {"units": 7}]})
    assert [case.path for case in cases(layer(thing))] == ["mine(units=2)", "mine(units=7)"]
    assert [case.path for case in cases(layer(thing, options={"units": 6}))] == ["mine(units=6)"]


class Named(Twice):
    """Wants a string."""

    def __init__(self, mode: str) -> None:
        self.mode = mode


class Picky(Twice):
    """Refuses the number that was guessed."""

    def __init__(self, heads: int) -> None:
        raise ValueError("heads must be 12")


class Refusing(Twice):
    """No shape is right."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        raise ValueError("never")


class Rows(Twice):
    """An embedding."""

    def forward(self, x: Array) -> Array:
        return np.eye(3)[x]


class Open(Twice):
    """Keeps a file."""

    def __init__(self) -> None:
        self.lock = (row for row in ())


class OpenBuilt(Twice):
    """Makes what can't copy it while it is built."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.lock = (row for row in ())


class Misclaiming(Twice):
    """A domain that is none."""

    domain = "positive"


def plain(x: Array) -> Array:
    """A function."""
    return x


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (layer(Named), "can't infer a value for mode"),
        (layer(Picky), "heads must be 12; if it needs other settings"),
        (layer(Refusing), "build raised ValueError for every input shape"),
        (layer(Rows), "integers as input, which is not supported"),
        (layer(Open), "can't copy it"),
        (layer(OpenBuilt), "can't copy it"),
        (layer(Misclaiming), "domain = 'positive'"),
        (layer(obeys("N C, N C -> N C")(type("Two", (Twice,), {}))), "has several inputs or outputs, a layer has one"),
        (layer(type("Bare", (), {"forward": plain, "backward": plain})), "put @obeys"),
        (layer(type("Wordy", (Twice,), {"examples": "units"})), "expected a list of dicts"),
        (layer(type("Half", (), {"forward": plain})), "has no method backward"),
        (layer(plain), "found a function, expected a class"),
        (Unit("schedule", "mine", Twice), "found a class Twice, expected a function"),
        (Unit("schedule", "mine", 3), "found a int, expected a function"),
        (Unit("lair", "mine", Twice), "unknown kind 'lair'"),
        (Unit("function", "mine", plain), "pass contract="),
    ],
)
def test_what_cannot_be_told_is_asked_for_in_one_sentence(record: Unit, words: str) -> None:
    """Naming the plugin and what would help."""
    with pytest.raises(BadInput, match=r"mine|Misclaiming") as told:
        cases(record)
    assert words in str(told.value) and "\n" not in str(told.value)


class Falling(Twice):
    """Its constructor is broken."""

    def __init__(self) -> None:
        raise KeyError("oops")


class FallingBuild(Twice):
    """Its build is broken."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        raise KeyError("oops")


class FallingForward(Twice):
    """Its forward is broken."""

    def forward(self, x: Array) -> Array:
        raise KeyError("oops")


@pytest.mark.parametrize("thing", [Falling, FallingBuild, FallingForward])
def test_raising_on_valid_input_breaks_law_shape(thing: Any) -> None:
    """In any method of the protocol, with the line that says so."""
    (found,) = conformance(layer(thing)).violations
    assert found.law == "shape" and "KeyError: 'oops'" in found.message and found.location.file == "test_plugin.py"


class Squared:
    """Half the mean square."""

    targets = "real"

    def forward(self, prediction: Array, target: Array) -> float:
        self.off = prediction - target
        return 0.5 * float((self.off**2).sum()) / len(target)

    def backward(self) -> Array:
        return self.off / len(self.off)


@pytest.mark.parametrize(
    ("targets", "domain", "fits"),
    [
        ("labels", None, lambda p, t: t.shape == (len(p),) and t.dtype.kind == "i"),
        ("labels", (1e-3, 1.0), lambda p, t: np.allclose(p.sum(axis=1), 1, atol=0.01)),
        ("binary", None, lambda p, t: (t.sum(axis=1) == 1).all()),
        ("real", None, lambda p, t: t.shape == p.shape and (t < 0).any()),
        ("real", "logits", lambda p, t: np.allclose(t.sum(axis=1), 1)),
    ],
)
def test_losses_get_targets_as_they_claim(targets: str, domain: Any, fits: Callable[[Array, Array], bool]) -> None:
    """Once with N unlike C, once with N = C."""
    found = cases(Unit("loss", "mine", type("Claiming", (Squared,), {"targets": targets, "domain": domain})))
    assert [case.prediction.shape for case in found] == [(5, 3), (4, 4)]  # type: ignore[attr-defined]  # the kind of case is known here
    assert all(isinstance(case, LossCase) and fits(case.prediction, case.target) for case in found)


def test_a_binary_loss_of_one_axis_gets_zeros_and_ones() -> None:
    """An example names the shape of a sample."""
    thing = type("Flat", (Squared,), {"targets": "binary", "examples": [{"input_shape": ()}]})
    (case,) = cases(Unit("loss", "mine", thing))
    assert set(case.target.tolist()) <= {0.0, 1.0} and case.target.shape == (5,)  # type: ignore[attr-defined]  # the kind of case is known here


class Softmax:
    """A whole model, whose arguments have names of their own."""

    def __init__(self, inputs: int, classes: int, generator: np.random.Generator, *, scale: float = 0.1) -> None:
        self.params = {"W": (scale * generator.standard_normal((inputs, classes))).astype(np.float32)}

    def predict(self, x: Array) -> Array:
        e = np.exp(x @ self.params["W"])
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        p, rows = self.predict(x), np.arange(len(x))
        loss = -float(np.log(p[rows, labels]).mean())
        p[rows, labels] -= 1
        return loss, {"W": x.T @ p / len(x)}


class TenOnly(Softmax):
    """Ten classes are wired in."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator) -> None:
        if n_out != 10:
            raise ValueError("ten digits")
        super().__init__(n_in, n_out, rng)


class Without(TenOnly):
    """No params."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator) -> None:
        pass


def test_a_model_is_built_for_few_classes_or_ten() -> None:
    """Its batch holds every class."""
    assert conformance(Softmax).outcome == "passed"
    for thing, classes in ((Softmax, 3), (TenOnly, 10)):
        (case,) = cases(Unit("model", "mine", thing))
        assert isinstance(case, ModelCase) and set(case.labels) == set(range(classes))
    (case,) = cases(Unit("model", "mine", Softmax, options={"scale": 0.5, "n_in": 20}))
    assert isinstance(case, ModelCase) and case.x.shape == (12, 20)


@pytest.mark.parametrize(
    ("thing", "words"),
    [(Without, "has no params"), (type("Bad", (Softmax,), {"__init__": lambda *_: {}["oops"]}), "14 inputs and 3"),
     (Softmax(4, 3, np.random.default_rng(0)), "expected the class")],
)
def test_a_model_that_cannot_be_built_is_asked_about(thing: Any, words: str) -> None:
    """In one sentence."""
    with pytest.raises(BadInput, match=words):
        cases(Unit("model", "mine", thing))


class Descent:
    """w ← w − lr·g."""

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g


@obeys("N C -> N C")
def softsign(x: Array) -> Array:
    """x/(1 + |x|)."""
    return x / (1 + np.abs(x))


def uniform(rng: Any, shape: Any, fan_in: int, fan_out: int, *, width: int) -> Array:
    """Uniform numbers."""
    return np.asarray(rng.uniform(-width, width, shape))


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (Affine, "layer"), (Twice(), "layer"), (Squared, "loss"), (Squared(), "loss"), (Descent, "optimizer"),
        (Softmax, "model"), (softsign, "function"), (uniform, "initializer"), (lambda t: 1, "schedule"),
        (lambda x, y, size, rng: [], "batches"), (lambda probabilities, labels: 1.0, "metric"),
    ],
)
def test_the_kind_is_told_from_methods_and_arguments(thing: Any, kind: str) -> None:
    """And each becomes at least one case of it."""
    record = unit_of(thing)
    assert record.kind == kind and {case.kind for case in cases(record)} == {kind}


def test_required_settings_of_functions_get_small_numbers() -> None:
    """Where they are integers."""
    (case,) = cases(unit_of(uniform))
    assert case.path == "uniform(width=3)"
    assert case(np.random.default_rng(0), (2, 2), 2, 2).shape == (2, 2)  # type: ignore[operator]  # the kind of case is known here


def test_an_optimizer_is_made_afresh() -> None:
    """Each time another."""
    (case,) = cases(unit_of(Descent))
    assert case.make() is not case.make()  # type: ignore[attr-defined]  # the kind of case is known here


@pytest.mark.parametrize("thing", [plain, 3])
def test_a_thing_of_no_kind_is_refused(thing: Any) -> None:
    """With the kinds there are."""
    with pytest.raises(BadInput, match="can't infer its kind"):
        unit_of(thing)


def test_plain_functions_are_judged_by_the_laws_of_calls() -> None:
    """Under @obeys, or with a contract from outside."""
    assert conformance(softsign).outcome == "passed"
    report = conformance(lambda x: x[:, :1], contract="N C -> N C")
    assert [found.law for found in report.violations] == ["shape"]


def test_a_contract_may_have_many_names() -> None:
    """Each is drawn as another size, and the batch as one."""
    def paired(a: Array, b: Array, c: Array, d: Array) -> Array:
        return np.stack([x.sum(axis=(1, 2)) for x in (a, b, c, d)], axis=1)

    (case,) = cases(unit_of(paired, contract="N a b, N c d, N e f, N g h -> N 4"))
    shapes = [x.shape for x in case.inputs]  # type: ignore[attr-defined]  # the kind of case is known here
    assert {shape[0] for shape in shapes} == {5} and len({size for shape in shapes for size in shape[1:]}) == 8
    assert conformance(paired, contract="N a b, N c d, N e f, N g h -> N 4").outcome == "passed"


def test_an_instance_that_is_built_is_judged_as_it_stands() -> None:
    """Its weights are not drawn anew, and it is left alone."""
    made = Affine(3)
    made.build((4,), np.random.default_rng(0))
    made.params["W"][...] = 0.5
    (case,) = cases(unit_of(made))
    assert (case.layer.params["W"] == np.float32(0.5)).all() and made.params["W"].dtype == np.float64  # type: ignore[attr-defined]  # the kind of case is known here
    assert conformance(made).outcome == "passed"


def test_a_layer_with_slots_is_tried_like_any_other() -> None:
    """Guards and modes find a place on the copies; the layer itself has none for them."""

    @obeys("N ... -> N ...")
    class Slotted:
        __slots__ = ("gain",)

        def __init__(self) -> None:
            self.gain = 2

        def forward(self, x: Array) -> Array:
            return self.gain * x

        backward = forward

    report = conformance(Slotted)
    assert report.outcome == "passed", report.violations


def test_what_has_no_room_for_the_protocol_moves_to_where_there_is() -> None:
    """A layer of a class with __slots__ and no base gets params and modes; one that has room stays itself."""
    slotted = type("Slotted", (), {"__slots__": ("gain",), "__init__": lambda self: setattr(self, "gain", 2)})()
    made, plain = complete_layer(slotted), Twice()
    assert isinstance(made, type(slotted)) and made.gain == 2 and (made.params, made.grads, made.state) == ({}, {}, {})
    assert complete_layer(plain) is plain and plain.training  # type: ignore[attr-defined]  # it was supplied


def test_code_without_a_source_file_is_judged() -> None:
    """As in a notebook: the diagnostic names what it can."""
    space: dict[str, Any] = {}
    exec("class Wrong:\n def forward(self, x): return 2 * x\n def backward(self, dy): return dy", space)
    (found,) = conformance(space["Wrong"], contract="N C -> N C").violations
    assert found.law == "gradient" and "Wrong.backward" in found.message


def test_a_violation_while_being_built_is_a_report() -> None:
    """Nobody needs to catch it."""
    with pytest.raises(Violation):
        cases(layer(Falling))
    assert conformance(layer(Falling)).outcome == "failed"
