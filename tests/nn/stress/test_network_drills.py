"""The drills of a trained network hold on one that is sound, and fail on one that is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.run_folder.tree_file import pack
from nnlaw.nn.stress.attacks import adversarial
from nnlaw.nn.stress.attacks import gradient_masking as masking
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.stress.images import calibration as confidence
from nnlaw.nn.stress.images import corruption_check as corrupted
from nnlaw.nn.stress.images.calibration import BINS, calibration_error, reliability, threshold
from nnlaw.nn.stress.scenario import SCENARIOS, Context, ScenarioOutcome, ScenarioResult, run_scenario
from nnlaw.nn.training.session import prepare
from nnlaw.spec.arrays import Array

MINE = ["fgsm", "pgd", "pgd-l2", "square", "targeted", "masking", "corruptions", "calibration", "refusal"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network that learnt digits of one hand."""
    from nnlaw.nn.data.idx import write_idx
    from nnlaw.nn.stress.images.image_ops import render_strokes

    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    shapes = rng.uniform(5, 22, (2, 10, 3, 2))
    for stem, count in (("train", 900), ("t10k", 60)):
        labels = np.arange(count) % 10
        starts, ends = (shape[labels] + rng.normal(0, 0.7, (count, 3, 2)) for shape in shapes)
        ink = render_strokes(starts, ends, 1, 28, 28)
        write_idx(folder / f"{stem}-images-idx3-ubyte", (255 * ink).astype(np.uint8))
        write_idx(folder / f"{stem}-labels-idx1-ubyte", labels.astype(np.uint8))
    run = Run(folder / "run")
    run.folder.mkdir()
    layers = "dense:32 relu dense:10"
    prepare(Settings(data=str(folder), epochs=4, layers=layers, lr=0.03, validation=100)).train(run, SilentReporter())
    return run


def context(run: Run, folder: Path) -> Context:
    """What a drill is handed, the data read-only."""
    data = prepare(read_run_settings(run.folder)).split
    for array in (data.x_test, data.y_test, data.x_val, data.dataset.test_images):
        array.setflags(write=False)
    return Context(run, data, folder)


def do(name: str, given: Context) -> ScenarioResult:
    """The drill's row."""
    return run_scenario(SCENARIOS[name], given)


@pytest.mark.parametrize("name", MINE)
def test_drills_end_in_a_verdict_with_figures_that_can_be_kept(trained: Run, tmp_path: Path, name: str) -> None:
    """Each holds on a sound network, and leaves figures that can be saved and the pictures that belong to it."""
    row = do(name, context(trained, tmp_path))
    assert row.outcome is ScenarioOutcome.PASSED, row.observation.text
    assert pack(row.observation.metrics)
    pictures = {"masking": 0, "targeted": 0, "pgd": 2, "fgsm": 2, "pgd-l2": 2, "square": 2}
    assert len(list(tmp_path.glob("*.png"))) == pictures.get(name, 1)


def test_a_drill_done_again_finds_the_same(trained: Run, tmp_path: Path) -> None:
    """All chance comes from the scene's seed."""
    for name in ("pgd", "refusal"):
        one, two = (do(name, context(trained, tmp_path)).observation for _ in range(2))
        assert one.metrics == two.metrics and one.text == two.text


class Altered:
    """A model whose answers are changed."""

    def __init__(self, model: Any, sharpen: float = 1.0, flat: bool = False) -> None:
        self.model, self.sharpen, self.flat = model, sharpen, flat

    def predict(self, x: Array) -> Array:
        """p ∝ p^sharpen."""
        log_p = np.log(np.maximum(self.model.predict(x).astype(np.float64), 1e-300))
        p = np.exp(self.sharpen * (log_p - log_p.max(axis=1, keepdims=True)))
        found: Array = p / p.sum(axis=1, keepdims=True)
        return found

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """Zero where `flat`, else turned round."""
        slope: Array = self.model.input_gradient(x, labels)
        return 0 * slope if self.flat else -slope


@pytest.mark.parametrize("flat", [True, False])
def test_a_hidden_gradient_is_seen(trained: Run, tmp_path: Path, flat: bool) -> None:
    """A gradient that is zero, or leads downhill, is found by what needs none."""
    given = context(trained, tmp_path)
    given.reader.model = Altered(given.reader.model, flat=flat)
    assert do("masking", given).outcome is ScenarioOutcome.FAILED


def test_overconfidence_is_seen(trained: Run, tmp_path: Path) -> None:
    """Probabilities that are much too timid fail the calibration, unless nothing was promised of the loss."""
    given = context(trained, tmp_path)
    given.reader.model = Altered(given.reader.model, sharpen=0.1)
    assert do("calibration", given).outcome is ScenarioOutcome.FAILED
    other = read_run_settings(trained.folder).with_changes({"loss": "softmax_cross_entropy:smoothing=0.1"})
    assert not confidence._calibrated_by_training(other)


def test_a_network_that_is_sure_of_all_refuses_nothing(trained: Run, tmp_path: Path) -> None:
    """Where every confidence is 1 no threshold parts letters from digits, and the drill says so."""
    given = context(trained, tmp_path)
    given.reader.model = Altered(given.reader.model, sharpen=1e6)
    assert do("refusal", given).outcome is ScenarioOutcome.FAILED


class Brittle(Altered):
    """One that only reads pictures without a speck of noise, and hides its gradient."""

    def predict(self, x: Array) -> Array:
        """A guess where many pixels are not black."""
        p = super().predict(x)
        p[(x > x.min() + 0.01).sum(axis=1) > 130] = 0.1
        return p


def test_a_brittle_network_is_told_by_what_it_cannot_bear(trained: Run, tmp_path: Path) -> None:
    """Mild damage that costs it more than a tenth is named, and so is noise that does more harm than an attack."""
    given = context(trained, tmp_path)
    given.reader.model = Brittle(given.reader.model, flat=True)
    for name, shown in (("corruptions", "glass blur: accuracy"), ("fgsm", "noise does more harm at [")):
        row = do(name, given)
        assert row.outcome is ScenarioOutcome.FAILED and shown in row.observation.text


def test_what_is_wrong_with_an_attack_is_told() -> None:
    """A change beyond eps, and pixels that are none."""
    x, norm_ball = np.full((2, 4), 0.5), NormBall("inf", 0.1)
    assert adversarial._stray(x + 0.1, x, norm_ball) == ""
    assert "0.2" in adversarial._stray(x + 0.2, x, norm_ball)
    assert "pixels" in adversarial._stray(x + 0.6, x, NormBall("inf", 0.7))
    assert "eps" in adversarial._stray(x * np.nan, x, norm_ball)


def test_what_is_wrong_with_a_corruption_is_told() -> None:
    """Out of range, not seeded, not worse with severity."""
    rng, x = np.random.default_rng(0), np.full((2, 28, 28), 0.5, np.float32)
    found = [x + 2, x, x, x, x]
    assert [fault.partition(" from")[0] for fault in corrupted._faults("fog", x, found, rng)] == [
        "fog: pixels outside [0, 1]",
        "fog: not reproducible",
        "fog: distances",
    ]


def odd_sized(given: Context, high: int, wide: int) -> Context:
    """The same with cut pictures, and a model that takes them."""
    data, rng = given.split.dataset, np.random.default_rng(0)
    cut = Dataset("cut", data.train_images[:, :high, :wide], data.train_labels, data.test_images[:, :high, :wide],
                  data.test_labels)  # fmt: skip
    given.split = split(cut, 50, rng)

    class Guess:
        def predict(self, x: Array) -> Array:
            return np.full((len(x), 10), 0.1, np.float32)

        def input_gradient(self, x: Array, labels: Array) -> Array:
            return np.zeros_like(x)

    given.reader.model = Guess()
    return given


def test_what_cannot_be_done_is_skipped(trained: Run, tmp_path: Path) -> None:
    """Pictures of another size, a model without an input gradient, no image to choose a threshold by."""
    cut = odd_sized(context(trained, tmp_path), 20, 24)
    assert {do(name, cut).outcome for name in ("square", "corruptions", "refusal")} == {ScenarioOutcome.SKIPPED}
    assert do("masking", cut).outcome is ScenarioOutcome.FAILED  # but it is done, without the search
    closed = context(trained, tmp_path)
    closed.reader.model = object()
    attacks = ("fgsm", "pgd", "pgd-l2", "targeted", "masking")
    assert {do(name, closed).outcome for name in attacks} == {ScenarioOutcome.SKIPPED}
    bare = context(trained, tmp_path)
    bare.split = split(bare.split.dataset, 0, np.random.default_rng(0))
    assert do("refusal", bare).outcome is ScenarioOutcome.SKIPPED


def test_the_calibration_error_of_a_known_case() -> None:
    """Ten answers at 0.8 of which six are right, ten at 0.95 of which all are: ECE = ½·0.2 + ½·0.05."""
    sure, right = np.repeat([0.8, 0.95], 10), np.array([True] * 6 + [False] * 4 + [True] * 10)
    assert calibration_error(sure, right) == pytest.approx(0.125)
    count, mean, good = reliability(np.array([1.0, 1 / BINS, 1e-9]), np.array([True, False, True]))
    assert (count[[0, -1]] == [2, 1]).all() and count.sum() == 3 and good[0] == 0.5 and mean[-1] == 1


def test_the_threshold_keeps_its_share() -> None:
    """At least 99% lie at or above it, and with any larger one fewer would."""
    found = np.random.default_rng(0).random(1000)
    t = threshold(found)
    assert (found >= t).mean() == pytest.approx(0.99) and (found > t).mean() < 0.99
    assert threshold(np.full(7, 0.3)) == 0.3


def test_the_modules_are_the_ones_that_enter_the_drills() -> None:
    """All nine are known once the four modules are imported."""
    assert {SCENARIOS[name].run.__module__ for name in MINE} == {
        module.__name__ for module in (adversarial, confidence, corrupted, masking)
    }
