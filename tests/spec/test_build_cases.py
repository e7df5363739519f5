"""From a class or function to cases: how it is constructed, which inputs it gets, and what is refused."""

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
    """y = 2x, without a base class or attributes."""

    def forward(self, x: Array) -> Array:
        return 2 * x

    backward = forward


def layer(thing: Any, **more: Any) -> Unit:
    """The unit of a layer."""
    return Unit("layer", "mine", thing, **more)


def test_sizes_all_differ() -> None:
    """The batch, the input and the output of an affine map have three sizes, and its arrays are float32."""
    (case,) = cases(layer(Affine))
    assert isinstance(case, LayerCase)
    assert len({*case.x.shape, case.layer.attribute("n_out")}) == 3 and case.path == "mine(units=3)"
    assert {a.dtype for a in (case.x, *case.layer.params.values(), *case.layer.grads.values())} == {np.dtype("f4")}


def test_open_axes_are_one_or_two() -> None:
    """An elementwise layer is checked on vectors and on matrices."""
    assert [case.x.shape for case in cases(layer(Twice))] == [(5, 4), (5, 4, 6)]  # type: ignore[attr-defined]  # the kind of case is known here


class OnlyScalars(Twice):
    """Accepts one number per sample."""

    def forward(self, x: Array) -> Array:
        if x.ndim > 1:
            raise ValueError("one number per sample")
        return 2 * x


class MultipleOfEight(Twice):
    """Accepts widths that are a multiple of 8."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        if shape[0] % 8:
            raise ValueError("a multiple of 8")


class Fixed(Twice):
    """Accepts its own shape only."""

    examples = ({"input_shape": (11,)},)

    def forward(self, x: Array) -> Array:
        return 2 * x.reshape(-1, 11)


@pytest.mark.parametrize(("thing", "shape"), [(OnlyScalars, (5,)), (MultipleOfEight, (5, 8)), (Fixed, (5, 11))])
def test_an_input_shape_that_the_layer_accepts_is_found(thing: Any, shape: tuple[int, ...]) -> None:
    """By trying, or from an example."""
    assert cases(layer(thing))[0].x.shape == shape  # type: ignore[attr-defined]  # the kind of case is known here


class Listed(Affine):
    """Has its arrays in lists."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        super().build(shape, rng)
        self.params = list(self.params.values())  # type: ignore[assignment]  # on purpose


def test_lists_of_parameters_are_refused_by_name() -> None:
    """Their arrays have no names, so that their gradients could not be compared."""
    with pytest.raises(BadInput, match="params is a list, expected a dict of arrays by name"):
        cases(layer(Listed))


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
def test_inputs_are_inside_the_declared_domain(domain: tuple[float, float]) -> None:
    """Bounded or open on either side."""
    thing = type("Declaring", (Log,), {"domain": domain, "forward": lambda self, x: x})
    x = cases(layer(thing))[0].x  # type: ignore[attr-defined]  # the kind of case is known here
    assert ((x > domain[0]) & (x < domain[1])).all() and len(np.unique(x)) > 10


@pytest.mark.parametrize("domain", [(1e5, 1e6), (1e5, np.inf), np.array([1e5, 1e6])])
def test_a_distant_domain_is_checked_inside_it(domain: Any) -> None:
    """No law leaves it: a logarithm that refuses other inputs passes, and a wrong one fails."""
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


def test_examples_and_options_are_settings() -> None:
    """One case for each example, and one of a size that the author did not choose; options replace them."""
    thing = type("Listed", (Affine,), {"examples": [{"units": 2}, {"units": 7}]})
    found = [(case.path, case.is_second) for case in cases(layer(thing))]
    assert found == [("mine(units=2)", False), ("mine(units=3)", True), ("mine(units=7)", False)]
    assert [case.path for case in cases(layer(thing, options={"units": 6}))] == ["mine(units=6)"]


class Named(Twice):
    """Needs a string."""

    def __init__(self, mode: str) -> None:
        self.mode = mode


class Picky(Twice):
    """Refuses the number that was guessed."""

    def __init__(self, heads: int) -> None:
        raise ValueError("heads must be 12")


class Refusing(Twice):
    """Refuses every shape."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        raise ValueError("never")


class Rows(Twice):
    """An embedding."""

    def forward(self, x: Array) -> Array:
        return np.eye(3)[x]


class Uncopyable(Twice):
    """Keeps a generator, which cannot be copied."""

    def __init__(self) -> None:
        self.lock = (row for row in ())


class UncopyableBuilt(Twice):
    """Makes it in build."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.lock = (row for row in ())


class Misdeclaring(Twice):
    """An invalid domain."""

    domain = "positive"


def identity(x: Array) -> Array:
    """A function."""
    return x


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (layer(Named), "can't infer a value for mode"),
        (layer(Picky), "heads must be 12; if it needs other settings"),
        (layer(Refusing), "build raised ValueError for every input shape"),
        (layer(Rows), "integers as input, which is not supported"),
        (layer(Uncopyable), "can't copy it"),
        (layer(UncopyableBuilt), "can't copy it"),
        (layer(Misdeclaring), "domain = 'positive'"),
        (layer(obeys("N C, N C -> N C")(type("Two", (Twice,), {}))), "has several inputs or outputs, a layer has one"),
        (layer(type("Bare", (), {"forward": identity, "backward": identity})), "put @obeys"),
        (layer(type("Wordy", (Twice,), {"examples": "units"})), "expected a list of dicts"),
        (layer(type("Half", (), {"forward": identity})), "has no method backward"),
        (layer(identity), "found a function, expected a class"),
        (Unit("schedule", "mine", Twice), "found a class Twice, expected a function"),
        (Unit("schedule", "mine", 3), "found a int, expected a function"),
        (Unit("lair", "mine", Twice), "unknown kind 'lair'"),
        (Unit("function", "mine", identity), "pass contract="),
    ],
)
def test_a_unit_that_cannot_be_used_is_refused_in_one_sentence(unit: Unit, words: str) -> None:
    """With its name and what would help."""
    with pytest.raises(BadInput, match=r"mine|Misdeclaring") as found:
        cases(unit)
    assert words in str(found.value) and "\n" not in str(found.value)


class Raising(Twice):
    """Its constructor raises."""

    def __init__(self) -> None:
        raise KeyError("oops")


class RaisingBuild(Twice):
    """Its build raises."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        raise KeyError("oops")


class RaisingForward(Twice):
    """Its forward raises."""

    def forward(self, x: Array) -> Array:
        raise KeyError("oops")


@pytest.mark.parametrize("thing", [Raising, RaisingBuild, RaisingForward])
def test_an_exception_on_valid_input_fails_shape(thing: Any) -> None:
    """In any method of the protocol, with the line that raises."""
    (found,) = conformance(layer(thing)).violations
    assert found.law == "shape" and "KeyError: 'oops'" in found.message and found.location.file == "test_build_cases.py"


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
def test_losses_get_targets_as_declared(targets: str, domain: Any, fits: Callable[[Array, Array], bool]) -> None:
    """Once with N different from C, once with N = C."""
    found = cases(Unit("loss", "mine", type("Declaring", (Squared,), {"targets": targets, "domain": domain})))
    assert [case.prediction.shape for case in found] == [(5, 3), (4, 4)]  # type: ignore[attr-defined]  # the kind of case is known here
    assert all(isinstance(case, LossCase) and fits(case.prediction, case.target) for case in found)


def test_a_binary_loss_of_one_axis_gets_zeros_and_ones() -> None:
    """An example gives the shape of a sample."""
    thing = type("Flat", (Squared,), {"targets": "binary", "examples": [{"input_shape": ()}]})
    (case,) = cases(Unit("loss", "mine", thing))
    assert set(case.target.tolist()) <= {0.0, 1.0} and case.target.shape == (5,)  # type: ignore[attr-defined]  # the kind of case is known here


class Softmax:
    """A whole model, whose arguments have other names."""

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
    """Only for ten classes."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator) -> None:
        if n_out != 10:
            raise ValueError("ten digits")
        super().__init__(n_in, n_out, rng)


class WithoutParams(TenOnly):
    """Has no params."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator) -> None:
        pass


def test_a_model_is_built_for_few_classes_or_ten() -> None:
    """Its batch has every class."""
    assert conformance(Softmax).outcome == "passed"
    for thing, classes in ((Softmax, 3), (TenOnly, 10)):
        case = cases(Unit("model", "mine", thing))[0]
        assert isinstance(case, ModelCase) and set(case.labels) == set(range(classes))
    (case,) = cases(Unit("model", "mine", Softmax, options={"scale": 0.5, "n_in": 20}))
    assert isinstance(case, ModelCase) and case.x.shape == (12, 20)


@pytest.mark.parametrize(
    ("thing", "words"),
    [(WithoutParams, "has no params"),
     (type("Bad", (Softmax,), {"__init__": lambda *_: {}["oops"]}), "14 inputs and 3"),
     (Softmax(4, 3, np.random.default_rng(0)), "expected the class")],
)
def test_a_model_that_cannot_be_built_is_refused(thing: Any, words: str) -> None:
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
def test_the_kind_is_inferred_from_methods_and_arguments(thing: Any, kind: str) -> None:
    """And each unit has at least one case of it."""
    unit = unit_of(thing)
    assert unit.kind == kind and {case.kind for case in cases(unit)} == {kind}


def test_required_settings_of_functions_get_small_numbers() -> None:
    """If they are integers."""
    (case,) = cases(unit_of(uniform))
    assert case.path == "uniform(width=3)"
    assert case(np.random.default_rng(0), (2, 2), 2, 2).shape == (2, 2)  # type: ignore[operator]  # the kind of case is known here


def test_an_optimizer_is_made_anew() -> None:
    """A new instance each time."""
    (case,) = cases(unit_of(Descent))
    assert case.make() is not case.make()  # type: ignore[attr-defined]  # the kind of case is known here


@pytest.mark.parametrize("thing", [identity, 3])
def test_an_object_of_no_kind_is_refused(thing: Any) -> None:
    """The message lists the kinds."""
    with pytest.raises(BadInput, match="can't infer its kind"):
        unit_of(thing)


def test_functions_are_checked_by_call_laws() -> None:
    """With @obeys, or with a contract that is passed."""
    assert conformance(softsign).outcome == "passed"
    report = conformance(lambda x: x[:, :1], contract="N C -> N C")
    assert [found.law for found in report.violations] == ["shape"]


def test_a_contract_may_have_many_names() -> None:
    """Each gets another size, and the batch is the same everywhere."""
    def sums(a: Array, b: Array, c: Array, d: Array) -> Array:
        return np.stack([x.sum(axis=(1, 2)) for x in (a, b, c, d)], axis=1)

    (case,) = cases(unit_of(sums, contract="N a b, N c d, N e f, N g h -> N 4"))
    shapes = [x.shape for x in case.inputs]  # type: ignore[attr-defined]  # the kind of case is known here
    assert {shape[0] for shape in shapes} == {5} and len({size for shape in shapes for size in shape[1:]}) == 8
    assert conformance(sums, contract="N a b, N c d, N e f, N g h -> N 4").outcome == "passed"


def test_a_built_instance_is_checked_as_it_is() -> None:
    """Its weights are kept, and it is not modified."""
    made = Affine(3)
    made.build((4,), np.random.default_rng(0))
    made.params["W"][...] = 0.5
    (case,) = cases(unit_of(made))
    assert (case.layer.params["W"] == np.float32(0.5)).all() and made.params["W"].dtype == np.float64  # type: ignore[attr-defined]  # the kind of case is known here
    assert conformance(made).outcome == "passed"


def test_a_layer_with_slots_is_checked_like_any_other() -> None:
    """Guards and modes are attributes of copies that have room for them."""

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


def test_complete_layer_copies_a_layer_without_room() -> None:
    """An object with __slots__ is copied and gets params and modes; any other is returned itself."""
    slotted = type("Slotted", (), {"__slots__": ("gain",), "__init__": lambda self: setattr(self, "gain", 2)})()
    made, twice = complete_layer(slotted), Twice()
    assert isinstance(made, type(slotted)) and made.gain == 2 and (made.params, made.grads, made.state) == ({}, {}, {})
    assert complete_layer(twice) is twice and twice.training  # type: ignore[attr-defined]  # it was supplied


def test_a_contract_has_one_name_for_the_batch() -> None:
    """With two, a layer could return any number of samples."""
    kind = obeys("M C -> N C")(type("Mine", (Twice,), {}))
    with pytest.raises(BadInput, match="names the batch M in the input and N in the output"):
        conformance(kind)


def test_code_without_a_source_file_is_checked() -> None:
    """As in a notebook; the diagnostic has no path."""
    space: dict[str, Any] = {}
    exec("class Wrong:\n def forward(self, x): return 2 * x\n def backward(self, dy): return dy", space)
    (found,) = conformance(space["Wrong"], contract="N C -> N C").violations
    assert found.law == "gradient" and "Wrong.backward" in found.message


def test_a_violation_in_the_constructor_gives_a_report() -> None:
    """conformance() does not raise it."""
    with pytest.raises(Violation):
        cases(layer(Raising))
    assert conformance(layer(Raising)).outcome == "failed"
