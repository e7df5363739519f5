"""The benchmark measures what it says, side by side, and leaves nothing behind. No test asserts a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nnlaw.nn.bench.bench
import nnlaw.nn.core.peak_memory
from nnlaw.nn.bench.baselines import Floor, Own
from nnlaw.nn.bench.bench import bench, child, machine, race, random_pictures, spread, training
from nnlaw.nn.bench.other_libraries import PEERS, Sklearn, Torch
from nnlaw.nn.bench.report import plot, report
from nnlaw.nn.core.document import Page
from nnlaw.nn.data.load import load_folder
from nnlaw.spec.violation import BadInput


def straight(items: object, what: str) -> object:
    """No bar."""
    return items


@pytest.fixture(scope="module")
def found(tiny_folder: Path) -> dict[str, object]:
    """A whole report on a tiny data set, child processes left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nnlaw.nn.bench.bench, "child", lambda code: (0.5, "100.0"))
        return bench(tiny_folder, with_peers=False, rounds=3, track=straight)  # type: ignore[arg-type]  # a stand-in for the bar


def test_epochs_alternate() -> None:
    """Contestants run in the order A B A B."""
    order: list[str] = []

    class Runner:
        def __init__(self, name: str) -> None:
            self.name = name

        def epoch(self) -> tuple[float, float]:
            order.append(self.name)
            return 1.0, 2.0

        def predict(self, x: object) -> object:
            return x

    laps = race([Runner("A"), Runner("B")], 3, straight)  # type: ignore[arg-type]  # a stand-in for the bar
    assert order == list("ABABAB") and laps["A"] == [(1.0, 2.0)] * 3


def test_ratios_are_taken_within_a_round_and_the_first_is_left_out() -> None:
    """A slow round slows both sides and leaves the ratio alone; targets are judged by the median."""
    products = [(9.0, float("nan")), (1.0, float("nan")), (5.0, float("nan"))]
    laps = {"bare products": products, "nn": [(90.0, 1.0), (1.3, 0.5), (6.5, 0.4)]}
    laps[PEERS["torch"]] = [(90.0, 1.0), (2.0, 0.5), (10.0, 0.4)]
    found = training(laps)
    assert found["nn"]["times_the_products"] == pytest.approx({"median": 1.3, "low": 1.3, "high": 1.3})
    assert found["nn"]["target"]["held"] and not found[PEERS["torch"]]["target"]["held"]


def test_spread_is_median_and_quartiles() -> None:
    """Of 0 to 4 the median is 2, the quartiles 1 and 3."""
    assert spread(range(5)) == {"median": 2.0, "low": 1.0, "high": 3.0}


def test_the_floor_streams_the_epochs_batches() -> None:
    """The floor multiplies contiguous views of the data that is trained on, every row once."""
    x = np.random.default_rng(0).standard_normal((70, 784)).astype(np.float32)
    floor = Floor(x)
    assert all(np.shares_memory(part, x) and part.flags.c_contiguous for part in floor.parts)
    assert sum(map(len, floor.parts)) == 70
    seconds, loss = floor.epoch()
    assert seconds > 0 and np.isnan(loss) and floor.predict(x).shape == (70, 10)
    assert np.array_equal(floor.dw[0], floor.parts[-1].T @ floor.h[0][:6])


def test_the_report_holds_what_is_promised(found: dict[str, object], tmp_path: Path) -> None:
    """Training with spread, trend, latency, loading, start-up, memory, versions, BLAS and threads, and a picture."""
    parts = {"machine", "data", "training", "trend", "latency", "startup", "memory"}
    assert parts | {"audit_before_training_seconds", "loading_seconds"} == set(found)
    assert {"python", "numpy", "blas", "threads", "processor"} <= set(machine())
    text = report(found, "loss.png").markdown()
    for words in ("nn --strict", "at most 1.35 × bare products", "peak memory", "![training loss", "blas:"):
        assert words in text
    plot(found, tmp_path / "loss.png")
    Image.open(tmp_path / "loss.png").verify()
    assert isinstance(report(found), Page)


def test_laws_or_none_they_learn_the_same(tiny_folder: Path, tmp_path: Path) -> None:
    """The contestants of our own do the same work: equal losses, bit for bit."""
    plain, calls, strict = (Own(tiny_folder, 2, tmp_path / f"{laws}-", laws) for laws in ("", "calls", "strict"))
    assert plain.epoch()[1] == calls.epoch()[1] == strict.epoch()[1] and strict.audited > 0


def test_nothing_is_left_behind(found: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder is gone even where the data cannot be read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BadInput):
        bench(tmp_path / "absent", with_peers=False, rounds=2, track=straight)  # type: ignore[arg-type]  # a stand-in for the bar
    with pytest.raises(BadInput, match="rounds = 1"):
        bench(None, with_peers=False, rounds=1, track=straight)  # type: ignore[arg-type]  # a stand-in for the bar
    assert not list(tmp_path.iterdir())


def test_without_data_random_pictures_of_that_size_serve(tmp_path: Path) -> None:
    """60,000 and 10,000 pictures of ten classes, in IDX files that are read like any others."""
    random_pictures(tmp_path / "data")
    data = load_folder(tmp_path / "data")
    assert data.train_images.shape == (60_000, 28, 28) and data.test_images.shape == (10_000, 28, 28)
    assert set(np.unique(data.train_labels)) == set(range(10))


def test_a_child_is_measured_and_a_broken_one_is_told() -> None:
    """A process of its own reports on stderr; one that fails is a sentence, not a figure."""
    seconds, said = child("import sys; sys.stderr.write('41 42')")
    assert seconds > 0 and nnlaw.nn.bench.bench._last(said) == 42.0
    with pytest.raises(BadInput, match="ZeroDivisionError"):
        child("1 / 0")


def test_peak_memory_is_this_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak memory is told in megabytes, from /proc where there is one, else from getrusage."""
    assert 10 < nnlaw.nn.core.peak_memory.peak() < 100_000
    monkeypatch.setattr(Path, "read_text", lambda *args, **more: "")
    assert 10 < nnlaw.nn.core.peak_memory.peak() < 100_000


@pytest.mark.parametrize(("module", "make"), [("torch", Torch), ("sklearn", Sklearn)])
def test_peers_do_the_same_work(module: str, make: type) -> None:
    """Where they are installed, PyTorch and scikit-learn train the same architecture and predict probabilities."""
    pytest.importorskip(module)
    x = np.random.default_rng(0).standard_normal((64, 784)).astype(np.float32)
    one = make(x, np.arange(64) % 10)
    assert one.epoch()[1] > 0
    assert np.allclose(np.asarray(one.predict(x)).sum(axis=1), 1, atol=1e-4)


def test_other_data_has_its_own_name_or_is_refused(
    found: dict[str, Any], tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report says what was trained on; pictures of another size are told before anything is measured."""
    (tmp_path / "fashion").mkdir()
    for file in tiny_folder.iterdir():
        (tmp_path / "fashion" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "fashion" / "dataset.toml").write_text('name = "Mine"\n', encoding="utf-8")
    monkeypatch.setattr(nnlaw.nn.bench.bench, "child", lambda code: (0.5, "100.0"))
    other = bench(tmp_path / "fashion", with_peers=False, rounds=2, track=straight)  # type: ignore[arg-type]  # a stand-in for the bar
    assert (found["data"]["name"], other["data"]["name"]) == ("MNIST", "Mine")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (300, 8, 8), np.uint8), np.arange(300) % 10
    np.savez(tmp_path / "small.npz", x_train=x, y_train=y, x_test=255 - x, y_test=y)
    with pytest.raises(BadInput, match="pictures of 64 pixels in 10 classes, expected 784 pixels in 10"):
        bench(tmp_path / "small.npz", with_peers=False, rounds=2, track=straight)  # type: ignore[arg-type]  # a stand-in for the bar
