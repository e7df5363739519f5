"""nn/bench/: order of the epochs, ratios, the report, and no leftover files. No test asserts a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nnlaw.nn.bench.bench
import nnlaw.nn.core.peak_memory
from nnlaw.nn.bench.bench import (
    alternate,
    bench,
    machine,
    median_and_quartiles,
    run_python,
    target,
    training,
    write_random_images,
)
from nnlaw.nn.bench.implementations import MatrixProducts, OurNetwork
from nnlaw.nn.bench.report import plot, report
from nnlaw.nn.data.load import load_folder
from nnlaw.spec.violation import BadInput


def no_bar(items: Sequence[int], what: str) -> Iterator[int]:
    """The items, without a progress bar."""
    return iter(items)


@pytest.fixture(scope="module")
def results(tiny_folder: Path) -> dict[str, object]:
    """All measurements on a tiny data set, without processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nnlaw.nn.bench.bench, "run_python", lambda code: (0.5, "100.0"))
        return bench(tiny_folder, rounds=3, progress=no_bar)


def test_epochs_alternate() -> None:
    """The order is A B A B."""
    order: list[str] = []

    class Runner:
        def __init__(self, name: str) -> None:
            self.name = name

        def epoch(self) -> tuple[float, float]:
            order.append(self.name)
            return 1.0, 2.0

        def predict(self, x: object) -> object:
            return x

    epochs = alternate([Runner("A"), Runner("B")], 3, no_bar)
    assert order == list("ABABAB") and epochs["A"] == [(1.0, 2.0)] * 3


def test_ratios_are_taken_within_a_round_without_the_first() -> None:
    """A slow round does not change the ratio; targets are compared with the median."""
    products = [(9.0, float("nan")), (1.0, float("nan")), (5.0, float("nan"))]
    epochs = {"bare products": products, "nn": [(90.0, 1.0), (1.3, 0.5), (6.5, 0.4)]}
    epochs["nn --strict"] = [(90.0, 1.0), (2.0, 0.5), (10.0, 0.4)]
    results = training(epochs)
    assert results["nn"]["times_the_products"] == pytest.approx({"median": 1.3, "low": 1.3, "high": 1.3})
    assert results["nn"]["target"]["held"] and not results["nn --strict"]["target"]["held"]
    assert target("at least", 1.7, "nn", 1.8)["held"] and not target("at least", 1.7, "nn", 1.6)["held"]


def test_median_and_quartiles() -> None:
    """The median of 0 to 4 is 2, the quartiles are 1 and 3."""
    assert median_and_quartiles(range(5)) == {"median": 2.0, "low": 1.0, "high": 3.0}


def test_matrix_products_use_the_batches_of_the_epoch() -> None:
    """They multiply contiguous views of the training data, every row once."""
    x = np.random.default_rng(0).standard_normal((70, 784)).astype(np.float32)
    products = MatrixProducts(x)
    assert all(np.shares_memory(part, x) and part.flags.c_contiguous for part in products.batches)
    assert sum(map(len, products.batches)) == 70
    seconds, loss = products.epoch()
    assert seconds > 0 and np.isnan(loss) and products.predict(x).shape == (70, 10)
    assert np.array_equal(products.dw[0], products.batches[-1].T @ products.h[0][:6])


@pytest.mark.slow
def test_the_report_is_complete(results: dict[str, object], tmp_path: Path) -> None:
    """Training, loss curves, latency, loading, start-up, memory, versions, BLAS and threads, and a plot."""
    parts = {"machine", "data", "training", "trend", "latency", "startup", "memory"}
    assert parts | {"audit_before_training_seconds", "loading_seconds"} == set(results)
    assert {"python", "numpy", "blas", "threads", "processor"} <= set(machine())
    text = report(results, "nn bench", "loss.png").markdown()
    for words in ("nn --strict", "at most 1.35 × bare products", "peak memory", "![training loss", "blas:", "nn bench"):
        assert words in text
    plot(results, tmp_path / "loss.png")
    Image.open(tmp_path / "loss.png").verify()


@pytest.mark.slow
def test_laws_do_not_change_the_losses(tiny_folder: Path, tmp_path: Path) -> None:
    """With no laws, the laws of calls and all laws, the losses are equal bit for bit."""
    modes = ("", "calls", "strict")
    without, calls, strict = (OurNetwork(tiny_folder, 2, tmp_path / f"{mode}-", mode) for mode in modes)
    assert without.epoch()[1] == calls.epoch()[1] == strict.epoch()[1] and strict.audited > 0


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder is removed even if the data cannot be read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BadInput):
        bench(tmp_path / "absent", rounds=2, progress=no_bar)
    with pytest.raises(BadInput, match="rounds = 1"):
        bench(None, rounds=1, progress=no_bar)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_random_images_replace_missing_data(tmp_path: Path) -> None:
    """60,000 and 10,000 images of ten classes, in IDX files that can be loaded."""
    write_random_images(tmp_path / "data")
    data = load_folder(tmp_path / "data")
    assert data.train_images.shape == (60_000, 28, 28) and data.test_images.shape == (10_000, 28, 28)
    assert set(np.unique(data.train_labels)) == set(range(10))


@pytest.mark.slow
def test_a_process_is_measured_and_a_failed_one_is_refused() -> None:
    """A process writes its result to stderr; a failed process raises BadInput."""
    seconds, text = run_python("import sys; sys.stderr.write('41 42')")
    assert seconds > 0 and nnlaw.nn.bench.bench._last_number(text) == 42.0
    with pytest.raises(BadInput, match="ZeroDivisionError"):
        run_python("1 / 0")


def test_peak_memory_is_that_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak memory is in megabytes, from /proc if it exists, else from getrusage."""
    assert 10 < nnlaw.nn.core.peak_memory.peak() < 100_000
    monkeypatch.setattr(Path, "read_text", lambda *args, **more: "")
    assert 10 < nnlaw.nn.core.peak_memory.peak() < 100_000


@pytest.mark.slow
def test_the_report_names_the_data_and_other_sizes_are_refused(
    results: dict[str, Any], tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report has the name of the data; images of another size are refused before anything is measured."""
    (tmp_path / "fashion").mkdir()
    for file in tiny_folder.iterdir():
        (tmp_path / "fashion" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "fashion" / "dataset.toml").write_text('name = "Mine"\n', encoding="utf-8")
    monkeypatch.setattr(nnlaw.nn.bench.bench, "run_python", lambda code: (0.5, "100.0"))
    other = bench(tmp_path / "fashion", rounds=2, progress=no_bar)
    assert (results["data"]["name"], other["data"]["name"]) == ("MNIST", "Mine")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (300, 8, 8), np.uint8), np.arange(300) % 10
    np.savez(tmp_path / "small.npz", x_train=x, y_train=y, x_test=255 - x, y_test=y)
    with pytest.raises(BadInput, match="images of 64 pixels in 10 classes, expected 784 pixels in 10"):
        bench(tmp_path / "small.npz", rounds=2, progress=no_bar)
